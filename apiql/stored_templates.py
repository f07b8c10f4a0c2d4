"""Texts of call templates --load--> compiled plans by name, all checked together.

Nothing is loaded by halves: what is wrong with any file is found, and told of all together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apiql.errors import Code, Problem, QueryRefused, nearest
from apiql.frontends.call_templates.around import Around
from apiql.frontends.call_templates.document import Document
from apiql.frontends.call_templates.lower import Lowered, lower
from apiql.frontends.call_templates.reading import load
from apiql.ir.plan import Plan
from apiql.query_files import FileProblem, order_of
from apiql.runtime.decode import to_json
from apiql.runtime.step import Executable
from apiql.template_files import TemplateFile, TemplateFiles

SOURCE = "template"
"""The first name of every call template as a source: `from template.getUserInfo`."""

Make = Callable[[Plan], Executable]
"""A stage of the engine: the compiled plan; raises QueryRefused."""


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A call template, compiled."""

    name: str
    file: str
    executable: Executable

    @property
    def source(self) -> str:
        """What `from` calls it."""
        return source_name(self.name)


@dataclass(frozen=True, slots=True)
class Templates:
    """Call templates by name; what is wrong with others (`broken` as sources), what is odd."""

    found: Mapping[str, StoredTemplate] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
    warnings: tuple[FileProblem, ...] = ()
    broken: frozenset[str] = frozenset()

    def named(self, name: str) -> StoredTemplate:
        """The template of a name.

        Raises:
            QueryRefused: there is none.
        """
        found = self.found.get(name)
        if found is None:
            meant = nearest(name, self.found)
            hint = f"did you mean {meant}?" if meant else None
            message = f"there is no template {name[:128]}"
            raise QueryRefused((Problem(Code.QUERY_NOT_FOUND, message, hint=hint),))
        return found

    def with_others(self, others: Templates) -> Templates:
        """These and others, which count where both have a name."""
        return Templates({**self.found, **others.found}, self.problems + others.problems,
                         self.warnings + others.warnings, self.broken | others.broken)  # fmt: skip


def source_name(name: str) -> str:
    """What `from` calls a template: `template.shop.cart`."""
    return f"{SOURCE}.{name.replace('/', '.')}"


def text_of(templates: Mapping[str, Any]) -> TemplateFile:
    """Templates that are written in a program, as a file of several has them."""
    return TemplateFile("", "templates", to_json(templates).decode())


def load_templates(files: TemplateFiles, around: Around, make: Make) -> Templates:
    """The templates of these files, with what is wrong with any of them."""
    loading = _Loading(around, make)
    for file in files.files:
        loading.read(file)
    loading.carry_out()
    problems = tuple(sorted((*files.problems, *loading.problems), key=order_of))
    broken = frozenset(map(source_name, loading.broken))
    return Templates(loading.found, problems, tuple(loading.warnings), broken)


class _Loading:
    """One load."""

    def __init__(self, around: Around, make: Make) -> None:
        self.found: dict[str, StoredTemplate] = {}
        self.problems: list[FileProblem] = []
        self.warnings: list[FileProblem] = []
        self.broken: list[str] = []
        self._around, self._make = around, make
        self._documents: dict[str, Document] = {}

    def read(self, file: TemplateFile) -> None:
        """Reads a text."""
        loaded = load(file.text, file.file, file.name)
        self._note(file.file, loaded.problems)
        self.warnings += [FileProblem(file.file, problem) for problem in loaded.warnings]
        self.broken += loaded.broken
        for rest in loaded.mended:
            self._lowered(rest)
        for document in loaded.documents:
            first = self._documents.setdefault(document.id, document)
            if first is not document and not file.inherited:
                self._note(file.file, [_twice(document, first)])

    def carry_out(self) -> None:
        """Compiles what was read."""
        for name, document in self._documents.items():
            lowered = self._lowered(document)
            made = None if lowered is None else self._made(lowered.plan, document)
            if lowered is None or made is None:
                self.broken.append(name)
                continue
            self.found[name] = StoredTemplate(name, document.file, made)
            self.warnings += [FileProblem(document.file, each) for each in lowered.warnings]

    def _lowered(self, document: Document) -> Lowered | None:
        try:
            return lower(document, self._around)
        except QueryRefused as refused:
            self._note(document.file, refused.problems)
            return None

    def _made(self, plan: Plan, document: Document) -> Executable | None:
        try:
            return self._make(plan)
        except QueryRefused as refused:
            self._note(document.file, refused.problems)
            return None

    def _note(self, file: str, problems: Iterable[Problem]) -> None:
        self.problems += [FileProblem(file, problem) for problem in problems]


def _twice(document: Document, first: Document) -> Problem:
    at, path = document.place(())
    message = f"{path}: the template {document.id} is in {first.file} too"
    return Problem(Code.DUPLICATE_NAME, message, (at,), "give one of them another name")

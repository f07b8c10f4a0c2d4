"""Definitions of a folder --lower--> plans --compile--> what answers requests, by kind and name.

One that is broken is not served, and keeps the others away unless that is asked for (`keep_going`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from apiql.documents.problems import DefinitionProblem, Severity, broken
from apiql.documents.shape import Shape
from apiql.errors import Code, Problem, QueryRefused
from apiql.figure_names import NO_NAMES, FigureNames, figure_names
from apiql.frontends.definitions.checks import Known, check
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import FUNCTIONS
from apiql.frontends.definitions.kinds import Kind as Of
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.definitions.lower.lowered import Ground, Lowered
from apiql.frontends.definitions.private import Private
from apiql.frontends.text.surroundings import Surroundings
from apiql.gotemplate import TemplateRefused
from apiql.gotemplate.calls import BUILTINS, Function
from apiql.gotemplate.parse import parse
from apiql.ir.plan import Plan
from apiql.ir.reach import Kind, Name, Reach
from apiql.query_files import FileProblem, FilesRefused
from apiql.runtime.step import Executable
from apiql.sources.addresses import BadUrl, parse_url

KINDS: Mapping[Of, Kind] = MappingProxyType(
    {Of.API: Kind.HTTPAPI, Of.FLOW: Kind.FLOW, Of.SCHEDULE: Kind.SCHEDULE}
)
"""The kinds of documents that requests can name."""
UNKNOWN: Mapping[Layout, int] = MappingProxyType({Layout.V1: 500, Layout.V2: 403})
"""What a name answers that nothing has; elsewhere 404."""
NO_JSON: Mapping[Layout, int] = MappingProxyType({Layout.V2: 500})
"""What a body answers that is no JSON; elsewhere 400."""

Make = Callable[[Plan, Reach], Executable]
Lower = Callable[[Of, str], Lowered]
Lowering = Callable[[Ground], Lower]


class DefinitionsRefused(FilesRefused):
    """Definitions that cannot be served."""


@dataclass(frozen=True, slots=True)
class DefinitionFiles:
    """The definitions of a folder, and whether those that are broken keep the others away.
    `functions` and `values` are what plug-ins add to templates and to `from: func`; `buckets`:
    names are looked up in the folder that a definition stands in.
    """

    found: Definitions | None = None
    keep_going: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    functions: Mapping[str, Function] = field(default_factory=dict)
    values: Mapping[str, Callable[..., str]] = field(default_factory=dict)
    buckets: bool = False

    @property
    def own_rights(self) -> bool:
        """Whether its flows mind its rights themselves."""
        return self.found is not None and self.found.layout is Layout.V2

    def secrets(self) -> Iterator[str]:
        """The texts of its private values."""
        documents = self.found.documents[Of.PRIVATE] if self.found else {}
        for document in documents.values():
            if isinstance(document.model, Private):
                yield from (pair.value for pair in document.model.privates)


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition that answers requests."""

    kind: Kind
    name: str
    lowered: Lowered
    executable: Executable
    named: bool = True
    """Whether the name is its own, and not what a request asks for."""


@dataclass(frozen=True, slots=True)
class DefinedCatalog:
    """Definitions by kind and name; `broken` are those that are there and cannot be served.

    `unknown` is the status for a name that nothing has, `plans` what texts select from by its full
    name, with their compiled forms by the `id()` of each.
    """

    found: Mapping[Name, Defined] = field(default_factory=dict)
    broken: frozenset[Name] = frozenset()
    unknown: int = 404
    plans: Mapping[str, Plan] = field(default_factory=dict)
    compiled: Mapping[int, Executable] = field(default_factory=dict)
    problems: tuple[FileProblem, ...] = ()
    """Of those that are left out, what only making their plans has shown."""
    no_json: int = 400
    """What a body answers that is no JSON, where that is refused."""
    nowhere: Mapping[Kind, Defined] = field(default_factory=dict)
    """What answers for names that nothing has, where a folder says that itself."""
    figure_names: FigureNames = NO_NAMES


def read_definitions(
    conf: Path | None, folders: Mapping[str, Path] = {}, **more: Any
) -> DefinitionFiles:
    """The definitions of a conf folder, if it has any; `folders` as `read_folder` takes them,
    `more` as DefinitionFiles.
    """
    if conf is None or not conf.is_dir():
        return DefinitionFiles()
    found = read_folder(conf, folders)
    if found.layout is Layout.NONE or not any(found.names.values()):
        return DefinitionFiles()
    return DefinitionFiles(found, **more)


def template_problem(text: str, functions: frozenset[str]) -> Problem | None:
    """What is wrong with a Go template that may call these functions beside the language's own."""
    try:
        parse(text, BUILTINS.keys() | functions)
    except TemplateRefused as refused:
        return refused.fault.problem()
    return None


KNOWN = Known(FUNCTIONS, template_problem)


def known_with(names: Iterable[str]) -> Known:
    """What the checks go by where plug-ins add functions of these names."""
    more = frozenset(names)
    functions = {generation: known | more for generation, known in FUNCTIONS.items()}
    return replace(KNOWN, functions=functions)


def load_definitions(
    files: DefinitionFiles, around: Surroundings, lowering: Lowering, make: Make
) -> DefinedCatalog:
    """What the files define.

    Raises:
        DefinitionsRefused: with every error of every file, unless broken ones are left out.
    """
    if files.found is None:
        return DefinedCatalog()
    definitions = files.found
    problems = check(definitions, known_with((*files.functions, *files.values)))
    loading = _Loading(definitions, lowering(_ground(files, definitions, around)), make)
    loading.carry_out(broken(problems))
    errors = [_of_file(p, definitions.root) for p in problems if p.severity is Severity.ERROR]
    errors += loading.problems
    if errors and not files.keep_going:
        raise DefinitionsRefused(tuple(errors))
    return loading.catalog()


def _of_file(found: DefinitionProblem, root: str) -> FileProblem:
    text = f"{found.path}: {found.wrong}" if found.path else found.wrong
    hint = f"did you mean {found.nearest}?" if found.nearest else None
    hint = hint or (f"expected {found.expected}" if found.expected else None)
    at = () if found.at is None else (found.at,)
    return FileProblem(f"{root}/{found.file}", Problem(Code.VALIDATION, text, at, hint))


class _Loading:
    """One load: documents become plans, plans are compiled."""

    def __init__(self, definitions: Definitions, lower: Lower, make: Make) -> None:
        self.problems: list[FileProblem] = []
        self._definitions = definitions
        self._lower, self._make = lower, make
        self._found: dict[Name, Defined] = {}
        self._broken: set[Name] = set()
        self._plans: dict[str, Plan] = {}
        self._compiled: dict[int, Executable] = {}

    def carry_out(self, broken: frozenset[tuple[str, str]]) -> None:
        """Loads what is not broken already."""
        for of, kind in KINDS.items():
            for name in self._definitions.names[of]:
                document = self._definitions.documents[of].get(name)
                if document is None or document.origin.owner in broken:
                    self._broken.add((kind, name))
                else:
                    self._load(kind, document)

    def _load(self, kind: Kind, document: Document[Shape]) -> None:
        origin = document.origin
        reach = Reach(frozenset({(kind, origin.name)}))
        try:
            lowered = self._lower(origin.kind, origin.name)
            executable = self._make(lowered.plan, reach)
            data = executable if lowered.data is lowered.plan else self._make(lowered.data, reach)
        except QueryRefused as refused:
            self._broken.add((kind, origin.name))
            self.problems += [
                FileProblem(f"{self._definitions.root}/{origin.file}", problem)
                for problem in refused.problems
            ]
            return
        self._found[kind, origin.name] = Defined(kind, origin.name, lowered, executable)
        full = f"{kind}.{origin.name.replace('/', '.')}"
        self._plans[full] = lowered.data
        self._compiled[id(lowered.data)] = data

    def catalog(self) -> DefinedCatalog:
        """What was loaded."""
        unknown = UNKNOWN.get(self._definitions.layout, 404)
        broken = frozenset(self._broken)
        return DefinedCatalog(
            self._found, broken, unknown, self._plans, self._compiled, tuple(self.problems),
            NO_JSON.get(self._definitions.layout, 400), self._nowhere(),
            figure_names(self._definitions),
        )  # fmt: skip

    def _nowhere(self) -> Mapping[Kind, Defined]:
        """In the second generation a request for nothing goes the way of all others."""
        if self._definitions.layout is not Layout.V2:
            return {}
        lowered = {kind: self._lower(of, "") for of, kind in KINDS.items()}
        return {
            kind: Defined(kind, "", each, self._make(each.plan, Reach()), False)
            for kind, each in lowered.items()
        }


def _ground(files: DefinitionFiles, definitions: Definitions, around: Surroundings) -> Ground:
    def permits(url: str) -> bool:
        try:
            origin, target = parse_url(url)
        except BadUrl:
            return False
        return around.permits(origin, target)

    return Ground(
        definitions, files.functions, files.environ, permits, time.time, pinned_of(definitions),
        values=files.values, buckets=files.buckets,
    )  # fmt: skip


def pinned_of(definitions: Definitions) -> frozenset[str]:
    """The places (scheme and authority) that definitions name: their addresses as far as these are
    constant, and private values that are addresses.
    """
    texts: list[str] = []
    for document in definitions.documents[Of.API].values():
        model = document.model
        texts.append(getattr(model, "url", ""))
        source = getattr(model, "dynamic_url", None)
        texts += [_constant(getattr(source, name, "")) for name in ("name", "content")]
    for document in definitions.documents[Of.PRIVATE].values():
        if isinstance(document.model, Private):
            texts += [pair.value for pair in document.model.privates]
    return frozenset(place for text in texts for place in _place(text))


def _constant(template: str) -> str:
    """The beginning of a URL that a template makes, if its authority is whole."""
    before, braces, _ = template.partition("{{")
    return before if not braces or before.count("/") > 2 else ""


def _place(text: str) -> Iterator[str]:
    if text.startswith(("http://", "https://")):
        try:
            origin, _ = parse_url("/".join(text.split("/", 3)[:3]))
        except BadUrl:
            return
        yield str(origin)


def with_plans(around: Surroundings, defined: DefinedCatalog) -> Surroundings:
    """The surroundings with what definitions let be selected from."""
    return replace(around, stored={**around.stored, **defined.plans}) if defined.plans else around

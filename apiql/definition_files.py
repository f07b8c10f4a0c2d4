"""The definitions of a conf folder as files, and what their checks go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apiql.errors import Problem
from apiql.frontends.definitions.checks import Known
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import FUNCTIONS
from apiql.frontends.definitions.kinds import Kind as Of
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.definitions.private import Private
from apiql.gateways import NO_GATEWAYS, GatewayFiles
from apiql.gotemplate import TemplateRefused
from apiql.gotemplate.calls import BUILTINS, Function
from apiql.gotemplate.parse import parse
from apiql.settings import opening_privates

USUAL = Path("conf")


@dataclass(frozen=True, slots=True)
class DefinitionFiles:
    """The definitions of a folder, and whether those that are broken keep the others away.
    `functions` and `values` are what plug-ins add to templates and to `from: func`; `buckets`:
    names are looked up in the folder that a definition stands in. `strict`: values are escaped and
    break as in the original.
    """

    found: Definitions | None = None
    keep_going: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    functions: Mapping[str, Function] = field(default_factory=dict)
    values: Mapping[str, Callable[..., str]] = field(default_factory=dict)
    buckets: bool = False
    strict: bool = False
    gateways: GatewayFiles = NO_GATEWAYS

    def parts(self) -> Iterator[tuple[str, Definitions]]:
        """The definitions, or with buckets those of each, under the names that they call each other
        by: what stands in `flows/acme/a.json` is `a` in the bucket `acme/`.
        """
        if self.found is None:
            return
        if not self.buckets:
            yield "", self.found
            return
        for bucket in self.found.buckets:
            yield bucket, self.found.within(bucket)

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
        yield from self.gateways.secrets()


def read_definitions(
    conf: Path | None, folders: Mapping[str, Path] = {}, **more: Any
) -> DefinitionFiles:
    """The definitions of a conf folder, if it has any; `folders` as `read_folder` takes them,
    `more` as DefinitionFiles. Where all that is named are such folders, what they leave out is
    looked for in `./conf`, as it always was.
    """
    elsewhere = any(folder.is_dir() for folder in folders.values())
    if not elsewhere and (conf is None or not conf.is_dir()):
        return DefinitionFiles()
    conf = USUAL if conf is None else conf
    opening, buckets = opening_privates(more.get("environ", {})), more.get("buckets", False)
    found = read_folder(conf, folders, opening, buckets)
    if found.layout is Layout.NONE or not (any(found.names.values()) or found.problems):
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


def known_with(names: Iterable[str], rounds: int = KNOWN.rounds) -> Known:
    """What the checks go by where plug-ins add functions of these names; loops may run `rounds`
    times, where that is more than usual.
    """
    more = frozenset(names)
    functions = {generation: known | more for generation, known in FUNCTIONS.items()}
    return replace(KNOWN, functions=functions, rounds=max(rounds, KNOWN.rounds))

"""Which files of the folder `templates` are Go templates: those that end in .json are call
templates, unless a step makes a page of one.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiql.frontends.definitions.checks.uses import TemplateFile
from apiql.frontends.definitions.checks.uses_v2 import uses_v2
from apiql.frontends.definitions.folder import Definitions, Template
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.names import SUFFIX


def pages_of(definitions: Definitions) -> frozenset[str]:
    """The files that steps name."""
    return frozenset(_named(definitions))


def go_templates(definitions: Definitions) -> tuple[Template, ...]:
    """The Go templates, in the order of their names."""
    pages = pages_of(definitions)
    found = sorted(definitions.templates.items())
    return tuple(each for name, each in found if not name.endswith(SUFFIX) or name in pages)


def _named(definitions: Definitions) -> Iterator[str]:
    for kind in (Kind.FLOW, Kind.SCHEDULE):
        for document in definitions.documents[kind].values():
            if document.origin.generation is Generation.V2:
                uses = uses_v2(document.model)
                yield from (use.name for use in uses if isinstance(use, TemplateFile))

"""What of a request a definition reads, as far as its documents show it: query parameters, headers,
members of the body. Calls nothing and makes no plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import FUNCTIONS, Generation, Kind
from apiql.frontends.definitions.v1 import flow as v1_flow
from apiql.frontends.definitions.v1 import schedule as v1_schedule
from apiql.frontends.definitions.v1.source import Content, Given
from apiql.frontends.definitions.v2 import flow as v2_flow
from apiql.frontends.definitions.v2.value import Argument, Expiry, Value
from apiql.gotemplate import TemplateRefused
from apiql.gotemplate.calls import BUILTINS
from apiql.gotemplate.parse import parse
from apiql.gotemplate.reads import reads_of

BODY = "origin"
CALLS = {"httpApi": Kind.API, "flowApi": Kind.FLOW, "scheduleApi": Kind.SCHEDULE}


@dataclass(slots=True)
class Inputs:
    """What is read. `members` nest: `{"city": {"name": {}}}`; `whole`: also others, as a body that
    is passed on as it came.
    """

    query: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    whole: bool = False


def inputs_of(definitions: Definitions, document: Document[Shape]) -> Inputs:
    """What of a request a definition and all that it calls read."""
    found = Inputs()
    _Reader(definitions, found, document.origin.generation).read(document.model, frozenset())
    return found


class _Reader:
    """One reading: documents are gone through in their order, each once for what is set by then."""

    def __init__(self, definitions: Definitions, found: Inputs, generation: Generation) -> None:
        self._definitions, self._found = definitions, found
        self._functions = BUILTINS.keys() | FUNCTIONS[generation]
        self._seen: set[tuple[int, frozenset[str] | None]] = set()

    def read(self, model: Shape, known: frozenset[str] | None) -> frozenset[str] | None:
        """Reads a model; `known` are members that steps have put into the body by then, None where
        nothing of the request's own is left in it. Gives what is known behind it.
        """
        match model:
            case Content() | Value():
                self._source(model, known)
            case v1_flow.ApiCall():
                known = self._put(model.parameters, known)
                self._call(Kind.API, model.id, known)
            case v1_schedule.Job(type="api" | "flow"):
                self._each(model.parameters, known)
                called = Kind.API if model.type == "api" else Kind.FLOW
                self._call(called, model.name, None if model.parameters else known)
            case v2_flow.Step():
                return self._step(model, known)
            case _:
                return self._parts(model, known)
        return known

    def _parts(self, model: Shape, known: frozenset[str] | None) -> frozenset[str] | None:
        if getattr(model, "request_content_type", "") == "origin" and known is not None:
            self._found.whole = True
        for name in type(model).model_fields:
            value = getattr(model, name)
            if isinstance(value, v1_flow.Made):
                self._texts(value.data, known)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Shape):
                    known = self.read(part, known)
        return known

    def _step(self, step: v2_flow.Step, known: frozenset[str] | None) -> frozenset[str] | None:
        self._each(step.args, known)
        known = self._put(step.origin, known)
        named = next((each.value for each in step.args if each.name == "name"), None)
        if step.command in CALLS and named is not None and named.kind == "literal":
            self._call(CALLS[step.command], named.content, known)
        return known

    def _put(
        self, given: Sequence[Given] | Sequence[Argument], known: frozenset[str] | None
    ) -> frozenset[str] | None:
        """Reads values that become members of the body, one behind the other."""
        for each in given:
            self.read(each, known)
            known = None if known is None else known | {each.name}
        return known

    def _each(
        self, given: Sequence[Given] | Sequence[Argument], known: frozenset[str] | None
    ) -> None:
        for each in given:
            self.read(each, known)

    def _call(self, kind: Kind, name: str, known: frozenset[str] | None) -> None:
        document = self._definitions.documents[kind].get(name)
        if document is not None and (id(document), known) not in self._seen:
            self._seen.add((id(document), known))
            self.read(document.model, known)

    def _source(self, source: Content | Value, known: frozenset[str] | None) -> None:
        kind = getattr(source, "kind", "")
        named = source.content if isinstance(source, Value) else source.name
        match kind:
            case "query":
                self._found.query[named] = None
            case "header" if isinstance(source, Value) and not isinstance(source, Expiry):
                self._found.headers[named] = None
            case "origin":
                self._member((BODY, *named.split(".")), known)
            case "StepResult" | "heap":
                self._member(tuple(named.split(".")), known)
            case "template":
                self._texts(named, known)
            case _:
                self._texts(source.data, known)

    def _texts(self, rules: Any, known: frozenset[str] | None) -> None:
        """Reads every template in a text or in JSON."""
        match rules:
            case str() if "{{" in rules:
                self._template(rules, known)
            case Mapping():
                for rule in (*rules, *rules.values()):
                    self._texts(rule, known)
            case list() | tuple():
                for rule in rules:
                    self._texts(rule, known)

    def _template(self, text: str, known: frozenset[str] | None) -> None:
        try:
            tree = parse(text, self._functions)
        except TemplateRefused:
            return  # a part of one: what it reads cannot be seen
        for path in reads_of(tree):
            self._member(path, known)

    def _member(self, path: tuple[str, ...], known: frozenset[str] | None) -> None:
        if path[:1] != (BODY,) or known is None or (path[1:2] and path[1] in known):
            return
        if len(path) == 1:
            self._found.whole = True
        inner = self._found.members
        for name in path[1:]:
            inner = inner.setdefault(name, {})

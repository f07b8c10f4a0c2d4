"""A query that calls an imported source: what a newcomer begins with. Knows nothing of settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apiql.importers.imported import FORM, MULTIPART, Operation, Parameter
from apiql.importers.naming import plain_word, unique
from apiql.ir.request import Place

MOST_WRITTEN = 80
"""Letters of a value that stands in a sample itself."""
MOST_MEMBERS = 60


@dataclass(slots=True)
class _Text:
    """A query that grows: its parameters by what they stand for."""

    types: dict[str, str] = field(default_factory=dict)

    def variable(self, parameter: Parameter) -> str:
        """`$name`, declared with its type."""
        name = unique(plain_word(parameter.name), self.types)
        self.types[name] = parameter.type
        return f"${name}"

    def value(self, parameter: Parameter) -> str:
        """What was sent, if it is short, else a variable."""
        written = None if parameter.sent is None else literal(parameter.sent)
        short = written is not None and len(written) <= MOST_WRITTEN and written.isprintable()
        return written if written is not None and short else self.variable(parameter)


def sample(operation: Operation, slots: Mapping[Parameter, str]) -> list[str]:
    """The lines of a query with everything that is required; `slots` are placeholders' names."""
    text = _Text()
    required = [each for each in operation.parameters if each.required and each.sent is None]
    where = [f"{slots[each]} = {text.variable(each)}" for each in required if each in slots]
    lines = [f"where {' and '.join(where)}"] if where else []
    for clause, place in (("headers", Place.HEADER), ("cookies", Place.COOKIE)):
        pairs = [f"{quoted(each.name)} = {text.variable(each)}" for each in required
                 if each.place is place]  # fmt: skip
        lines += [f"{clause} {', '.join(pairs)}"] if pairs else []
    lines += _body(operation, text)
    sets = [f"set ${name} {kind};" for name, kind in text.types.items() if kind != "any"]
    return [*sets, f"select * from {operation.name}", *(f"  {line}" for line in lines)]


def _body(operation: Operation, text: _Text) -> Iterable[str]:
    body = operation.body
    if body is None:
        return
    chosen = [each for each in body.parameters if each.required] or list(body.parameters)[:1]
    if body.content_type in (FORM, MULTIPART):
        fields = (f"{quoted(each.name)} = {text.value(each)}" for each in chosen[:MOST_MEMBERS])
        listed = ", ".join(fields)
        if listed:
            yield f"form {listed}"
        return
    if body.whole or not chosen or len(chosen) > MOST_MEMBERS:
        yield f"body {text.variable(Parameter('body', Place.BODY))}"
        return
    members = (f"{quoted(each.name)}: {text.value(each)}" for each in chosen)
    yield "body {" + ", ".join(members) + "}"


def quoted(name: str) -> str:
    """A name in double quotes, with JSON's escapes."""
    return json.dumps(name, ensure_ascii=False)


def literal(value: Any) -> str:
    """A constant as a query writes it."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{quoted(name)}: {literal(inner)}" for name, inner in value.items())
            + "}"
        )
    return json.dumps(value)

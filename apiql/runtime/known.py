"""What of a value is known before any result is: those parts can be looked at before a call."""

from __future__ import annotations

from collections.abc import Iterator

from apiql.ir.values import (
    Apply,
    ElementRoot,
    Items,
    Literal,
    OutputRoot,
    Record,
    ResultRoot,
    RowRoot,
    Value,
    refs,
    secrets,
)

UNKNOWN_YET = ResultRoot | RowRoot | ElementRoot | OutputRoot


def pure_parts(value: Value) -> Iterator[Value]:
    """The largest parts of a value that neither a result nor a row is needed for, constants
    and what holds a secret aside.
    """
    found = list(refs(value))
    if any(True for _ in secrets(value)):
        return
    if not any(isinstance(ref.root, UNKNOWN_YET) for ref in found):
        if found or not isinstance(value, Literal):
            yield value
        return
    match value:
        case Record(members):
            for _, member in members:
                yield from pure_parts(member)
        case Items(items) | Apply(_, items):
            for item in items:
                yield from pure_parts(item)
        case _:
            return

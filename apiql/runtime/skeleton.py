"""What surrounds the members of most answers: JSON that is known before anything is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import TypeAlias

from apiql.ir.plan import Plan
from apiql.ir.policy import StatusRule
from apiql.ir.values import Items, Literal, OutputRoot, Record, Ref, Value
from apiql.runtime.decode import to_json
from apiql.runtime.json_values import encode

Skeleton: TypeAlias = tuple[bytes | int, ...]
"""JSON, and in the places of outputs their numbers."""


def skeleton_of(plan: Plan) -> Skeleton | None:
    """The skeleton of the answer to a plan where all goes well; None: more is to be made of it."""
    names = [output.name for output in plan.outputs]
    if plan.settings.status is not StatusRule.ANY_OK:
        return None
    if plan.returned is not None:
        return _joined(_parts(plan.returned, names))
    shown = tuple((o.name, Ref(OutputRoot(o.name))) for o in plan.outputs if o.is_member)
    return _joined(_parts(Record(shown), names)) if shown else None


def _parts(value: Value, names: Sequence[str]) -> Iterator[bytes | int | None]:
    """The pieces of a value; None for one that only a run can make."""
    match value:
        case Ref(OutputRoot(name), (), _):
            yield names.index(name) if name in names else None
        case Literal(scalar):
            yield encode(scalar)
        case Record(members):
            for mark, (key, inner) in zip(_marks(b"{"), members, strict=False):
                yield mark + to_json(key) + b":"
                yield from _parts(inner, names)
            yield b"}" if members else b"{}"
        case Items(items):
            for mark, inner in zip(_marks(b"["), items, strict=False):
                yield mark
                yield from _parts(inner, names)
            yield b"]" if items else b"[]"
        case _:
            yield None


def _marks(opening: bytes) -> Iterator[bytes]:
    return chain((opening,), repeat(b","))


def _joined(parts: Iterator[bytes | int | None]) -> Skeleton | None:
    found: list[bytes | int] = []
    for part in parts:
        if part is None:
            return None
        last = found[-1] if found else None
        if isinstance(last, bytes) and isinstance(part, bytes):
            found[-1] = last + part
        else:
            found.append(part)
    return tuple(found)

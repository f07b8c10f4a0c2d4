"""The parts of `having` as conditions that other languages know: a member, a sign, constants.

`not` is moved to the leaves, where unknown and false come to the same: a row that passes is one
for which the whole is true. Knows members and their kinds, not how upstreams write anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from apiql.ir.push import COMPARED, ORDERED, TEXTS, Form, Kind, Push
from apiql.ir.sendable import written
from apiql.ir.values import (
    Apply,
    Items,
    Literal,
    ParamRoot,
    Ref,
    RowRoot,
    Value,
    refs,
)

OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
MIRRORED = {"=": "=", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Compare:
    """`price > 10`, the member to the left."""

    member: str
    sign: str
    constant: Value


@dataclass(frozen=True, slots=True)
class Among:
    """`status in ('new', 'paid')`, or not in."""

    member: str
    constants: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Like:
    """`note like '%gift%'`, or not like."""

    member: str
    pattern: str
    negated: bool


@dataclass(frozen=True, slots=True)
class IsNull:
    """`owner is null`, or is not."""

    member: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Junction:
    """Several conditions: all of them, or any."""

    all: bool
    parts: tuple[Condition, ...]


Condition: TypeAlias = Compare | Among | Like | IsNull | Junction


def parts_of(value: Value) -> Iterator[Value]:
    """What stands between the outer `and`s."""
    if isinstance(value, Apply) and value.function == "and":
        for part in value.args:
            yield from parts_of(part)
    else:
        yield value


def condition_of(value: Value, push: Push, negated: bool = False) -> Condition | None:
    """The condition that a value is; None where it is more than members and constants."""
    match value:
        case Apply("not", (inner,)):
            return condition_of(inner, push, not negated)
        case Apply("and" | "or" as word, parts):
            return _junction([condition_of(p, push, negated) for p in parts],
                             (word == "and") is not negated)  # fmt: skip
        case Apply("between", (middle, low, high)):
            ends = Apply("and", (Apply(">=", (middle, low)), Apply("<=", (middle, high))))
            return condition_of(ends, push, negated)
        case Apply(sign, (left, right)) if sign in OPPOSITE:
            return _compare(left, sign, right, push, negated)
        case Apply("in", (left, Items(items))):
            return _among(left, items, push, negated)
        case Apply("like", (left, Literal(str(pattern)))):
            name = _name(left, push, TEXTS)
            return None if name is None else Like(name, pattern, negated)
        case Apply("is null", (left,)):
            name = _name(left, push, COMPARED)
            return None if name is None else IsNull(name, negated)
        case Ref():
            name = _name(value, push, frozenset({Kind.BOOLEAN}))
            return None if name is None else Compare(name, "=", Literal(not negated))
        case _:
            return None


def never_refuses(value: Value, push: Push) -> bool:
    """Whether a condition has a value for each row, whatever is in it."""
    match value:
        case Apply("and" | "or" | "not", parts):
            return all(never_refuses(part, push) for part in parts)
        case Apply("=" | "!=" | "is null", operands):
            return all(map(_is_simple, operands))
        case Apply("in", (left, Items(items))):
            return all(map(_is_simple, (left, *items)))
        case _:
            return condition_of(value, push) is not None and not any(
                isinstance(ref.root, ParamRoot) for ref in refs(value)
            )


def _is_simple(value: Value) -> bool:
    return isinstance(value, Literal) or (
        isinstance(value, Ref)
        and isinstance(value.root, RowRoot | ParamRoot)
        and all(isinstance(step, str) for step in value.path)
    )


def _junction(parts: Sequence[Condition | None], of_all: bool) -> Condition | None:
    found = tuple(part for part in parts if part is not None)
    return Junction(of_all, found) if len(found) == len(parts) else None


def _compare(left: Value, sign: str, right: Value, push: Push, negated: bool) -> Condition | None:
    if not isinstance(left, Ref) or not isinstance(left.root, RowRoot):
        left, sign, right = right, MIRRORED[sign], left
    sign = OPPOSITE[sign] if negated else sign
    name = _name(left, push, COMPARED if sign in ("=", "!=") else ORDERED)
    return Compare(name, sign, right) if name and _fits(right, name, push) else None


def _among(left: Value, items: tuple[Value, ...], push: Push, negated: bool) -> Condition | None:
    name = _name(left, push, COMPARED)
    if name is None or not items or not all(_fits(item, name, push) for item in items):
        return None
    return Among(name, items, negated)


def _name(value: Value, push: Push, kinds: frozenset[Kind]) -> str | None:
    """The member that a value is, if it is one of these kinds."""
    if not isinstance(value, Ref) or not isinstance(value.root, RowRoot):
        return None
    path = tuple(step for step in value.path if isinstance(step, str))
    name = push.member_at(path) if len(path) == len(value.path) else None
    return name if name is not None and push.members[name].kind in kinds else None


def _fits(constant: Value, member: str, push: Push) -> bool:
    """Whether a constant is of the member's kind, or a parameter which may turn out so."""
    kind = push.members[member].kind
    if isinstance(constant, Literal):
        return written(constant.value, kind, Form.WHOLE) is not None
    if not isinstance(constant, Ref):
        return False
    inside = [ref for ref in refs(constant) if ref is not constant]
    return isinstance(constant.root, ParamRoot) and not inside

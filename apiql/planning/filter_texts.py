"""Conditions as the parameters of an upstream that filters its rows itself.

A style says the same as the condition, null included, or nothing: then the condition stays here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from apiql.ir.push import Form, Hole, Piece, Push, Sendable, Style
from apiql.ir.sendable import fits_a_url, sendable, written
from apiql.ir.values import Value
from apiql.planning.conditions import Among, Compare, Condition, IsNull, Junction, Like

Pieces: TypeAlias = tuple[Piece, ...]

POSTGREST = {"=": "eq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
ODATA = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
RESERVED = frozenset("and or not select order limit offset columns on_conflict".split())
"""Parameters of PostgREST that are no columns."""
ONE_PIECE = re.compile(r"(%*)([^%_]*)(%*)")


class Unsaid(Exception):
    """A condition for which a style has no words."""


@dataclass(frozen=True, slots=True)
class Said:
    """A condition, or a part of one, as a parameter."""

    name: str
    pieces: Pieces
    form: Form


def said(condition: Condition, push: Push, taken: frozenset[str]) -> tuple[Said, ...] | None:
    """The parameters that say a condition; None where the style cannot, or a name is `taken`."""
    try:
        found = tuple(_parameter(part, push) for part in _outer(condition))
    except Unsaid:
        return None
    whole = all(sendable(each.pieces, each.form) is not None for each in found)
    return found if whole and taken.isdisjoint(each.name for each in found) else None


def pairs_of(found: Sequence[Said], push: Push) -> tuple[tuple[str, Sendable], ...] | None:
    """What is sent for all conditions; None where it is too long. OData has one parameter."""
    if push.style is Style.ODATA:
        found = [Said(each.name, _joined([one.pieces for one in found], " and "), each.form)
                 for each in found[:1]]  # fmt: skip
    pairs = [(each.name, sendable(each.pieces, each.form)) for each in found]
    sent = tuple((name, value) for name, value in pairs if value is not None)
    return sent if fits_a_url(value for _, value in sent) else None


def _outer(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, Junction) and condition.all:
        for part in condition.parts:
            yield from _outer(part)
    else:
        yield condition


def _parameter(condition: Condition, push: Push) -> Said:
    match push.style:
        case Style.POSTGREST:
            return _postgrest(condition, push)
        case Style.ODATA:
            return Said("$filter", _odata(condition, push), Form.ODATA)
        case Style.JSONAPI | Style.PARAM if isinstance(condition, Compare):
            return _plain(condition, push)
        case _:
            raise Unsaid


def _joined(parts: Iterable[Pieces], mark: str) -> Pieces:
    found: list[Piece] = []
    for part in parts:
        found += (mark, *part) if found else part
    return tuple(found)


def _hole(constant: Value, member: str, push: Push) -> Hole:
    return Hole(constant, push.members[member].kind)


# -- PostgREST ----------------------------------------------------------------------------------


def _postgrest(condition: Condition, push: Push) -> Said:
    """`price=gt.10`, or a parameter `or` with a list of `price.gt.10`."""
    if isinstance(condition, Junction):
        inside = [_in_logic(part, push) for part in condition.parts]
        return Said("or", ("(", *_joined(inside, ","), ")"), Form.QUOTED)
    if condition.member in RESERVED:
        raise Unsaid
    form = Form.QUOTED if isinstance(condition, Among) else Form.WHOLE
    return Said(condition.member, _term(condition, push, form), form)


def _in_logic(condition: Condition, push: Push) -> Pieces:
    if isinstance(condition, Junction):
        inside = [_in_logic(part, push) for part in condition.parts]
        return ("and(" if condition.all else "or(", *_joined(inside, ","), ")")
    if condition.member in RESERVED:
        raise Unsaid
    return (f"{condition.member}.", *_term(condition, push, Form.QUOTED))


def _term(condition: Compare | Among | Like | IsNull, push: Push, form: Form) -> Pieces:
    match condition:
        case Compare(member, sign, constant):
            return (f"{POSTGREST[sign]}.", _hole(constant, member, push))
        case Among(member, constants, negated):
            inside = _joined([(_hole(each, member, push),) for each in constants], ",")
            return ("not.in.(" if negated else "in.(", *inside, ")")
        case Like(member, pattern, negated):
            return ("not.like." if negated else "like.", _stars(pattern, member, push, form))
        case IsNull(_, negated):
            return ("not.is.null" if negated else "is.null",)


def _stars(pattern: str, member: str, push: Push, form: Form) -> str:
    """`*` stands for `%` there, and a backslash would hide what follows it."""
    text = written(pattern.replace("%", "*"), push.members[member].kind, form)
    if text is None or "*" in pattern or "\\" in pattern:
        raise Unsaid
    return text


# -- OData --------------------------------------------------------------------------------------


def _odata(condition: Condition, push: Push) -> Pieces:
    match condition:
        case Junction(of_all, parts):
            inside = [_odata(part, push) for part in parts]
            return ("(", *_joined(inside, " and " if of_all else " or "), ")")
        case Compare(member, "!=", constant):
            return _unless_null(member, [_compared(member, "!=", constant, push)], push)
        case Compare(member, sign, constant):
            return _compared(member, sign, constant, push)
        case Among(member, constants, negated):
            sign = "!=" if negated else "="
            inside = [_compared(member, sign, each, push) for each in constants]
            if negated:
                return _unless_null(member, inside, push)
            return ("(", *_joined(inside, " or "), ")")
        case Like(member, pattern, negated):
            return _called(member, pattern, negated, push)
        case IsNull(member, negated):
            return (f"{member} {'ne' if negated else 'eq'} null",)


def _compared(member: str, sign: str, constant: Value, push: Push) -> Pieces:
    return (f"{member} {ODATA[sign]} ", _hole(constant, member, push))


def _unless_null(member: str, parts: list[Pieces], push: Push) -> Pieces:
    """Null is unequal to every constant there, and unlike every pattern."""
    if push.members[member].nullable:
        parts = [*parts, (f"{member} ne null",)]
    return parts[0] if len(parts) == 1 else ("(", *_joined(parts, " and "), ")")


def _called(member: str, pattern: str, negated: bool, push: Push) -> Pieces:
    """A pattern of one piece by the function that means it."""
    found = ONE_PIECE.fullmatch(pattern)
    text = written(found[2], push.members[member].kind, Form.ODATA) if found else None
    if found is None or text is None or not found[2]:
        raise Unsaid
    if not found[1] and not found[3]:
        call = f"{member} {'ne' if negated else 'eq'} {text}"
    else:
        name = "contains" if found[1] and found[3] else "endswith" if found[1] else "startswith"
        call = f"{'not ' if negated else ''}{name}({member},{text})"
    return _unless_null(member, [(call,)], push) if negated else (call,)


# -- parameters of the member's name ------------------------------------------------------------


def _plain(condition: Compare, push: Push) -> Said:
    member = condition.member
    if condition.sign != "=":
        raise Unsaid
    name = f"filter[{member}]" if push.style is Style.JSONAPI else member
    if name in push.names.values() or name in push.paging:
        raise Unsaid
    return Said(name, (_hole(condition.constant, member, push),), Form.PLAIN)

"""Fields of a select --lower--> projection."""

from __future__ import annotations

from collections.abc import Sequence

from apiql.errors import Code
from apiql.frontends.text import expressions as e
from apiql.frontends.text.syntax import FieldOf, Fields
from apiql.frontends.text.values import NOTHING, Lowering
from apiql.frontends.text.words import field_text, quoted
from apiql.ir.projection import Field, Kept, Named, Path, Projection


def lower_projection(fields: Fields, lowering: Lowering, most: int) -> Projection:
    """The projection; `lowering` reads names as fields of the row."""
    members = list(fields.fields)
    excluded = _exclusion(members, lowering) if fields.star else ()
    if len(members) + len(excluded) > most:
        message = f"this select goes over the limit fields = {most}"
        where = _span(members[0]) if members else e.Span(0, 1)
        lowering.findings.add(Code.LIMIT_EXCEEDED, message, where)
        return Projection(fields.star)
    kept = tuple(_field(member, lowering) for member in members)
    _check_names(kept, members, lowering)
    return Projection(fields.star, excluded, kept)


def _exclusion(members: list[FieldOf], lowering: Lowering) -> tuple[Path, ...]:
    """Takes `(a, b.c)` off the front of what follows `*`."""
    if not members or members[0].alias or not isinstance(members[0].value, e.Round):
        return ()
    paths = []
    for item in members.pop(0).value.items:  # type: ignore[union-attr]
        if isinstance(item, e.Reference) and item.is_plain_path:
            paths.append(item.names)
        else:
            message = "only names joined by dots can be left out"
            hint = "expected *, (name, other.name)"
            lowering.findings.add(Code.SYNTAX, message, item.span, hint)
    return tuple(paths)


def _field(member: FieldOf, lowering: Lowering) -> Field:
    value, alias = member.value, member.alias
    plain = isinstance(value, e.Reference) and value.is_plain_path
    if alias is not None:
        return Named(alias.text, lowering.value(value))
    if plain:
        assert isinstance(value, e.Reference)
        return Kept(value.names)
    message = "a field that is not names joined by dots needs a name of its own"
    lowering.findings.add(Code.SYNTAX, message, _span(member), _meant(value))
    listed = isinstance(value, e.Round) and len(value.items) > 1
    return Named("", NOTHING if listed else lowering.value(value))


def _meant(value: e.Expression) -> str:
    """What to write in place of a field without a name; SQL and JSON write some in other ways."""
    match value:
        case e.Constant(str(text)):
            return f"a field stands without quotes: {field_text(text)}; a text needs `as`"
        case e.ListOf() | e.Round():
            return (
                "fields stand without brackets: select name, age; behind `*` stands what is "
                "left out, once: *, (password, user.ssn)"
            )
        case e.Operation("-"):
            return "what is left out stands in brackets: select *, (password, user.ssn)"
        case e.Sum(e.Reference() as first, (("-", e.Reference() as second),)) if (
            first.is_plain_path and second.is_plain_path and first.span.end + 1 == second.span.start
        ):
            text = f"{'.'.join(first.names)}-{'.'.join(second.names)}"
            return f"write: … as name; a field of this name stands in quotes: {quoted(text)}"
    return "write: … as name"


def _check_names(fields: Sequence[Field], members: Sequence[FieldOf], lowering: Lowering) -> None:
    """A named field shares its name with no other; plain paths may overlap (the wider wins)."""
    seen: dict[str, tuple[bool, e.Span]] = {}
    for field, member in zip(fields, members, strict=True):
        named = isinstance(field, Named)
        name = field.name if isinstance(field, Named) else field.path[0]
        first = seen.get(name)
        span = member.alias.span if member.alias else _span(member)
        if first and name and (named or first[0]):
            message = f"two fields are called `{name}`"
            hint = "give one of them another name with `as`"
            lowering.findings.twice(Code.DUPLICATE_NAME, message, first[1], span, hint)
        seen.setdefault(name, (named, span))


def _span(member: FieldOf) -> e.Span:
    return member.value.span

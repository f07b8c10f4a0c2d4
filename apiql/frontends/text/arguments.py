"""`where` of a stored definition --lower--> its arguments, checked against what it declares."""

from __future__ import annotations

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import syntax as s
from apiql.frontends.text.bindings import check_texts
from apiql.frontends.text.locations import Located
from apiql.frontends.text.values import Lowering
from apiql.ir.values import ElementRoot, Record, Ref, Value

CARRIERS = (cl.Pairs, cl.Body)


def lower_arguments(
    select: s.Select, located: Located, lowering: Lowering
) -> tuple[tuple[str, Value], ...]:
    """The arguments by name; unknown, missing and doubled ones are noted."""
    assert located.stored is not None
    _check_clauses(select, lowering)
    given = _given(select, located, lowering)
    if located.stored.gathered:
        return ((located.stored.gathered, _gathered(given)),)
    _check_missing(given, located, select, lowering)
    return tuple(given.items())


def _given(select: s.Select, located: Located, lowering: Lowering) -> dict[str, Value]:
    """What `where` gives, by name."""
    given: dict[str, Value] = {}
    number = 0
    for clause in select.clauses:
        check_texts(clause, lowering)
        for bind in clause.binds if isinstance(clause, cl.Where) else ():
            places = bind.places if isinstance(bind, cl.Each) else (bind.place,)
            for place in places:
                value: Value = Ref(ElementRoot(number))
                if isinstance(bind, cl.Bind):
                    value = lowering.value(bind.value)
                else:
                    number += 1
                _note(".".join(place), value, bind, given, located, lowering)
    return given


def _gathered(given: dict[str, Value]) -> Value:
    """All arguments as the members of one object: what is before a dot is an object in it."""
    members: dict[str, Value] = {}
    inner: dict[str, dict[str, Value]] = {}
    for name, value in given.items():
        first, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(first, {})[rest] = value
        else:
            members[name] = value
    members |= {name: _gathered(found) for name, found in inner.items()}
    return Record(tuple(members.items()))


def _check_clauses(select: s.Select, lowering: Lowering) -> None:
    """Arguments stand in `where` alone."""
    for clause in select.clauses:
        if isinstance(clause, CARRIERS):
            message = f"a stored query takes its arguments by `where`, not by `{_word(clause)}`"
            lowering.findings.add(Code.VALIDATION, message, clause.span)
    if select.method is not None:
        message, hint = "a stored query has no method", f"leave out `{select.method.text}`"
        lowering.findings.add(Code.VALIDATION, message, select.method.span, hint)


def _word(clause: cl.Clause) -> str:
    return cl.word_of_clause(clause)


def _note(
    name: str, value: Value, bind: cl.Bind | cl.Each, given: dict[str, Value], located: Located,
    lowering: Lowering,
) -> None:  # fmt: skip
    assert located.stored is not None
    known = [parameter.name for parameter in located.stored.parameters]
    if name not in known and not located.stored.gathered:
        what = f"the parameter of {located.full}"
        lowering.findings.unknown(Code.UNKNOWN_NAME, what, name, known, bind.span)
    if name in given:
        message = f"`{name}` has two values"
        lowering.findings.add(Code.DUPLICATE_NAME, message, bind.span, "leave one of them out")
    given[name] = value


def _check_missing(
    given: dict[str, Value], located: Located, select: s.Select, lowering: Lowering
) -> None:
    assert located.stored is not None
    for parameter in located.stored.parameters:
        if parameter.required and parameter.name not in given:
            message = f"nothing gives ${parameter.name} of {located.full}"
            hint = f"add `where {parameter.name} = …`"
            lowering.findings.add(Code.MISSING_PARAMETER, message, select.source.span, hint)

"""`where` of a stored definition --lower--> its arguments, checked against what it declares."""

from __future__ import annotations

from apiql.errors import Code
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import syntax as s
from apiql.frontends.text.locations import Located
from apiql.frontends.text.values import Lowering
from apiql.ir.values import ElementRoot, Record, Ref, Value

CARRIERS = (cl.Pairs, cl.Body)
ANY = "arguments"
"""The one parameter of what takes any arguments, as members of an object."""


def lower_arguments(
    select: s.Select, located: Located, lowering: Lowering
) -> tuple[tuple[str, Value], ...]:
    """The arguments by name; unknown, missing and doubled ones are noted."""
    _check_clauses(select, lowering)
    given: dict[str, Value] = {}
    number = 0
    for clause in select.clauses:
        for bind in clause.binds if isinstance(clause, cl.Where) else ():
            places = bind.places if isinstance(bind, cl.Each) else (bind.place,)
            for place in places:
                value: Value = Ref(ElementRoot(number))
                if isinstance(bind, cl.Bind):
                    value = lowering.value(bind.value)
                else:
                    number += 1
                _note(".".join(place), value, bind, given, located, lowering)
    _check_missing(given, located, select, lowering)
    if _takes_any(located):
        return ((ANY, Record(tuple(given.items()))),)
    return tuple(given.items())


def _check_clauses(select: s.Select, lowering: Lowering) -> None:
    """Arguments stand in `where` alone."""
    for clause in select.clauses:
        if isinstance(clause, CARRIERS):
            message = f"a stored query takes its arguments by `where`, not by `{_word(clause)}`"
            lowering.findings.add(Code.VALIDATION, message, clause.span)
    if select.method is not None:
        message, hint = "a stored query has no method", f"leave out `{select.method.text}`"
        lowering.findings.add(Code.VALIDATION, message, select.method.span, hint)


def _takes_any(located: Located) -> bool:
    """Whether it takes what it is given as one object, whatever that holds."""
    assert located.stored is not None
    return tuple(each.name for each in located.stored.parameters) == (ANY,)


def _word(clause: cl.Clause) -> str:
    return cl.word_of_clause(clause)


def _note(
    name: str, value: Value, bind: cl.Bind | cl.Each, given: dict[str, Value], located: Located,
    lowering: Lowering,
) -> None:  # fmt: skip
    assert located.stored is not None
    known = [parameter.name for parameter in located.stored.parameters]
    if name not in known and not _takes_any(located):
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
    for parameter in () if _takes_any(located) else located.stored.parameters:
        if parameter.required and parameter.name not in given:
            message = f"nothing gives ${parameter.name} of {located.full}"
            hint = f"add `where {parameter.name} = …`"
            lowering.findings.add(Code.MISSING_PARAMETER, message, select.source.span, hint)

"""syntax tree --lower--> Plan: names are resolved, clauses become bindings and policies.

Problems are collected and refused together; the plan is made only if there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apiql.errors import Code, QueryRefused
from apiql.frontends.text import syntax as s
from apiql.frontends.text.declarations import Declared, declare
from apiql.frontends.text.diagnose import Source as Text
from apiql.frontends.text.locations import Located, Locator
from apiql.frontends.text.selects import SelectLowering
from apiql.frontends.text.surroundings import Findings, Names, Surroundings
from apiql.frontends.text.values import Lowering
from apiql.ir.parameters import completed, uses
from apiql.ir.plan import Output, Plan, Task


def lower(program: s.Program, text: str, around: Surroundings) -> Plan:
    """The plan of a program.

    Raises:
        QueryRefused: with every independent problem of the text.
    """
    findings = Findings(Text(text))
    selects = tuple(_selects(program, findings))
    _check_count(selects, findings, around.limits.tasks)
    declared = declare(program, findings, around.limits.query_timeout)
    locator = Locator(declared.aliases, around, findings)
    located = tuple(locator.locate(select.source) for select in selects)
    tasks, outputs = _parts(selects, located, declared, around, findings)
    findings.refuse()
    explain = any(isinstance(item, s.Query) and item.explain for item in program.statements)
    parameters = completed(declared.parameters.values(), uses(tasks, outputs, declared.settings))
    try:
        return Plan.of(tasks, outputs, parameters, declared.settings, explain)
    except QueryRefused as refused:
        raise findings.located(refused) from None


def _selects(program: s.Program, findings: Findings) -> Iterator[s.Select]:
    for statement in program.statements:
        if not isinstance(statement, s.Query):
            continue
        for select in statement.selects:
            yield select
            word = select.side
            message = "`inner join` matters only with `into`, which is not supported yet"
            if word and word.text.lower() == "inner":
                findings.add(Code.VALIDATION, message, word.span, "write `join`")
        if statement.analyze:
            message = "`explain analyze` is not supported yet"
            findings.add(Code.VALIDATION, message, statement.analyze.span, "write `explain`")


def _check_count(selects: Sequence[s.Select], findings: Findings, most: int) -> None:
    if len(selects) > most:
        message = f"{len(selects)} selects go over the limit tasks = {most}"
        hint = "split the query, or raise [limits] tasks"
        findings.add(Code.LIMIT_EXCEEDED, message, selects[most].span, hint)
        findings.refuse()


def _parts(
    selects: Sequence[s.Select], located: Sequence[Located | None], declared: Declared,
    around: Surroundings, findings: Findings,
) -> tuple[list[Task], list[Output]]:  # fmt: skip
    names = _names(selects, located, findings)
    meaning = Names(frozenset(names), declared.parameters)
    lowering = Lowering(meaning, around.functions, findings, around.limits.nesting)
    tasks, outputs = [], []
    for select, name, place in zip(selects, names, located, strict=True):
        findings.task = name
        part = SelectLowering(select, name, lowering, around.limits, around.methods)
        outputs.append(part.output())
        if place is None:
            part.look_through()
        else:
            tasks.append(part.task(place))
    findings.task = None
    return tasks, outputs


def _names(
    selects: Sequence[s.Select], located: Sequence[Located | None], findings: Findings
) -> list[str]:
    """The name of each select: its `as`; else derived, with `_2` and so on where taken."""
    given: dict[str, s.Select] = {}
    for select in selects:
        if select.alias is None:
            continue
        first = given.setdefault(select.alias.text, select)
        if first is not select and first.alias is not None:
            message = f"two selects are called `{select.alias.text}`"
            hint = "give one of them another name with `as`"
            findings.twice(Code.DUPLICATE_NAME, message, first.alias.span, select.alias.span, hint)
    taken = set(given)
    names = []
    for select, place in zip(selects, located, strict=True):
        if select.alias is not None:
            names.append(select.alias.text)
            continue
        derived = _free((place.name if place else None) or "result", taken)
        taken.add(derived)
        names.append(derived)
    return names


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free

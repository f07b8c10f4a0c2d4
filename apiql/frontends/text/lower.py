"""syntax tree --lower--> Plan: names are resolved, clauses become bindings and policies.

Problems are collected and refused together; the plan is made only if there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from apiql.errors import Code, Location, QueryRefused
from apiql.frontends.text import syntax as s
from apiql.frontends.text.declarations import Declared, declare
from apiql.frontends.text.diagnose import Source as Text
from apiql.frontends.text.embeds import check_batch, lower_into
from apiql.frontends.text.locations import Located, Locator
from apiql.frontends.text.roles import Role, check_role
from apiql.frontends.text.selects import SelectLowering
from apiql.frontends.text.surroundings import Findings, Names, Surroundings
from apiql.frontends.text.values import Lowering
from apiql.ir.embedding import with_embedded
from apiql.ir.parameters import completed, uses
from apiql.ir.plan import Otherwise, Output, Plan, Task
from apiql.ir.projection import Path
from apiql.ir.values import Value


def lower(program: s.Program, text: str, around: Surroundings, role: Role = Role.LOCAL) -> Plan:
    """The plan of a program.

    Raises:
        QueryRefused: with every independent problem of the text.
    """
    findings = Findings(Text(text))
    check_role(program, role, findings)
    selects = tuple(_selects(program))
    _check_count(selects, findings, around.limits.tasks)
    declared = declare(program, findings, around.limits)
    locator = Locator(declared.aliases, around, findings)
    located = tuple(locator.locate(select.source) for select in selects)
    names = _names(selects, located, findings)
    meaning = Names(frozenset(names), declared.parameters)
    lowering = Lowering(meaning, around.functions, findings, around.limits.nesting)
    parts = _Parts(names, lowering, around, locator)
    tasks, outputs = parts.lowered(selects, located)
    returned, place = _returned(declared, lowering)
    findings.refuse()
    queries = [item for item in program.statements if isinstance(item, s.Query)]
    used = uses(tasks, outputs, declared.settings, returned)
    parameters = completed(declared.parameters.values(), used)
    analyze = any(query.analyze for query in queries)
    explain = any(query.explain for query in queries) and not analyze
    try:
        return Plan.of(tasks, outputs, parameters, declared.settings, explain, analyze, returned,
                       place)  # fmt: skip
    except QueryRefused as refused:
        raise findings.located(refused) from None


def _selects(program: s.Program) -> Iterator[s.Select]:
    for statement in program.statements:
        if isinstance(statement, s.Query):
            yield from statement.selects


def _check_count(selects: Sequence[s.Select], findings: Findings, most: int) -> None:
    found = [one for select in selects for one in _with_otherwise(select)]
    if len(found) > most:
        message = f"{len(found)} selects go over the limit tasks = {most}"
        hint = "split the query, or raise [limits] tasks"
        findings.add(Code.LIMIT_EXCEEDED, message, found[most].span, hint)
        findings.refuse()


def _with_otherwise(select: s.Select | None) -> Iterator[s.Select]:
    while select is not None:
        yield select
        select = select.otherwise


def _returned(declared: Declared, lowering: Lowering) -> tuple[Value | None, Location | None]:
    """The value of `return` and its place."""
    found = declared.returned
    if found is None:
        return None, None
    value = replace(lowering, in_return=True).value(found.value)
    return value, lowering.findings.location(found.span)


@dataclass(frozen=True, slots=True)
class _Parts:
    """How the selects of a program become tasks and outputs; `names` are theirs, in order."""

    names: Sequence[str]
    lowering: Lowering
    around: Surroundings
    locator: Locator

    def lowered(
        self, selects: Sequence[s.Select], located: Sequence[Located | None]
    ) -> tuple[list[Task], list[Output]]:
        """The tasks and outputs, in the order of the text."""
        findings, found = self.lowering.findings, []
        for select, name, place in zip(selects, self.names, located, strict=True):
            findings.task = name
            found.append(self._one(select, name, place))
        findings.task = None
        outputs = [output for _, output in found]
        placed = [_with_places(task, output, outputs) for task, output in found]
        return [task for task, _ in placed], [output for _, output in placed]

    def _one(self, select: s.Select, name: str, place: Located | None) -> tuple[Task, Output]:
        others = tuple(
            self.locator.locate(other.source) for other in _with_otherwise(select.otherwise)
        )
        part = SelectLowering(
            select, name, self.lowering, self.around.limits, self.around.methods, others
        )
        found = part.lowered(place)
        into = lower_into(select, name, frozenset(self.names), self.lowering.findings)
        if into is not None and into.on is None:
            check_batch(select, found.task.work, self.lowering.findings)
        return found.task, Output(
            name, name, found.projection, part.is_hidden, found.task.location, into
        )


def _with_places(task: Task, output: Output, outputs: Sequence[Output]) -> tuple[Task, Output]:
    """A task and its output with what comes into it listed in its projections."""
    coming = [o.into.path for o in outputs if o.into is not None and o.into.into == output.name]
    if not coming:
        return task, output
    projection = reduce(with_embedded, coming, output.projection)
    return _with_places_of_other(task, coming), replace(output, projection=projection)


def _with_places_of_other(task: Task, coming: Sequence[Path]) -> Task:
    if task.otherwise is None:
        return task
    other = _with_places_of_other(task.otherwise.task, coming)
    projection = reduce(with_embedded, coming, task.otherwise.projection)
    return replace(task, otherwise=Otherwise(other, projection))


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

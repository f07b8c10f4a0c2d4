"""A template --lower--> Plan: its resources become tasks, its output the shape of the answer.

Everything that is wrong is found and refused together; the plan has what the output reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apiql.errors import Code, Problem
from apiql.frontends.call_templates.around import Around
from apiql.frontends.call_templates.calls import CallLowering
from apiql.frontends.call_templates.document import Document
from apiql.frontends.call_templates.findings import Findings
from apiql.frontends.call_templates.naming import Naming
from apiql.frontends.call_templates.values import output_value, resources_in
from apiql.ir.order import circles
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.projection import EVERYTHING, Kept, Projection
from apiql.ir.values import OutputRoot, Ref, Value, refs
from apiql.json_nodes import quoted


@dataclass(frozen=True, slots=True)
class Lowered:
    """The plan of a template, and what is odd about it."""

    plan: Plan
    warnings: tuple[Problem, ...]


def lower(document: Document, around: Around) -> Lowered:
    """The plan of a template.

    Raises:
        QueryRefused: with everything that is wrong with it.
    """
    findings, template = Findings(document), document.model
    naming = Naming(template, findings)
    _check_arguments(document, findings)
    returned = output_value(template.output, ("Output",), naming)
    calls = (CallLowering(name, r, naming, around) for name, r in template.resources.items())
    tasks = {call.name: call.lowered() for call in calls}
    _check_circles(tasks, document, findings)
    findings.refuse()
    reached = _reached(returned, tasks)
    _check_reached(reached, tasks, around, findings)
    findings.refuse()
    kept = [task for name, task in tasks.items() if name in reached]
    outputs = [_output(task, returned) for task in kept]
    place = findings.location(("Output",))
    plan = Plan.of(kept, outputs, naming.parameters(), returned=returned, returned_at=place)
    return Lowered(plan, tuple(findings.warnings))


def _check_arguments(document: Document, findings: Findings) -> None:
    """Arguments that are called as resources are."""
    for number, name in enumerate(document.model.arguments or ()):
        if name in document.model.resources:
            wrong = f"{quoted(name)} is a resource, and cannot be an argument too"
            keys = ("Arguments", number)
            findings.add(Code.DUPLICATE_NAME, keys, wrong, "give one of them another name")


def _check_circles(tasks: Mapping[str, Task], document: Document, findings: Findings) -> None:
    needs = {name: task.needs & tasks.keys() for name, task in tasks.items()}
    for circle in circles(needs):
        way = " → ".join((*circle, circle[0]))
        wrong, hint = f"{circle[0]} needs itself: {way}", "take out one of these references"
        findings.add_name(Code.CYCLE, ("Resources", circle[0]), wrong, hint)


def _reached(returned: Value, tasks: Mapping[str, Task]) -> frozenset[str]:
    """The resources that the output needs, and those that they need."""
    found: set[str] = set()
    waiting = [*resources_in(iter((returned,)))]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += tasks[name].needs
    return frozenset(found)


def _check_reached(
    reached: frozenset[str], tasks: Mapping[str, Task], around: Around, findings: Findings
) -> None:
    if len(reached) > around.tasks:
        wrong = f"{len(reached)} resources go over the limit tasks = {around.tasks}"
        hint = "make several templates of it, or raise [limits] tasks"
        findings.add(Code.LIMIT_EXCEEDED, ("Resources",), wrong, hint)
    for name in tasks:
        if name not in reached:
            hint = "take it out, or read it"
            findings.warn_name(("Resources", name), "the output does not reach it", hint)


def _output(task: Task, returned: Value) -> Output:
    """What the answer would hold of a resource: no more than the output reads of it."""
    return Output(task.name, task.name, _projection(task.name, returned), True, task.location)


def _projection(name: str, returned: Value) -> Projection:
    paths: dict[tuple[str, ...], None] = {}
    for ref in _reads(name, returned):
        names: list[str] = []
        for step in ref.path:
            if not isinstance(step, str):
                break
            names.append(step)
        if not names:
            return EVERYTHING
        paths[tuple(names)] = None
    return Projection(False, (), tuple(Kept(path) for path in paths))


def _reads(name: str, returned: Value) -> Iterator[Ref]:
    return (ref for ref in refs(returned) if ref.root == OutputRoot(name))

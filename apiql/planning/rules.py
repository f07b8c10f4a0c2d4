"""Plan -> Plan: a tuple of rules and a loop. Everything here happens before any I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from apiql.errors import Code, Problem, QueryRefused
from apiql.ir.plan import Fetch, Output, Plan, Task
from apiql.ir.rename import renamed
from apiql.ir.request import Binding
from apiql.ir.values import applied

Rule = Callable[[Plan], Plan]


def rewrite(plan: Plan, rules: tuple[Rule, ...]) -> Plan:
    """The plan after every rule, in their order.

    Raises:
        QueryRefused: a rule found a limit passed.
    """
    for rule in rules:
        plan = rule(plan)
    return plan


def within(depth: int, calls: int) -> Rule:
    """Refuses plans whose chains are deeper, or which may make more calls, than allowed."""

    def check(plan: Plan) -> Plan:
        problems = []
        if plan.depth > depth:
            message = f"a chain of {plan.depth} tasks goes over the limit depth = {depth}"
            problems.append(Problem(Code.LIMIT_EXCEEDED, message, (plan.tasks[-1].location,)))
        if plan.most_calls > calls:
            message = f"{plan.most_calls} upstream calls go over the limit calls = {calls}"
            problems.append(Problem(Code.LIMIT_EXCEEDED, message))
        if problems:
            raise QueryRefused(tuple(problems))
        return plan

    return check


def merge_equal_reads(volatile: frozenset[str]) -> Rule:
    """Equal reads become one task: same call, same policy, same order; the outputs stay apart.

    Calls that hold a function of `volatile` (`uuid`) are never equal.
    """

    def merge(plan: Plan) -> Plan:
        return _merged(plan, volatile)

    return merge


def _merged(plan: Plan, volatile: frozenset[str]) -> Plan:
    """Tasks stand behind what they need, so one pass finds reads that became equal by a merge."""
    first: dict[str, str] = {}
    merged: dict[str, str] = {}
    tasks: list[Task] = []
    for task in plan.tasks:
        current = _with_names(task, merged) if merged else task
        key = f"{current.work!r} {current.policy!r} {sorted(current.after)}"
        varies = any(volatile & applied(value) for value in current.work.values())
        if current.work.is_read and not varies and key in first:
            merged[task.name] = first[key]
            continue
        first[key] = task.name
        tasks.append(current)
    if not merged:
        return plan
    outputs = tuple(_output_with_names(output, merged) for output in plan.outputs)
    return Plan.of(tasks, outputs, plan.parameters, plan.settings, plan.explain)


def _with_names(task: Task, merged: dict[str, str]) -> Task:
    work = task.work
    bindings = tuple(Binding(b.place, b.name, renamed(b.value, merged)) for b in work.bindings)
    after = frozenset(merged.get(name, name) for name in task.after)
    return replace(task, work=Fetch(work.method, work.endpoint, bindings), after=after)


def _output_with_names(output: Output, merged: dict[str, str]) -> Output:
    return replace(output, task=merged.get(output.task, output.task))

"""Plan -> Plan: a tuple of rules and a loop. Everything here happens before any I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.rename import renamed, task_renamed
from apiql.ir.values import applied
from apiql.ir.works import Fetch, Nested, Repeat, inner_works
from apiql.planning.bound import bounded

Rule = Callable[[Plan], Plan]
NOWHERE = Location(0, 0)


def rewrite(plan: Plan, rules: tuple[Rule, ...]) -> Plan:
    """The plan after every rule, in their order.

    Raises:
        QueryRefused: a rule found a limit passed.
    """
    for rule in rules:
        plan = rule(plan)
    return plan


def within(depth: int, calls: int, fanout: int) -> Rule:
    """Refuses plans whose chains are deeper, or which make more calls, than allowed; notes the
    most calls that the others can make.
    """

    def check(plan: Plan) -> Plan:
        if plan.depth > depth:
            message = f"a chain of {plan.depth} tasks goes over the limit depth = {depth}"
            problem = Problem(Code.LIMIT_EXCEEDED, message, (plan.tasks[-1].location,))
            raise QueryRefused((problem,))
        return bounded(plan, calls, fanout)

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
        current = task_renamed(task, merged) if merged else task
        key = repr(replace(current, name="", location=NOWHERE, after=frozenset()))
        key += str(sorted(current.after))
        is_equal = current.work.is_read and key in first and _is_alone(current)
        if is_equal and not _varies(current, volatile):
            merged[task.name] = first[key]
            continue
        first[key] = task.name
        tasks.append(current)
    if not merged:
        return plan
    outputs = tuple(replace(o, task=merged.get(o.task, o.task)) for o in plan.outputs)
    returned = None if plan.returned is None else renamed(plan.returned, merged)
    return replace(plan, tasks=tuple(tasks), outputs=outputs, returned=returned)


def _varies(task: Task, volatile: frozenset[str]) -> bool:
    """Whether a value of it, or of a plan that it runs, is another one each time."""
    plans = [work.plan for work in inner_works(task.work) if isinstance(work, Nested)]
    values = [*task.values(), *(value for plan in plans for value in plan.shown())]
    if any(volatile & applied(value) for value in values):
        return True
    inner = (one for plan in plans for first in plan.tasks for one in with_otherwise(first))
    return any(_varies(one, volatile) for one in inner)


def _is_alone(task: Task) -> bool:
    """What `distinct` leaves depends on the projection, an `else` has one of its own, and what
    definitions do is done as often as they say.
    """
    usual = isinstance(task.work, Fetch | Nested | Repeat)
    return usual and task.otherwise is None and not (task.rows and task.rows.distinct)

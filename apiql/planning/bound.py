"""The most upstream calls that a plan can make: known before the first, enforced while it runs."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod

from apiql.errors import Code, Problem, QueryRefused
from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.values import Items, Literal, Record, Value
from apiql.ir.works import MOST_ROUNDS, Axis, Loop, Nested, Repeat, Work, inner_works


def bounded(plan: Plan, calls: int, fanout: int) -> Plan:
    """The plan with the most calls that it can make: where lists decide, at most `calls`.

    Raises:
        QueryRefused: LIMIT_EXCEEDED, without any list it makes more than `calls`.
    """
    tasks = [one for task in plan.tasks for one in with_otherwise(task)]
    least = sum(_calls(task, fanout) for task in tasks if _is_fixed(task))
    most = sum(_calls(task, fanout) for task in tasks)
    if least > calls:
        message = f"{least} upstream calls go over the limit calls = {calls}"
        hint = "ask for less, use `batch`, or raise [limits] calls"
        raise QueryRefused((Problem(Code.LIMIT_EXCEEDED, message, hint=hint),))
    return replace(plan, most_calls=min(most, calls))


def counted(plan: Plan, calls: int, fanout: int) -> Plan:
    """The plan with the most calls that it can make: all that are written down, however many these
    are, and as many as `calls` where loops decide.
    """
    tasks = [one for task in plan.tasks for one in with_otherwise(task)]
    least = sum(_calls(task, fanout) for task in tasks if _is_fixed(task))
    most = sum(_calls(task, fanout) for task in tasks)
    return replace(plan, most_calls=min(most, max(least, calls)))


def _is_fixed(task: Task) -> bool:
    """Whether the text alone says how many calls a task makes."""
    work = task.work
    if not isinstance(work, Repeat):
        return not isinstance(work, Loop)
    return all(_length(value) is not None for axis in work.axes for value in axis.values)


def _calls(task: Task, fanout: int) -> int:
    work = task.work
    tries = 1 + (task.policy.retry.times if task.policy.retry else 0)
    times = _times(work, fanout)
    most = (
        _most(each.plan, fanout) if isinstance(each, Nested) else tries
        for each in inner_works(work)
    )
    return times * max(most, default=0)


def _most(plan: Plan, fanout: int) -> int:
    """The most calls of a plan within a plan; those of definitions are parts of theirs."""
    if plan.most_calls or not plan.outcome:
        return plan.most_calls
    return sum(_calls(one, fanout) for task in plan.tasks for one in with_otherwise(task))


def _times(work: Work, fanout: int) -> int:
    match work:
        case Repeat():
            return _elements(work, fanout)
        case Loop():
            return max(fanout, MOST_ROUNDS)
        case _:
            return 1


def _elements(work: Repeat, fanout: int) -> int:
    lengths = [_longest(axis) for axis in work.axes]
    count = fanout if None in lengths else min(fanout, prod(n for n in lengths if n is not None))
    if work.batch is None:
        return count
    return ceil(count / work.batch.size) if work.batch.size else min(count, 1)


def _longest(axis: Axis) -> int | None:
    return _length(axis.values[0])


def _length(value: Value) -> int | None:
    """The elements of a list that stands in the text, those of lists in it counted."""
    match value:
        case Literal(None):
            return 0
        case Literal() | Record():
            return 1
        case Items(items):
            found = [_length(item) for item in items]
            return None if None in found else sum(n for n in found if n is not None)
        case _:
            return None

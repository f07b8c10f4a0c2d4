"""What can be known before the first call: parameters, times, calls that wait for no result.

A query never runs half because of an error that could have been seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.errors import Code, Location, Problem, QueryRefused, ValueRefused
from apiql.ir.policy import LONGEST_KEPT
from apiql.ir.values import ParamRoot
from apiql.plugins import Moment
from apiql.runtime.cells import Cells, FanLimits
from apiql.runtime.fanout import elements_of_calls, look_at_lists, out_of_step
from apiql.runtime.inputs import bind_parameters, seconds_of
from apiql.runtime.outcome import MISSING, TOO_DEEP, NotAsked, Unmet
from apiql.runtime.request import reads_results
from apiql.runtime.run import Budget, Run
from apiql.runtime.scope import Evaluate, Scope
from apiql.runtime.single import is_wanted
from apiql.runtime.slots import Slots
from apiql.runtime.sought import Sought
from apiql.runtime.step import Executable, Fan, NestedCall, Step
from apiql.runtime.told import Tell
from apiql.sources.call import Layer

MERGE_RESERVE = 0.05
"""The share of the query's time that is kept for putting the answer together."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Seconds for the whole query and for one call; calls that one query makes at a time and
    altogether; how far lists may go.

    `patience` is what the client gives the query, where it says so: it can only shorten.
    """

    query_timeout: float
    call_timeout: float
    concurrency: int
    calls: int
    fan: FanLimits
    patience: float | None = None


def prepare(
    executable: Executable, given: Mapping[str, Any], moment: Moment, layer: Layer,
    limits: RunLimits, clock: Callable[[], float], observe: Tell | None = None,
) -> Run:  # fmt: skip
    """A run with all that can be known before the first call.

    Raises:
        QueryRefused: parameters missing or of the wrong type, values that cannot be sent, lists
            that go over a limit.
    """
    plan = executable.plan
    params = bind_parameters(plan.parameters, given)
    asked = seconds_of(plan.settings.timeout, params, limits.query_timeout)
    time = asked if limits.patience is None else min(asked, limits.patience)
    run = Run(
        Scope(params, moment), layer, clock() + time * (1 - MERGE_RESERVE), clock,
        Budget(limits.calls, limits.calls), limits.concurrency, limits.call_timeout, limits.fan,
        observe,
    )  # fmt: skip
    if executable.wide or len(executable.steps) > limits.concurrency:
        run.slots = Slots(limits.concurrency)
    if executable.strangers:
        run.sought = Sought(executable.strangers)
    begin(executable, run)
    return run


def begin(executable: Executable, run: Run) -> None:
    """Looks at the times and values of a plan's steps; notes the calls that are known already.

    Raises:
        QueryRefused: as `prepare`.
    """
    if executable.has_twins:
        run.memo = {}
    if executable.timed:
        _times(executable, run)
    if executable.looked_at or executable.checks:
        _look_ahead(executable, run)


def _times(executable: Executable, run: Run) -> None:
    params, call_timeout = run.scope.params, run.call_timeout
    run.timeouts = timeouts = dict[Step, float]()
    for step in executable.timed:
        policy = step.policy
        if isinstance(policy.timeout, ParamRoot):
            timeouts[step] = seconds_of(policy.timeout, params, call_timeout)
        if policy.within is not None:
            seconds_of(policy.within.time, params, call_timeout)
        for kept in (policy.caching.keep, policy.caching.most_age):
            seconds_of(kept, params, LONGEST_KEPT)


def _look_ahead(executable: Executable, run: Run) -> None:
    problems: list[Problem] = []
    for step in executable.looked_at:
        _look_at(step, run, problems)
    place = executable.plan.returned_at
    for check in executable.checks:
        problems += _of_return(check, (place,) if place else (), run.scope)
    if problems:
        raise QueryRefused(tuple(problems))


def _of_return(check: Evaluate, place: tuple[Location, ...], scope: Scope) -> Iterator[Problem]:
    """What is wrong with a part of `return`."""
    try:
        check(scope)
    except ValueRefused as refused:
        yield Problem(Code.BAD_VALUE, f"`return`: {refused.message}", place, refused.hint)
    except Unmet as error:
        yield Problem(error.failure.code, f"`return`: {error.failure.message}", place)
    except RecursionError:
        yield Problem(TOO_DEEP.code, f"`return`: {TOO_DEEP.message}", place)


def _look_at(step: Step, run: Run, problems: list[Problem]) -> None:
    try:
        if step.when is not None and _is_left_out(step, run):
            return
        _look_at_work(step, run, problems)
        for check in step.checks:
            check(run.scope)
    except Unmet as error:
        failure = error.failure
        problems.append(_problem(step, failure.code, failure.message, failure.hint))
    except ValueRefused as refused:
        problems.append(_problem(step, Code.BAD_VALUE, refused.message, refused.hint))
    except RecursionError:
        problems.append(_problem(step, TOO_DEEP.code, TOO_DEEP.message, None))
    except NotAsked:
        pass
    if step.otherwise is not None:
        _look_at(step.otherwise, run, problems)
        _look_at_steps(step, step.otherwise, run, problems)


def _look_at_work(step: Step, run: Run, problems: list[Problem]) -> None:
    """Whether what needs no result can be carried out; notes the call that needs nothing."""
    if step.fan is not None:
        _look_at_elements(step, step.fan, run, problems)
    elif not step.early:
        return
    elif step.nested is not None:
        _look_at_arguments(step, step.nested, run, problems)
    elif step.build is not None:
        call = step.build(run.scope, run.deadline_of(step))
        if not step.needs and step.plain:
            run.calls[step] = call


def _is_left_out(step: Step, run: Run) -> bool:
    """Whether the parameters alone say that the task is left out."""
    if step.when is None or step.task.when is None or step.stated is not None:
        return False  # what a definition states may see local values, which are not made yet
    if reads_results(step.task.when):
        return False
    return not is_wanted(step.when(run.scope))


def _look_at_elements(step: Step, fan: Fan, run: Run, problems: list[Problem]) -> None:
    """The cells of lists that are known already, and whether each of their calls can be made."""
    cells = look_at_lists(fan, run)
    if cells is None:
        return
    run.cells = {**(run.cells or {}), step: cells}
    if step.early and step.nested is not None:
        _look_at_each(step, step.nested, cells, run, problems)
    elif step.early and step.build is not None:
        made = []
        for elements in elements_of_calls(fan, cells):
            run.scope.elements = elements
            made.append(step.build(run.scope, run.deadline))
        run.made = {**(run.made or {}), step: made}


def _look_at_steps(step: Step, other: Step, run: Run, problems: list[Problem]) -> None:
    """Whether the elements of another source go in step with those of the first."""
    cells = run.cells or {}
    if step in cells and other in cells:
        count = len(cells[step].elements)
        if len(cells[other].elements) != count:
            failure = out_of_step(count, cells[other])
            problems.append(_problem(other, failure.code, failure.message, failure.hint))


def _look_at_arguments(step: Step, call: NestedCall, run: Run, problems: list[Problem]) -> None:
    """Whether a stored plan takes the arguments that are known already."""
    values = ((name, value(run.scope)) for name, value in call.arguments)
    given = {name: value for name, value in values if value is not MISSING}
    try:
        bind_parameters(call.executable.plan.parameters, given)
    except QueryRefused as refused:
        problems += (_problem(step, p.code, p.message, p.hint) for p in refused.problems)


def _look_at_each(
    step: Step, call: NestedCall, cells: Cells, run: Run, problems: list[Problem]
) -> None:
    """Whether it takes those of each element; the first that it does not take is told."""
    before = len(problems)
    for elements in cells.elements:
        run.scope.elements = elements
        _look_at_arguments(step, call, run, problems)
        if len(problems) > before:
            return


def _problem(step: Step, code: Code, message: str, hint: str | None) -> Problem:
    text = f"{step.name}: {message}"
    return Problem(code, text, (step.task.location,), hint, task=step.name)

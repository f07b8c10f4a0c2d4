"""Carries out a compiled plan: every task starts the moment its own inputs are there.

One coroutine for each task waits for the tasks it needs and then performs. There are no waves: a
slow task holds up its readers and nobody else. A plan of one task needs no asyncio task at all.
When the caller is cancelled, so is every task, and with it every call that nobody else waits for.

    waiting --needs ended--> performing --answer--> Done | Failed
                 \\--something it reads is missing--> Skipped
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.errors import Code, Problem, QueryRefused, ValueRefused
from apiql.events import Observer
from apiql.plugins import Moment
from apiql.runtime.compile import Executable, Step
from apiql.runtime.evaluate import Scope
from apiql.runtime.inputs import bind_parameters, seconds_of
from apiql.runtime.outcome import Outcome, Unmet
from apiql.runtime.perform import Run, deadline_of, perform
from apiql.sources.call import Layer

MERGE_RESERVE = 0.05
"""The share of the query's time that is kept for putting the answer together."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Seconds for the whole query and for one call; calls that one query makes at a time.

    `patience` is what the client gives the query, where it says so: it can only shorten.
    """

    query_timeout: float
    call_timeout: float
    concurrency: int
    patience: float | None = None


def prepare(
    executable: Executable, given: Mapping[str, Any], moment: Moment, layer: Layer,
    limits: RunLimits, clock: Callable[[], float], observe: Observer | None = None,
) -> Run:  # fmt: skip
    """A run with all that can be known before the first call: a query never runs half because
    of an error that could have been seen now.

    Raises:
        QueryRefused: parameters missing or of the wrong type, values that cannot be sent.
    """
    plan = executable.plan
    params = bind_parameters(plan.parameters, given)
    asked = seconds_of(plan.settings.timeout, params, limits.query_timeout)
    time = asked if limits.patience is None else min(asked, limits.patience)
    run = Run(Scope(params, moment), layer, clock() + time * (1 - MERGE_RESERVE), clock, observe)
    for step in executable.timed:
        run.timeouts[step.name] = seconds_of(step.policy.timeout, params, limits.call_timeout)
    if len(executable.steps) > limits.concurrency:
        run.slots = asyncio.Semaphore(limits.concurrency)
    if executable.has_twins:
        run.memo = {}
    _look_ahead(executable.steps, run)
    return run


def _look_ahead(steps: Iterable[Step], run: Run) -> None:
    problems = []
    for step in steps:
        try:
            if step.early:
                call = step.build(run.scope, deadline_of(step, run))
                if not step.needs:
                    run.calls[step.name] = call
            for check in step.checks:
                check(run.scope)
        except Unmet as error:
            problems.append(_problem(step, error.failure.code, error.failure.message, None))
        except ValueRefused as refused:
            problems.append(_problem(step, Code.BAD_VALUE, refused.message, refused.hint))
    if problems:
        raise QueryRefused(tuple(problems))


def _problem(step: Step, code: Code, message: str, hint: str | None) -> Problem:
    text = f"{step.name}: {message}"
    return Problem(code, text, (step.task.location,), hint, task=step.name)


async def carry_out(executable: Executable, run: Run) -> dict[str, Outcome]:
    """How every task of the plan ended, by its name."""
    outcomes = run.scope.outcomes
    first, *others = executable.steps
    if not others:
        outcomes[first.name] = await perform(first, run)
        return outcomes
    loop = asyncio.get_running_loop()
    begun: asyncio.Future[Outcome] = loop.create_future()
    ended: dict[str, asyncio.Future[Outcome]] = {first.name: begun}
    tasks: list[asyncio.Task[Outcome]] = []
    for step in others:
        work = _follow(step, run, ended) if step.needs else perform(step, run)
        ended[step.name] = task = loop.create_task(work)
        tasks.append(task)
    try:
        outcomes[first.name] = await perform(first, run)
        begun.set_result(outcomes[first.name])
        for step, task in zip(others, tasks, strict=True):
            outcomes[step.name] = await task
    finally:
        await _ended(tasks)
    return outcomes


async def _ended(tasks: Iterable[asyncio.Task[Outcome]]) -> None:
    """Where the run was cancelled (or a bug broke it): no task outlives it. A TaskGroup would do
    the same and cost a query more.
    """
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


async def _follow(step: Step, run: Run, ended: Mapping[str, asyncio.Future[Outcome]]) -> Outcome:
    """Waits for what the task needs, however that ends, and then performs."""
    for need in step.needs:
        run.scope.outcomes[need] = await asyncio.shield(ended[need])
    return await perform(step, run)

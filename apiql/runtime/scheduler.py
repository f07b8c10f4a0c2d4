"""Carries out a compiled plan: every task starts the moment its own inputs are there.

One coroutine for each task waits for the tasks it needs and then performs. There are no waves: a
slow task holds up its readers and nobody else. A plan of one task needs no asyncio task at all, nor
does one whose tasks wait for each other.
When the caller is cancelled, so is every task, and with it every call that nobody else waits for.

    waiting --needs ended--> performing --answer--> Done | Failed | LeftOut
                 \\--something it reads is missing--> Skipped
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from apiql.events import TaskEnded
from apiql.runtime.nested import nested_by
from apiql.runtime.outcome import ENDINGS, Failed, Outcome, Skipped
from apiql.runtime.perform import perform
from apiql.runtime.run import Run
from apiql.runtime.step import Executable, Step
from apiql.runtime.workers import outlived_by_none

Finished = Callable[[Step], None]
"""Is told of each task that has ended, as it ends."""
Perform = Callable[[Step, Run], Coroutine[Any, Any, Outcome]]
NOT_DONE = (Failed, Skipped)


async def carry_out(executable: Executable, run: Run, finished: Finished | None = None) -> None:
    """Performs every task of the plan; how each ended stands in the run's scope, by its name."""
    run.nest = run.nest or NESTED
    if not executable.steps:
        return  # an answer of constants and parameters
    first, *others = executable.steps
    work: Perform = perform if run.observe is None else _observed
    if executable.chain and others:
        await _in_a_row(executable.steps, run, work, finished)
        return
    if others:
        await _side_by_side(first, others, run, work, finished)
        return
    run.scope.outcomes[first.name] = await work(first, run)
    _tell(first, finished)


async def _in_a_row(
    steps: Sequence[Step], run: Run, work: Perform, finished: Finished | None
) -> None:
    """Tasks that wait for each other need none of the loop."""
    for step in steps:
        run.scope.outcomes[step.name] = await work(step, run)
        if finished is not None:
            finished(step)


async def _side_by_side(
    first: Step, others: Sequence[Step], run: Run, work: Perform, finished: Finished | None
) -> None:
    """The first task in this coroutine, each other one in a task of the loop."""
    loop, outcomes = asyncio.get_running_loop(), run.scope.outcomes
    begun: asyncio.Future[Outcome] = loop.create_future()
    ended: dict[str, asyncio.Future[Outcome]] = {first.name: begun}
    run.ended = ended
    tasks: list[asyncio.Task[Outcome]] = []
    for step in others:
        task = loop.create_task(_follow(step, run, work) if step.needs else work(step, run))
        ended[step.name] = task
        tasks.append(task)
    if finished is not None:
        _listen(others, tasks, run, finished)
    try:
        outcomes[first.name] = await work(first, run)
        begun.set_result(outcomes[first.name])
        _tell(first, finished)
        for step, task in zip(others, tasks, strict=True):
            outcomes[step.name] = await task
    finally:
        await outlived_by_none(tasks)


def _tell(step: Step, finished: Finished | None) -> None:
    if finished is not None:
        finished(step)


def _listen(
    steps: Iterable[Step], tasks: Iterable[asyncio.Task[Outcome]], run: Run, finished: Finished
) -> None:
    """Has each task told of when it ends, not when somebody comes to wait for it."""

    def listener(step: Step) -> Callable[[asyncio.Task[Outcome]], None]:
        def ended(task: asyncio.Task[Outcome]) -> None:
            if not task.cancelled() and task.exception() is None:
                run.scope.outcomes[step.name] = task.result()
                finished(step)

        return ended

    for step, task in zip(steps, tasks, strict=True):
        task.add_done_callback(listener(step))


async def _follow(step: Step, run: Run, work: Perform) -> Outcome:
    """Waits for what the task needs, however that ends, and then performs."""
    await run.await_all(step.needs)
    return await work(step, run)


async def _observed(step: Step, run: Run) -> Outcome:
    """Performs, and tells those who listen when it began and how it ended."""
    assert run.observe is not None
    started = run.clock()
    outcome = await perform(step, run)
    code = outcome.failure.code if isinstance(outcome, NOT_DONE) else None
    run.observe(TaskEnded(step.name, started, run.clock(), ENDINGS[type(outcome)], code))
    return outcome


NESTED = nested_by(carry_out)

"""A fan-out: one call for each distinct element (or batch of them), results back in their places.

A few workers take the cells in turn, as many as the query and the source let run at a time. One
failed element fails only itself: a null at its place, and an error with the path to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.attempt import built
from apiql.runtime.batch import batched, groups_of
from apiql.runtime.cells import Cells, Elements, cells_of, nest_of
from apiql.runtime.columns import Columns
from apiql.runtime.gathering import gathered
from apiql.runtime.outcome import Done, Failed, LeftOut, NotAsked, Outcome, Skipped, Unmet
from apiql.runtime.run import Run
from apiql.runtime.single import Result, fallen_back, needs_of_other, one
from apiql.runtime.step import Fan, Step
from apiql.runtime.workers import in_turn
from apiql.sources.call import Call

Plainly: TypeAlias = Callable[[Step, Call, Run], Awaitable[Outcome]]
"""Makes a call of which no clause says more than its time, once there is a place for it."""


def cells_for(fan: Fan, run: Run) -> Cells:
    """The cells of a fan-out.

    Raises:
        Unmet, NotAsked, ValueRefused: the lists cannot be had, or go over a limit.
    """
    axes = [[value(run.scope) for value in axis] for axis in fan.axes]
    return cells_of(axes, fan.merge, run.fan_limits, fan.missing)


def look_at_lists(fan: Fan, run: Run) -> Cells | None:
    """The cells if all lists are known before the first call; else the known ones are looked at.

    Raises:
        Unmet, ValueRefused: as `cells_for`.
    """
    if all(fan.known):
        return cells_for(fan, run)
    for axis, known in zip(fan.axes, fan.known, strict=True):
        if known:
            nest_of([value(run.scope) for value in axis], fan.missing)
    return None


def elements_of_calls(fan: Fan, cells: Cells) -> Iterable[tuple[Any, ...]]:
    """What stands for the elements in each call: one of each list, or with a batch several."""
    if fan.batch is None:
        return cells.elements
    return ((group,) for group in groups_of(fan.batch, cells))


async def fan_out(step: Step, fan: Fan, run: Run, plainly: Plainly) -> Outcome:
    """The outcome of all calls of a fan-out; plain ones are made like those of other tasks.

    Raises:
        Unmet, NotAsked, ValueRefused: as `cells_for`.
    """
    known = run.cells.get(step) if run.cells is not None else None
    cells = known or cells_for(fan, run)
    if fan.apart and cells.alike:
        run.apart |= {step}
    if fan.batch is not None:
        found = await batched(step, fan.batch, cells, _width(fan, run), run)
        if isinstance(found, Columns):
            return gathered(step, cells, found, run)
        if not isinstance(found, list):
            return found
        results = found
    else:
        results = await _of_all(step, fan, cells, run, plainly)
    kinds = set(map(type, results))
    if LeftOut in kinds:
        return LeftOut()
    if kinds == {Done}:
        return gathered(step, cells, results, run)
    if step.otherwise is not None:
        await _otherwise(step, step.otherwise, results, run, plainly)
    return gathered(step, cells, [_or_fallback(step, result) for result in results], run)


def _or_fallback(step: Step, result: Result) -> Result:
    return result if isinstance(result, Done | LeftOut) else fallen_back(step, result)


async def _of_all(step: Step, fan: Fan, cells: Cells, run: Run, plainly: Plainly) -> list[Result]:
    """The results of all calls; plain ones may have been made up ahead of time."""
    made = run.made.get(step) if run.made is not None else None
    if made is None or not fan.plain:
        return await _each(step, fan, cells.elements, run, plainly)
    return await in_turn(made, _width(fan, run), lambda call: plainly(step, call, run))


async def _each(
    step: Step, fan: Fan, called: Sequence[Elements], run: Run, plainly: Plainly
) -> list[Result]:
    """The results of the calls for some elements, as many at a time as may be."""

    async def plain(elements: Elements) -> Result:
        try:
            call = built(step, run, elements)
        except NotAsked:
            return LeftOut()
        return await plainly(step, call, run) if isinstance(call, Call) else call

    async def careful(elements: Elements) -> Result:
        return await one(step, run, elements)

    return await in_turn(called, _width(fan, run), plain if fan.plain else careful)


def _width(fan: Fan, run: Run) -> int:
    """The calls that a fan-out may make at a time."""
    return run.width if fan.width is None else min(fan.width, run.width)


async def _otherwise(
    step: Step, other: Step, results: list[Result], run: Run, plainly: Plainly
) -> None:
    """Another source for the elements that failed, and behind it the next one for those that it
    fails. Where it is left out, what failed stays failed.
    """
    failed = [n for n, result in enumerate(results) if not isinstance(result, Done)]
    if not failed:
        return
    run.stood_in_for(step)
    await needs_of_other(other, run)
    found = await _instead(other, failed, len(results), run, plainly)
    if any(isinstance(result, LeftOut) for result in found):
        return
    for number, result in zip(failed, found, strict=True):
        results[number] = result
    if other.otherwise is not None:
        await _otherwise(other, other.otherwise, results, run, plainly)
    for number in failed:
        results[number] = _or_fallback(other, results[number])


async def _instead(
    other: Step, failed: Sequence[int], count: int, run: Run, plainly: Plainly
) -> Sequence[Result]:
    """The other source's results for some elements of `count`: its own `in` in step with theirs,
    or one call for all of them.
    """
    try:
        if other.fan is None:
            return [await one(other, run)] * len(failed)
        elements = _in_step_with(count, cells_for(other.fan, run))
    except Unmet as error:
        return [Skipped(error.failure)] * len(failed)
    except NotAsked:
        return [LeftOut()] * len(failed)
    except ValueRefused as refused:
        return [Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))] * len(failed)
    return await _each(other, other.fan, [elements[number] for number in failed], run, plainly)


def _in_step_with(count: int, cells: Cells) -> Sequence[tuple[Any, ...]]:
    if len(cells.elements) != count:
        raise Unmet(out_of_step(count, cells))
    return cells.elements


def out_of_step(count: int, cells: Cells) -> Failure:
    """Why another source cannot stand in: it has not an element for each."""
    message = f"`else` walks through {len(cells.elements)} distinct elements, not {count}"
    return Failure(Code.ZIP_LENGTH, message, hint="give it the list of the first select")

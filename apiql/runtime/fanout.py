"""A fan-out: one call for each distinct element (or batch of them), results back in their places.

A few workers take the cells in turn, as many as the query and the source let run at a time. One
failed element fails only itself: a null at its place, and an error with the path to it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any

from apiql.errors import Code, Failure, ValueRefused
from apiql.runtime.batch import batched, groups_of
from apiql.runtime.cells import Cells, Elements, cells_of, filled, joined, nest_of, size_of, told
from apiql.runtime.outcome import (
    MISSING,
    Done,
    Failed,
    LeftOut,
    Lost,
    NotAsked,
    Outcome,
    Several,
    Skipped,
    Unmet,
)
from apiql.runtime.run import Run
from apiql.runtime.single import Result, fallen_back, needs_of_other, one
from apiql.runtime.step import Fan, Step

MOST_FAILURES = 20
"""The failures of one fan-out that are told one by one; the rest is counted."""


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


async def fan_out(step: Step, fan: Fan, run: Run) -> Outcome:
    """The outcome of all calls of a fan-out.

    Raises:
        Unmet, NotAsked, ValueRefused: as `cells_for`.
    """
    known = run.cells.get(step) if run.cells is not None else None
    cells = known or cells_for(fan, run)
    if fan.batch is not None:
        found = await batched(step, fan.batch, cells, _width(fan, run), run)
        if not isinstance(found, list):
            return found
        results = found
    else:
        results = await _each(step, fan, cells.elements, run)
    if any(isinstance(result, LeftOut) for result in results):
        return LeftOut()
    if step.otherwise is not None:
        await _otherwise(step.otherwise, results, run)
    return gathered(step, cells, [_or_fallback(step, result) for result in results], run)


def _or_fallback(step: Step, result: Result) -> Result:
    return result if isinstance(result, Done | LeftOut) else fallen_back(step, result)


async def _each(step: Step, fan: Fan, called: Sequence[Elements], run: Run) -> list[Result]:
    """The results of the calls for some elements, as many at a time as may be."""
    results: list[Any] = [None] * len(called)
    waiting = iter(enumerate(called))

    async def work() -> None:
        for number, elements in waiting:
            results[number] = await one(step, run, elements)

    await _side_by_side([work() for _ in range(min(len(results), _width(fan, run)))])
    return results


def _width(fan: Fan, run: Run) -> int:
    """The calls that a fan-out may make at a time."""
    return run.width if fan.width is None else min(fan.width, run.width)


async def _side_by_side(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    if len(works) == 1:
        await works[0]
    elif works:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)


async def _otherwise(other: Step, results: list[Result], run: Run) -> None:
    """Another source for the elements that failed, and behind it the next one for those that it
    fails. Where it is left out, what failed stays failed.
    """
    failed = [n for n, result in enumerate(results) if not isinstance(result, Done)]
    if not failed:
        return
    await needs_of_other(other, run)
    found = await _instead(other, failed, len(results), run)
    if any(isinstance(result, LeftOut) for result in found):
        return
    for number, result in zip(failed, found, strict=True):
        results[number] = result
    if other.otherwise is not None:
        await _otherwise(other.otherwise, results, run)
    for number in failed:
        results[number] = _or_fallback(other, results[number])


async def _instead(other: Step, failed: Sequence[int], count: int, run: Run) -> Sequence[Result]:
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
    return await _each(other, other.fan, [elements[number] for number in failed], run)


def _in_step_with(count: int, cells: Cells) -> Sequence[tuple[Any, ...]]:
    if len(cells.elements) != count:
        raise Unmet(out_of_step(count, cells))
    return cells.elements


def out_of_step(count: int, cells: Cells) -> Failure:
    """Why another source cannot stand in: it has not an element for each."""
    message = f"`else` walks through {len(cells.elements)} distinct elements, not {count}"
    return Failure(Code.ZIP_LENGTH, message, hint="give it the list of the first select")


# -- putting together ---------------------------------------------------------------------------


def gathered(step: Step, cells: Cells, results: Sequence[Result], run: Run) -> Outcome:
    """The results in the places of their elements."""
    several = Several(None, (), nest=cells.nest)
    several.pieces = tuple([_leaves(n, results) for n in range(len(step.shapes))])
    if cells.places > len(results) and _is_too_large(cells, several, run):
        return Failed(_too_large(run))
    several.replies = tuple([_reply(result) for result in results])
    several.shaped = tuple([joined(cells.nest, leaves) for leaves in several.pieces])
    several.reads = tuple([_read(n, step, cells, results) for n in range(len(step.exact))])
    several.failures = _failures(cells, results)
    if any(isinstance(result, Done) for result in results):
        return several
    lost = next((failure for failure in several.failures if not failure.warning), None)
    return several if lost is None else Failed(lost, several=several)


def _leaves(number: int, results: Sequence[Result]) -> tuple[bytes, ...]:
    return tuple([_leaf(number, result) for result in results])


def _leaf(number: int, result: Result) -> bytes:
    found = result.shaped[number] if isinstance(result, Done) else b"null"
    return found if isinstance(found, bytes) else b"null"


def _reply(result: Result) -> tuple[int | None, Any]:
    return (result.status, result.headers) if isinstance(result, Done | Failed) else (None, ())


def _read(number: int, step: Step, cells: Cells, results: Sequence[Result]) -> Any:
    """What references find at one path, in the places of the elements."""
    if not step.exact[number]:
        leaves = [result.reads[number] if isinstance(result, Done) else None for result in results]
        return filled(cells.nest, [None if leaf is MISSING else leaf for leaf in leaves], _no_value)
    kept = [r.reads[number] if isinstance(r, Done) else _lost(step, r) for r in results]
    return filled(cells.nest, kept, lambda gap: gap)


def _no_value(gap: Lost | None) -> None:
    return None


def _lost(step: Step, result: Result) -> Lost | None:
    if isinstance(result, Done | LeftOut):
        return None
    failure = result.failure
    cause, root = failure.cause or step.name, failure.root or failure.code
    reads = "" if cause == step.name else f"it reads {step.name}, and "
    message = f"not called: {reads}{cause} failed for its element ({root})"
    return Lost(Failure(Code.DEPENDENCY_FAILED, message, cause=cause, root=root))


def _is_too_large(cells: Cells, several: Several, run: Run) -> bool:
    """Whether results that stand in many places make more than an answer may be."""
    sizes = [size_of(cells.nest, [len(leaf) for leaf in leaves]) for leaves in several.pieces]
    return sum(sizes) > run.fan_limits.answer_bytes


def _too_large(run: Run) -> Failure:
    most = run.fan_limits.answer_bytes
    hint = "select fewer fields, or raise [limits] answer_bytes"
    message = f"its results go over the limit answer_bytes = {most}"
    return Failure(Code.LIMIT_EXCEEDED, message, hint=hint)


# -- failures -----------------------------------------------------------------------------------


def _failures(cells: Cells, results: Sequence[Result]) -> tuple[Failure, ...]:
    """What is told of the elements: each with its place, many as a count."""
    if cells.whole and all(map(_is_well, results)):
        return ()
    each = [_told_of(result) for result in results]
    found = list(told(cells.nest, each))
    if len(found) <= MOST_FAILURES:
        return tuple(found)
    return (*found[:MOST_FAILURES], *_counted(found[MOST_FAILURES:]))


def _counted(failures: Sequence[Failure]) -> Iterator[Failure]:
    """Many failures as one of each kind."""
    kinds = Counter((failure.code, failure.status, failure.warning) for failure in failures)
    for (code, status, warning), count in kinds.items():
        message = f"{count} more of its elements failed"
        yield Failure(code, message, status=status, count=count, warning=warning)


def _is_well(result: Result) -> bool:
    if type(result) is not Done or result.failures:
        return False
    shaped = result.shaped
    return not shaped or (type(shaped[0]) is bytes and len(shaped) == 1)


def _told_of(result: Result) -> Sequence[Failure]:
    if isinstance(result, LeftOut):
        return ()
    if not isinstance(result, Done):
        return (result.failure,)
    unshaped = [shaped for shaped in result.shaped if isinstance(shaped, Failure)]
    return (*result.failures, *dict.fromkeys(unshaped)) if unshaped else result.failures

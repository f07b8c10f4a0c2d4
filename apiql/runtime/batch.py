"""Batches: elements that go together in one call, and its rows back to the elements.

With a key the rows are matched back, and the result is as if each element had its own call.
Without one it is a list of the rows of all calls, in their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from apiql.ir.plan import Batch
from apiql.runtime.attempt import built, exchanged, is_late, late
from apiql.runtime.cells import Cells, told
from apiql.runtime.decode import Undecodable, as_members, as_value
from apiql.runtime.matching import Chunk, matched, read_rows
from apiql.runtime.outcome import Done, Failed, LeftOut, NotAsked, Outcome, Skipped
from apiql.runtime.reading import json_of, unreadable
from apiql.runtime.run import Run
from apiql.runtime.single import Result
from apiql.runtime.step import Step
from apiql.sources.call import Call, Reply

EMPTY = Chunk(b"[]", None, ())


async def batched(step: Step, batch: Batch, cells: Cells, run: Run) -> list[Result] | Outcome:
    """The results of the cells, or without a key the outcome that all calls make together."""
    elements = [element for (element,) in cells.elements]
    size = batch.size or max(1, len(elements))
    groups = [elements[at : at + size] for at in range(0, len(elements), size)]
    chunks = await _carried_out(step, batch, groups, run)
    if any(isinstance(chunk, LeftOut) for chunk in chunks):
        return LeftOut()
    if batch.key is None:
        return _one_list(step, cells, chunks, run)
    results: list[Result] = []
    for group, chunk in zip(groups, chunks, strict=True):
        if isinstance(chunk, Chunk):
            results += matched(step, group, chunk, run)
        else:
            results += [chunk] * len(group)
    return results


async def _carried_out(
    step: Step, batch: Batch, groups: Sequence[list[Any]], run: Run
) -> list[Chunk | Failed | Skipped | LeftOut]:
    chunks: list[Any] = [None] * len(groups)
    waiting = iter(enumerate(groups))

    async def work() -> None:
        for number, group in waiting:
            chunks[number] = await _chunk(step, batch, group, run)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(run.width, len(groups))):
            tasks.create_task(work())
    return chunks


async def _chunk(
    step: Step, batch: Batch, group: list[Any], run: Run
) -> Chunk | Failed | Skipped | LeftOut:
    """The rows of one call."""
    try:
        call = built(step, run, (group,))
    except NotAsked:
        return LeftOut()
    if not isinstance(call, Call):
        return call
    found = await exchanged(step, call, run)
    if isinstance(found, Reply):
        return _rows_of_reply(step, batch, call, found)
    within = step.policy.within
    if within is None or within.substitute is None or not is_late(found.failure):
        return found
    rows = _rows_at(within.substitute.text, ())
    return Chunk(rows, None, (), (late(step, within, run),))


def _rows_of_reply(step: Step, batch: Batch, call: Call, reply: Reply) -> Chunk | Failed:
    try:
        rows = _rows_at(json_of(call.method, reply), batch.rows)
    except Undecodable as error:
        return unreadable(step, call, reply, str(error))
    return Chunk(rows, reply.status, reply.headers)


def _rows_at(body: bytes, path: tuple[str, ...]) -> bytes:
    """The rows in a body as a list: an object is one, null none.

    Raises:
        Undecodable: it is neither, or there is nothing at the path.
    """
    for name in path:
        members = as_members(body) if body.lstrip()[:1] == b"{" else {}
        if name not in members:
            raise Undecodable(f"there are no rows at {'.'.join(path)}")
        body = bytes(members[name])
    first = body.lstrip()[:1]
    if first == b"[":
        return body
    if first == b"{":
        return b"[" + body + b"]"
    if as_value(body) is None:
        return b"[]"
    raise Undecodable("a batch wants a list of rows")


# -- without a key ------------------------------------------------------------------------------


def _one_after_another(chunks: Sequence[Chunk]) -> bytes:
    return b"[" + b",".join([bytes(row) for chunk in chunks for row in chunk.rows()]) + b"]"


def _one_list(
    step: Step, cells: Cells, chunks: Sequence[Chunk | Failed | Skipped | LeftOut], run: Run
) -> Outcome:
    """The rows of all calls as one result."""
    if cells.nest is None:
        return read_rows(step, b"null", EMPTY, run)
    failed = [chunk for chunk in chunks if isinstance(chunk, Failed | Skipped)]
    if failed and len(failed) == len(chunks):
        return failed[0]
    good = [chunk for chunk in chunks if isinstance(chunk, Chunk)]
    rows = good[0].whole if len(good) == 1 else _one_after_another(good)
    done = read_rows(step, rows, good[0] if good else EMPTY, run)
    if isinstance(done, Done):
        lost = list(told(cells.nest, [()] * len(cells.elements)))
        warnings = [warning for chunk in good for warning in chunk.warnings]
        done.failures = (*lost, *(chunk.failure for chunk in failed), *warnings)
    return done

"""Batches: elements that go together in one call, and its rows back to the elements.

With a key the rows are matched back, and the result is as if each element had its own call.
Without one it is a list of the rows of all calls, in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from msgspec import structs

from apiql.errors import Failure
from apiql.ir.works import Batch
from apiql.runtime.attempt import built, exchanged
from apiql.runtime.call_failures import is_late, late, stale
from apiql.runtime.cells import Cells, told
from apiql.runtime.columns import Columns, one_after_another
from apiql.runtime.decode import Undecodable, as_members, as_value
from apiql.runtime.matching import Chunk, matched, read_rows, unusable
from apiql.runtime.outcome import Done, Failed, LeftOut, NotAsked, Outcome, Skipped
from apiql.runtime.reading import json_of, request_text, unreadable
from apiql.runtime.run import Run
from apiql.runtime.single import Result, in_time
from apiql.runtime.step import Step
from apiql.runtime.workers import in_turn
from apiql.sources.call import Call, Reply

EMPTY = Chunk(b"[]", None, ())


def groups_of(batch: Batch, cells: Cells) -> list[list[Any]]:
    """The elements of each call."""
    elements = [element for (element,) in cells.elements]
    size = batch.size or max(1, len(elements))
    return [elements[at : at + size] for at in range(0, len(elements), size)]


async def batched(
    step: Step, batch: Batch, cells: Cells, width: int, run: Run
) -> Columns | list[Result] | Outcome:
    """The results of the cells, as columns where nothing is to be told of any; or without a key
    the outcome that all calls make together. At most `width` calls at a time.
    """
    groups = groups_of(batch, cells)
    chunks = await in_turn(groups, width, lambda group: _chunk(step, batch, group, run))
    if any(isinstance(chunk, LeftOut) for chunk in chunks):
        return LeftOut()
    if batch.key is None:
        return _one_list(step, cells, chunks, run)
    pairs = zip(groups, chunks, strict=True)
    parts = [_results(step, group, chunk, run) for group, chunk in pairs]
    whole = [part for part in parts if isinstance(part, Columns)]
    if whole and len(whole) == len(parts):
        return one_after_another(whole)
    each = (part.results() if isinstance(part, Columns) else part for part in parts)
    return [*chain.from_iterable(each)]


def _results(
    step: Step, group: list[Any], chunk: Chunk | Failed | Skipped | LeftOut, run: Run
) -> Columns | Sequence[Result]:
    """The results of the cells of one call."""
    if isinstance(chunk, Chunk):
        return matched(step, group, chunk, run)
    result = in_time(step, chunk, run) if isinstance(chunk, Failed) else chunk
    return [result] * len(group)


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
    if not isinstance(found, Reply):
        return found
    chunk = _rows_of_reply(step, batch, call, found)
    if found.stale and isinstance(chunk, Chunk):
        return replace(chunk, warnings=(stale(step, found, run),))
    return chunk


def _rows_of_reply(step: Step, batch: Batch, call: Call, reply: Reply) -> Chunk | Failed:
    try:
        rows = _rows_at(json_of(call.method, reply), batch.rows)
    except Undecodable as error:
        return unreadable(step, call, reply, str(error))
    return Chunk(rows, reply.status, reply.headers, (), request_text(call))


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


def _one_list(
    step: Step, cells: Cells, chunks: Sequence[Chunk | Failed | Skipped | LeftOut], run: Run
) -> Outcome:
    """The rows of all calls as one result."""
    if cells.nest is None:
        return read_rows(step, b"null", EMPTY, run)
    found = [_readable(step, chunk, run, len(chunks) > 1) for chunk in chunks]
    good = [chunk for chunk in found if isinstance(chunk, Chunk)]
    lost = [*told(cells.nest, [()] * len(cells.elements))]
    lost += [chunk.failure for chunk in found if isinstance(chunk, Failed | Skipped)]
    if lost and not good:
        failed = [chunk for chunk in found if isinstance(chunk, Failed)] or [Failed(lost[0])]
        told_of = next((chunk for chunk in failed if chunk.failure.fatal), failed[0])
        return structs.replace(told_of, failure=_for_all(told_of.failure, len(lost)))
    rows = good[0].whole if len(good) == 1 else _one_after_another(good)
    done = read_rows(step, rows, good[0] if good else EMPTY, run)
    if isinstance(done, Done):
        done.failures = (*lost, *(warning for chunk in good for warning in chunk.warnings))
    return done


def _for_all(failure: Failure, count: int) -> Failure:
    return replace(failure, path=(), count=count if count > 1 else None)


def _readable(
    step: Step, chunk: Chunk | Failed | Skipped | LeftOut, run: Run, is_one_of_many: bool
) -> Chunk | Failed | Skipped | LeftOut:
    """A chunk whose rows can be taken out, or why not; for a late one its substitute."""
    if isinstance(chunk, Failed):
        within = step.policy.within
        if within is None or within.substitute is None or not is_late(chunk.failure):
            return chunk
        rows = _constant_rows(within.substitute.text)
        return Chunk(rows, None, (), (late(step, chunk.failure, run),))
    if is_one_of_many and isinstance(chunk, Chunk):
        try:
            chunk.rows()
        except Undecodable as error:
            return unusable(step, str(error), chunk)
    return chunk


def _constant_rows(text: bytes) -> bytes:
    """The rows that a constant stands for: a list's elements, none for null, else itself."""
    if text == b"null":
        return b"[]"
    return text if text.startswith(b"[") else b"[" + text + b"]"


def _one_after_another(chunks: Sequence[Chunk]) -> bytes:
    return b"[" + b",".join([bytes(row) for chunk in chunks for row in chunk.rows()]) + b"]"

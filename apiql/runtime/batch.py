"""Batches: elements that go together in one call, and its rows back to the elements.

With a key the rows are matched back, and the result is as if each element had its own call.
Without one it is a list of the rows of all calls, in their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apiql.errors import Code, Failure, ValueRefused
from apiql.ir.plan import Batch
from apiql.runtime.attempt import built, exchanged, is_late, late
from apiql.runtime.cells import Cells, told
from apiql.runtime.decode import Undecodable, as_elements, as_members, as_value, compile_reader
from apiql.runtime.json_values import number_text
from apiql.runtime.outcome import Done, Failed, LeftOut, NotAsked, Outcome, Skipped
from apiql.runtime.reading import json_of, read_value, unreadable
from apiql.runtime.row_list import NotRows
from apiql.runtime.run import Run
from apiql.runtime.single import Result
from apiql.runtime.step import Step
from apiql.sources.call import Call, Headers, Reply


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows that one call brought, and how it was answered."""

    rows: Sequence[bytes]
    status: int | None
    headers: Headers
    warnings: tuple[Failure, ...] = ()


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
            results += _matched(step, batch.key, group, chunk, run)
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


def _rows_at(body: bytes, path: tuple[str, ...]) -> list[bytes]:
    """The rows in a body: the elements of a list; an object is one, null none.

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
        return [bytes(row) for row in as_elements(body)]
    if first == b"{":
        return [bytes(as_whole(body))]
    if as_value(body) is None:
        return []
    raise Undecodable("a batch wants a list of rows")


def as_whole(body: bytes) -> bytes:
    """A body that is checked to be one JSON object."""
    as_members(body)
    return body


# -- with a key ---------------------------------------------------------------------------------


def _matched(
    step: Step, key: tuple[str, ...], group: Sequence[Any], chunk: Chunk, run: Run
) -> list[Result]:
    """Each element with its row; what has none is null."""
    read = compile_reader(((key, False),))
    rows: dict[str, list[bytes]] = {}
    for row in chunk.rows:
        found = _key(read(row)[0])
        if found is not None:
            rows.setdefault(found, []).append(row)
    return [_result(step, element, rows, chunk, run) for element in group]


def _result(
    step: Step, element: Any, rows: dict[str, list[bytes]], chunk: Chunk, run: Run
) -> Result:
    found = rows.get(_key(element) or "", [b"null"])
    if len(found) > 1:
        message = f"answered {len(found)} rows with the key {_key(element)}, where one is wanted"
        failure = Failure(Code.BAD_PAYLOAD, message, upstream={"service": step.service})
        return Failed(failure, chunk.status, chunk.headers)
    return _read(step, found[0], chunk, run)


def _read(step: Step, body: bytes, chunk: Chunk, run: Run) -> Done | Failed:
    try:
        reads, shaped = read_value(step, body, run.scope)
    except (Undecodable, NotRows) as error:
        failure = Failure(Code.BAD_PAYLOAD, f"answered with unusable rows: {error}",
                          upstream={"service": step.service})  # fmt: skip
        return Failed(failure, chunk.status, chunk.headers)
    except ValueRefused as refused:
        message = f"could not be read: {refused.message}"
        return Failed(Failure(Code.BAD_VALUE, message, hint=refused.hint), chunk.status)
    return Done(chunk.status, chunk.headers, reads, shaped, chunk.warnings)


def _key(value: Any) -> str | None:
    """What makes elements and rows equal: texts, and numbers as their text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return number_text(value if isinstance(value, int) else value.normalize())


# -- without a key ------------------------------------------------------------------------------


def _one_list(
    step: Step, cells: Cells, chunks: Sequence[Chunk | Failed | Skipped | LeftOut], run: Run
) -> Outcome:
    """The rows of all calls as one result."""
    if cells.nest is None:
        return _read(step, b"null", Chunk((), None, ()), run)
    failed = [chunk for chunk in chunks if isinstance(chunk, Failed | Skipped)]
    if failed and len(failed) == len(chunks):
        return failed[0]
    good = [chunk for chunk in chunks if isinstance(chunk, Chunk)]
    rows = [row for chunk in good for row in chunk.rows]
    first = good[0] if good else Chunk((), None, ())
    done = _read(step, b"[" + b",".join(rows) + b"]", first, run)
    if isinstance(done, Done):
        lost = list(told(cells.nest, [()] * len(cells.elements)))
        warnings = [warning for chunk in good for warning in chunk.warnings]
        done.failures = (*lost, *(chunk.failure for chunk in failed), *warnings)
    return done

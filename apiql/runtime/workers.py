"""A few workers that take items in turn: the calls of a fan-out, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


async def in_turn(
    items: Sequence[Item], width: int, work: Callable[[Item], Awaitable[Found]]
) -> list[Found]:
    """What the work finds for each item, at most `width` of them at a time. When the caller is
    cancelled, so is all work.
    """
    results: list[Any] = [None] * len(items)
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for number, item in waiting:
            results[number] = await work(item)

    workers = min(len(items), width)
    if workers == 1:
        await worker()
    elif workers:
        await _side_by_side(worker, workers)
    return results


async def _side_by_side(worker: Callable[[], Coroutine[Any, Any, None]], count: int) -> None:
    """So many workers to their end. The last one wakes who waits for all: a TaskGroup would be
    told of each, which costs a call more than its task does.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    left = count

    async def counted() -> None:
        nonlocal left
        try:
            await worker()
        finally:
            left -= 1
            if not left and not over.done():
                over.set_result(None)

    tasks = [loop.create_task(counted()) for _ in range(count)]
    try:
        await over
        for task in tasks:
            await task
    finally:
        await outlived_by_none(tasks)


async def outlived_by_none(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Where their owner was cancelled (or a bug broke it): no task outlives it. A TaskGroup would
    do the same and cost a query more.
    """
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)

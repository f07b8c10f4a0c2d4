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
    workers = min(len(items), width)
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def worker() -> None:
        nonlocal workers
        try:
            for number, item in waiting:
                results[number] = await work(item)
        finally:
            workers -= 1
            if not workers and not over.done():
                over.set_result(None)

    if workers == 1:
        await worker()
    elif workers:
        await _side_by_side([worker() for _ in range(workers)], over)
    return results


async def _side_by_side(
    workers: Sequence[Coroutine[Any, Any, None]], over: asyncio.Future[None]
) -> None:
    """All workers to their end, of which the last one tells `over`: a TaskGroup would be told of
    each, which costs a call more than its task does.
    """
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(worker) for worker in workers]
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

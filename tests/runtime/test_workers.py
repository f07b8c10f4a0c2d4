"""Workers that take items in turn, and the places of a query's calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from apiql.runtime.slots import Slots
from apiql.runtime.workers import in_turn


@dataclass
class Desk:
    """Work that waits until it is let go; it notes what is under way."""

    running: set[int] = field(default_factory=set)
    begun: list[int] = field(default_factory=list)
    most: int = 0
    gates: dict[int, asyncio.Event] = field(default_factory=dict)

    async def work(self, item: int) -> int:
        self.begun.append(item)
        self.running.add(item)
        self.most = max(self.most, len(self.running))
        try:
            await self.gates.setdefault(item, asyncio.Event()).wait()
        finally:
            self.running.remove(item)
        return item * 10

    def let_go(self, item: int) -> None:
        self.gates.setdefault(item, asyncio.Event()).set()


async def turns(count: int = 5) -> None:
    """As many turns of the loop as anything here takes."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("width", [1, 2, 3, 9])
async def test_results_stand_in_the_order_of_the_items(width: int) -> None:
    desk = Desk()
    for item in range(5):
        desk.let_go(item)
    assert await in_turn(range(5), width, desk.work) == [0, 10, 20, 30, 40]
    assert desk.most <= width


async def test_nothing_to_do() -> None:
    assert await in_turn([], 3, Desk().work) == []


async def test_who_is_done_takes_the_next() -> None:
    desk = Desk()
    whole = asyncio.ensure_future(in_turn(range(4), 2, desk.work))
    await turns()
    assert desk.begun == [0, 1]
    desk.let_go(1)
    await turns()
    assert desk.begun == [0, 1, 2]
    for item in (3, 2, 0):
        desk.let_go(item)
    assert await whole == [0, 10, 20, 30]
    assert desk.most == 2


@pytest.mark.parametrize("width", [1, 3])
async def test_who_is_cancelled_takes_all_work_along(width: int) -> None:
    desk = Desk()
    whole = asyncio.ensure_future(in_turn(range(4), width, desk.work))
    await turns()
    assert len(desk.running) == width
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert not desk.running


async def test_a_bug_comes_through() -> None:
    async def work(item: int) -> int:
        await asyncio.sleep(0)
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        await in_turn([1, 0, 1], 2, work)


# -- places -------------------------------------------------------------------------------------


async def holding(slots: Slots, name: str, seen: list[str], gate: asyncio.Event) -> None:
    async with slots:
        seen.append(name)
        await gate.wait()


async def test_who_asked_first_goes_first() -> None:
    slots, seen, gate = Slots(1), list[str](), asyncio.Event()
    tasks = [asyncio.ensure_future(holding(slots, name, seen, gate)) for name in "abc"]
    await turns()
    assert seen == ["a"]
    gate.set()
    await asyncio.gather(*tasks)
    assert seen == ["a", "b", "c"]


async def test_a_place_that_is_handed_on_is_not_free() -> None:
    slots = Slots(1)
    await slots.acquire()
    next_one = asyncio.ensure_future(slots.acquire())
    await turns()
    slots.release()
    late = asyncio.ensure_future(slots.acquire())
    await turns()
    assert next_one.done()
    assert not late.done()
    slots.release()
    await late


async def test_who_gives_up_while_waiting_leaves_no_gap() -> None:
    slots = Slots(1)
    await slots.acquire()
    gone, stays = (asyncio.ensure_future(slots.acquire()) for _ in range(2))
    await turns()
    gone.cancel()
    await turns()
    slots.release()
    await stays
    assert gone.cancelled()


async def test_a_place_given_to_who_gives_up_goes_on() -> None:
    slots = Slots(1)
    await slots.acquire()
    gone, stays = (asyncio.ensure_future(slots.acquire()) for _ in range(2))
    await turns()
    slots.release()  # to the first, which is cancelled before it runs again
    gone.cancel()
    await stays
    assert gone.cancelled()
    slots.release()
    await slots.acquire()

"""The way to a store that fails and comes back, in virtual time, without one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiql.events import Notice, StoreMoved
from apiql.settings import Store as Settings
from apiql.stores.failed import StoreFailed, WrongKind
from apiql.stores.lanes import Lanes as RealLanes
from apiql.stores.lanes import connections
from apiql.stores.lasting import LastingOnce
from apiql.stores.once import MemoryOnce
from apiql.stores.reach import FAILURES, MOST_LATER, PAUSE, WINDOW, Reach
from tests.virtual import virtually


class Lanes:
    """Stands for connections: `fault` is what each command meets."""

    def __init__(self) -> None:
        self.fault: StoreFailed | None = None
        self.asked: list[tuple[Any, ...]] = []
        self.given_up: list[StoreFailed] = []

    async def ask(self, *command: Any) -> Any:
        self.asked.append(command)
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return b"OK"

    def give_up(self, why: StoreFailed) -> None:
        self.given_up.append(why)

    async def aclose(self) -> None:
        """Nothing is open."""


class Store:
    """A way to a store, and what was told of it."""

    def __init__(self) -> None:
        self.lanes, self.told = Lanes(), list[Notice]()
        self.reach = Reach(self.lanes, "p", self.told.append)  # type: ignore[arg-type]

    async def fail(self, times: int, pause: float = 0.0) -> None:
        self.lanes.fault = StoreFailed("it cannot be reached")
        for _ in range(times):
            with pytest.raises(StoreFailed):
                await self.reach.ask(b"GET", b"k")
            await asyncio.sleep(pause)


@virtually
async def test_failures_that_are_far_apart_close_nothing() -> None:
    store = Store()
    await store.fail(FAILURES * 3, pause=WINDOW / (FAILURES - 2))
    assert store.reach.reachable
    assert store.reach.failures == FAILURES * 3
    assert not store.told
    assert not store.lanes.given_up
    await store.fail(FAILURES)
    assert len(store.told) == len(store.lanes.given_up) == 1
    await store.reach.aclose()


@virtually
async def test_a_key_of_another_kind_is_no_failure() -> None:
    store = Store()
    store.lanes.fault = WrongKind("something else is stored there")
    for _ in range(FAILURES * 2):
        with pytest.raises(WrongKind):
            await store.reach.ask(b"GET", b"k")
    assert store.reach.reachable
    assert store.reach.failures == 0


@virtually
async def test_it_is_used_again_once_all_is_forgotten_that_was_to_be() -> None:
    store, gone = Store(), list[str]()
    await store.fail(FAILURES)

    async def forget(what: str) -> None:
        await store.lanes.ask(b"UNLINK", what)
        gone.append(what)

    async def again() -> None:
        """While it is forgotten, the same is to be forgotten once more."""
        if len(gone) < 2:
            store.reach.later("a", lambda: forget("a, later"))
        await forget("a")

    store.reach.later("a", lambda: forget("never"))
    store.reach.later("b", lambda: forget("b"))
    store.reach.later("a", again)
    await asyncio.sleep(PAUSE * 3)
    assert (gone, store.reach.reachable) == ([], False), "it is still away"
    store.lanes.fault = None
    await asyncio.sleep(PAUSE * 2)
    assert gone == ["b", "a", "a, later"]
    assert store.reach.reachable
    assert [each.reachable for each in store.told if isinstance(each, StoreMoved)] == [False, True]
    await store.reach.aclose()


@virtually
async def test_what_is_to_be_forgotten_is_bounded() -> None:
    store, gone = Store(), list[int]()
    await store.fail(FAILURES)

    async def forget(number: int) -> None:
        gone.append(number)

    for number in range(MOST_LATER + 3):
        store.reach.later(number, lambda number=number: forget(number))  # type: ignore[misc]
    store.lanes.fault = None
    await asyncio.sleep(PAUSE * 2)
    assert gone == [*range(3, MOST_LATER + 3)]
    await store.reach.aclose()


@virtually
async def test_nothing_is_asked_of_a_store_that_is_closed() -> None:
    store = Store()
    await store.reach.aclose()
    with pytest.raises(StoreFailed, match="closed"):
        await store.reach.ask(b"GET", b"k")
    assert not store.lanes.asked


@virtually
async def test_what_came_to_this_process_came_whatever_others_say() -> None:
    class Forgetful:
        """A shared store that was emptied."""

        async def first(self, key: bytes, seconds: float) -> bool:
            return True

    reach = Store().reach
    own = MemoryOnce(asyncio.get_running_loop().time)
    once = LastingOnce(Forgetful(), reach, own)  # type: ignore[arg-type]
    assert await once.first(b"k", 60.0)
    assert await once.first(b"k", 60.0) is False


async def test_a_command_is_sent_at_most_twice() -> None:
    """A server that ends each connection once it has read something."""
    read: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        lanes = RealLanes(connections(Settings(url=f"redis://127.0.0.1:{port}/0")), 5.0)
        with pytest.raises(StoreFailed, match="the connection broke"):
            await lanes.ask(b"GET", b"k")
        await lanes.aclose()
    assert [each for each in read if each] == [b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"] * 2

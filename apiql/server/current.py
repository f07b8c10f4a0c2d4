"""What is in force: one object that the routes ask at each request, swapped in one assignment.

Requests under way end on what they began with. Its connections are closed behind the last of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from apiql.access.rights import OPEN, Rights
from apiql.engine import Engine
from apiql.events import Figures, Told
from apiql.opened import OpenEngine
from apiql.rights_files import rights_of
from apiql.server.around import Around
from apiql.server.bucket import Bucket
from apiql.server.choosing import NoSuchRoute, Said, chosen, said_by
from apiql.server.gateways import Gateways, gateways_of
from apiql.server.guards import guards_of
from apiql.server.visit import Guard, Visit
from apiql.settings import Settings

PATIENCE = 60.0
"""Seconds that the last request on an engine may take beyond the time of its query: its body is
awaited before, a slow reader is waited for behind. No upstream is called any more by then."""

Close = Callable[[], Awaitable[None]]
Purge = Callable[[str], Awaitable[int]]


async def close_nothing() -> None:
    """Where nothing is open."""


async def purge_nothing(tag: str) -> int:
    """Where nothing is kept."""
    return 0


def begin_nothing() -> None:
    """Where nothing goes on by itself."""


class Held:
    """An engine in use: with the way to its upstreams, and a count of the requests on it. Who has
    counted one down calls `left`, where there is such a thing.

    The main one holds those of its `buckets`, by name, which begin and end with it; `said` is how
    requests name them (None: there are none). `own` is what a bucket has beyond this engine,
    `gateways` what the endpoints of configurations use, where there are any.
    """

    __slots__ = (
        "_close", "begin", "buckets", "buckets_have_endpoints", "engine", "figures", "gateways",
        "guards", "left", "own", "purge", "requests", "rights", "said",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        close: Close,
        figures: tuple[Figures, ...] = (),
        purge: Purge = purge_nothing,
        begin: Callable[[], None] = begin_nothing,
        guards: tuple[Guard, ...] = (),
        rights: Rights = OPEN,
        own: Bucket | None = None,
        buckets: Mapping[str, Held] = {},
        said: Said | None = None,
    ) -> None:
        self.begin = begin
        self.gateways: Gateways | None = None
        self.buckets = buckets
        self.buckets_have_endpoints = any(each.gateways for each in buckets.values())
        self.own, self.said = own, said
        self.engine, self.figures, self.guards = engine, figures, guards
        self.purge = purge
        self.requests = 0
        self.rights = rights
        self._close = close
        self.left: Callable[[], None] | None = None

    @property
    def settings(self) -> Settings:
        """Those of the engine."""
        return self.engine.settings

    @property
    def has_endpoints(self) -> bool:
        """Whether there are gateway endpoints, in a bucket at least."""
        return self.gateways is not None or self.buckets_have_endpoints

    def bucket(self, name: str) -> Held | None:
        """What is in force in a bucket; the main one has no name."""
        return self.buckets.get(name) if name else self

    def chosen(self, visit: Visit) -> Held:
        """What answers a request that has passed the guards.

        Raises:
            NoSuchRoute: there is no such bucket, or it is not the caller's.
        """
        visit.bucket = chosen(visit, self.said)
        found = self.bucket(visit.bucket)
        if found is None:
            visit.bucket = ""
            raise NoSuchRoute
        return found

    async def end(self) -> None:
        """Closes the connections once no request is on it any more."""
        if self.requests:
            over = asyncio.Event()
            self.left = lambda: None if self.requests else over.set()
            all_of_it = (self, *self.buckets.values())
            longest = max(held.settings.limits.query_timeout for held in all_of_it) + PATIENCE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(longest):
                    await over.wait()
        await self.close()

    async def close(self) -> None:
        """Closes the connections at once."""
        if self.gateways is not None:
            await self.gateways.aclose()
        await self._close()


def held_of(
    opened: OpenEngine,
    tell: Told | None = None,
    key_sets: MutableMapping[str, Any] | None = None,
    rights: Rights | None = None,
    buckets: Mapping[str, Held] = {},
) -> Held:
    """An opened engine, in use behind the guards of its settings, with those of its buckets; the
    key sets are those of the one whose place it takes. Without rights, under those of its settings.
    """
    stack, settings = opened.stack, opened.engine.settings
    known = {} if key_sets is None else key_sets
    around = Around(stack.layer, opened.stores, time.time, tell, known)

    async def close() -> None:
        for each in buckets.values():
            await each.close()
        await opened.aclose()

    def begin() -> None:
        stack.begin()
        for held in buckets.values():
            held.begin()

    return with_gateways(Held(
        opened.engine, close, opened.figures, stack.purge, begin, guards_of(settings, around),
        rights or rights_of(settings), buckets=buckets, said=said_by(settings, buckets),
    ), gateways_of(opened.engine, opened.stores, tell))  # fmt: skip


def held_within(
    bucket: Bucket, opened: OpenEngine, rights: Rights, tell: Told | None = None
) -> Held:
    """What is in force in a bucket: its guards are the main ones, before it is known."""

    def begin() -> None:
        bucket.settle(opened.engine.settings)
        opened.stack.begin()

    stack, figures = opened.stack, (*opened.figures, bucket.figures)
    held = Held(
        opened.engine, opened.aclose, figures, stack.purge, begin, rights=rights, own=bucket
    )
    return with_gateways(held, gateways_of(opened.engine, bucket.stores, tell, bucket.name))


def with_gateways(held: Held, gateways: Gateways | None) -> Held:
    """The same with what endpoints use, whose answers are purged with all others."""
    if gateways is None:
        return held
    purge, held.gateways = held.purge, gateways

    async def both(tag: str) -> int:
        return await purge(tag) + await gateways.purge(tag)

    held.purge = both
    return held


class Current:
    """What new requests get (`held`), and what older ones still have. `close` ends what all of
    them use: the stores.
    """

    def __init__(self, first: Held, close: Close = close_nothing) -> None:
        self.held = first
        self.minded: list[Callable[[Settings], None]] = []
        """What has settings of its own to mind: told at each swap."""
        self._close = close
        self._ending: dict[Held, asyncio.Task[None]] = {}

    @property
    def engine(self) -> Engine:
        """The engine of new requests."""
        return self.held.engine

    def begin(self) -> None:
        """Starts what goes on without requests; to be called within the loop."""
        self.held.begin()

    def swap(self, new: Held) -> None:
        """Puts another in force."""
        old, self.held = self.held, new
        new.begin()
        for mind in self.minded:
            mind(new.settings)
        task = asyncio.get_running_loop().create_task(old.end())
        self._ending[old] = task
        task.add_done_callback(lambda _: self._ending.pop(old, None))

    @property
    def requests(self) -> int:
        """The requests under way."""
        return self.held.requests + sum(old.requests for old in self._ending)

    @property
    def retired(self) -> int:
        """Engines that are not in force, but still have requests."""
        return len(self._ending)

    async def aclose(self) -> None:
        """Closes all connections; the last request is over."""
        ending = dict(self._ending)
        for task in ending.values():
            task.cancel()
        await asyncio.gather(*ending.values(), return_exceptions=True)
        for held in (*ending, self.held):
            await held.close()
        await self._close()

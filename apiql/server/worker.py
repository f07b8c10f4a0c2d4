"""A worker process: what `apiql serve` runs, all of it put together from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from apiql.engine import Engine
from apiql.errors import ApiqlError
from apiql.events import Figure, Told
from apiql.opened import OpenEngine
from apiql.server.admin import Admin
from apiql.server.admin_listener import admin_served, bound, hosts_of
from apiql.server.app import App, Beside, app_around
from apiql.server.bucket import AllBuckets, Bucket
from apiql.server.configuration import Configuration, Place, read_configuration
from apiql.server.counts import Counts, figures_in_force
from apiql.server.current import Current, Held, held_of
from apiql.server.exposition import process_figures
from apiql.server.notices import NoticeLog
from apiql.server.reload import Reloader
from apiql.sources.circuits import Circuits
from apiql.sources.stack import build_stack
from apiql.stores.open import open_stores
from apiql.stores.store import Stores

CONF, DEV = "APIQL_CONF_DIR", "APIQL_DEV_MODE"
"""How `apiql serve` tells its workers what to load."""

log = logging.getLogger("apiql")


def worker_app() -> App:
    """The app of a worker process: what to load is in its environment."""
    named = os.environ.get(CONF)
    place = Place(Path(named) if named else None, os.environ, bool(os.environ.get(DEV)))
    try:
        app, _ = worker(place, NoticeLog())
    except ApiqlError as error:  # in a process of its own nobody else tells it
        raise SystemExit(str(error)) from None
    return app


def worker(place: Place, tell: Told, stores: Stores | None = None) -> tuple[App, Reloader]:
    """The app of a place, and what keeps it up with that; without stores, with its settings' own.

    Raises:
        SettingsError: the settings are wrong.
        StoredRefused: the stored queries are.
        NoPort: there is none for the admin listener.
    """
    first = read_configuration(place)
    listener = bound(first.settings)
    stores = stores or open_stores(first.settings.store, tell)
    opened = OpenEngine.from_settings(first.settings, first.queries, tell, stores)
    buckets, inside = _opened_inside(first, stores, tell)
    current, counts = Current(held_of(opened, tell, inside), stores.aclose), Counts()
    current.minded.append(lambda _: buckets.keep(current.held.buckets))
    circuits = opened.stack.circuits
    make = partial(opened_beside, stores=stores, tell=tell, circuits=circuits, buckets=buckets)
    reloader = Reloader(place, first, current, make, tell, time.time)
    started = time.time()

    def figures() -> Iterator[Figure]:
        yield from process_figures(started)
        yield from counts.figures()
        yield from app.door.figures()
        yield from figures_in_force(current, reloader.state)

    beside: list[Beside] = [reloader.watching, partial(hanging_up, reloader.now)]
    if listener is not None:
        admin = Admin(hosts_of(listener), current, reloader, figures)
        beside.append(partial(admin_served, listener, admin, log.info))
    app = app_around(current, stores, reloader.state, counts, beside)
    return app, reloader


def _opened_inside(
    first: Configuration, stores: Stores, tell: Told
) -> tuple[AllBuckets, dict[Bucket, OpenEngine]]:
    """The buckets and their engines, before anything is served."""
    buckets = AllBuckets(stores)
    inside = {buckets.of(name, each.settings): each for name, each in first.buckets.items()}
    return buckets, {
        own: OpenEngine.from_settings(each.settings, each.queries, tell, own.stores, own.circuits)
        for own, each in inside.items()
    }


async def opened_beside(
    found: Configuration, stores: Stores, tell: Told, circuits: Circuits,
    buckets: AllBuckets | None = None,
) -> Held:  # fmt: skip
    """Engines beside those in force, of all buckets or none: the main one, and each of theirs."""
    buckets = buckets or AllBuckets(stores)
    inside: dict[Bucket, OpenEngine] = {}
    async with AsyncExitStack() as undone:
        main = await _beside(found, stores, tell, circuits)
        undone.push_async_callback(main.aclose)
        for name, each in found.buckets.items():
            own = buckets.of(name, each.settings)
            inside[own] = await _beside(each, own.stores, tell, own.circuits)
            undone.push_async_callback(inside[own].aclose)
        undone.pop_all()
    return held_of(main, tell, inside)


async def _beside(
    found: Configuration, stores: Stores, tell: Told, circuits: Circuits
) -> OpenEngine:
    """One of them. Its queries are compiled in a thread; the way to its upstreams belongs to the
    loop.
    """
    stack = build_stack(found.settings, stores, told=tell, circuits=circuits)
    engine: Engine | None = None
    try:
        engine = await asyncio.to_thread(
            Engine, found.settings, stack.layer, found.queries, told=tell
        )
    finally:
        if engine is None:
            await stack.aclose()
    return OpenEngine(engine, stack, stores, owned=False)


@asynccontextmanager
async def hanging_up(heard: Callable[[], None]) -> AsyncIterator[None]:
    """Hears SIGHUP for as long as the block lasts, where there is such a signal."""
    loop, number = asyncio.get_running_loop(), getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)

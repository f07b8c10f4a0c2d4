"""A worker process: what `apiql serve` runs, all of it put together from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from apiql.errors import ApiqlError
from apiql.events import DefinitionsBroken, Family, FolderMissing, Told
from apiql.legacy_folders import missing_folders
from apiql.query_files import FilesRefused
from apiql.server.admin import Admin
from apiql.server.admin_listener import admin_served, bound, hosts_of, is_local
from apiql.server.app import App, Beside, app_around
from apiql.server.configuration import Configuration, Place, read_configuration, told
from apiql.server.counts import Counts, figures_in_force
from apiql.server.current import Current
from apiql.server.door import Door
from apiql.server.exposition import process_figures
from apiql.server.fetching import Fetching
from apiql.server.interventions import Interventions
from apiql.server.line_writer import Out, to_file
from apiql.server.making import Making
from apiql.server.measured import Measured
from apiql.server.notices import NoticeLog
from apiql.server.reload import Reloader
from apiql.server.tracing import Export
from apiql.server.watching import Watching, form_for
from apiql.settings import Settings, Telemetry
from apiql.stores.open import open_stores
from apiql.stores.store import Stores

CONF, DEV, KEEP_GOING = "APIQL_CONF_DIR", "APIQL_DEV_MODE", "APIQL_KEEP_GOING"
"""How `apiql serve` tells its workers what to load."""
OUT = 1
"""Standard output."""

log = logging.getLogger("apiql")


def worker_app() -> App:
    """The app of a worker process: what to load is in its environment."""
    named = os.environ.get(CONF)
    dev, keep_going = bool(os.environ.get(DEV)), bool(os.environ.get(KEEP_GOING))
    place = Place(Path(named) if named else None, os.environ, dev, keep_going)
    try:
        app, _ = worker(place, NoticeLog())
    except ApiqlError as error:  # in a process of its own nobody else tells it
        raise SystemExit(str(error)) from None
    return app


def worker(
    place: Place, tell: Told, stores: Stores | None = None, out: Out | None = None
) -> tuple[App, Reloader]:
    """The app of a place, kept up with it, and what keeps it so; without stores, with those of
    its settings. `out` takes the lines of requests, which else go to standard output.

    Raises:
        SettingsError: the settings are wrong.
        StoredRefused: the stored queries are.
        RightsRefused: the rights are.
        NoPort: there is none for the admin listener.
    """
    first = read_configuration(place)
    listener = bound(first.settings)
    stores = stores or open_stores(first.settings.store, tell, first.settings.secrets.of_keys)
    measured = None if listener is None else Measured(first.settings)
    making = Making(stores, tell) if measured is None else Making(
        stores, tell, measured.made, count=measured.count)  # fmt: skip
    current, counts = Current(making.first(first), stores.aclose), Counts()
    current.minded.append(lambda _: making.buckets.keep(current.held.buckets))
    reloader = _kept_up(place, first, current, making, tell)
    beside: list[Beside] = [reloader.watching, partial(hanging_up, reloader.now)]
    export = collecting(first.settings.telemetry, beside)
    form = form_for(first.settings.log, OUT)
    watching = Watching(current, measured, out or to_file(OUT), form, export)
    beside.insert(0, watching.beside)
    app = app_around(current, stores, reloader.state, counts, beside, watching.watchers)
    if listener is not None:
        figures = partial(_figures, counts, app.door, current, reloader, watching, time.time())
        steps = Interventions(making.circuits, watching.level, watching.under_way)
        app.admin = f"http://{min(hosts_of(listener))}"
        admin = Admin(hosts_of(listener), current, reloader, figures, steps, is_local(listener))
        beside.append(partial(admin_served, listener, admin, log.info))
    return app, reloader


def _kept_up(
    place: Place, first: Configuration, current: Current, making: Making, tell: Told
) -> Reloader:
    """What keeps it so, and tells of what is named and not there, or there and broken."""
    current.minded.append(telling_missing(tell, first.settings))
    mind_broken = telling_broken(tell, current, place)
    mind_broken(first.settings)
    current.minded.append(mind_broken)
    fetching = Fetching(place, tell)
    return Reloader(place, first, current, making.beside, tell, time.time, fetching)


def telling_missing(tell: Told, first: Settings) -> Callable[[Settings], None]:
    """What tells of folders of definitions that settings name and that are not there; of the first
    ones at once.
    """

    def mind(settings: Settings) -> None:
        for setting, folder in missing_folders(settings):
            tell(FolderMissing(setting, str(folder)))

    mind(first)
    return mind


def telling_broken(tell: Told, current: Current, place: Place) -> Callable[[Settings], None]:
    """What tells of definitions that are left out of what is in force, those of buckets too."""

    def mind(_: Settings) -> None:
        for bucket, held in (("", current.held), *current.held.buckets.items()):
            left_out = held.engine.definitions.left_out
            if left_out:
                tell(DefinitionsBroken(told(FilesRefused(left_out), place), bucket))

    return mind


def collecting(telemetry: Telemetry, beside: list[Beside]) -> Export | None:
    """What takes the spans of traces, if they are sent anywhere; it runs beside."""
    if telemetry.traces is None:
        return None
    from apiql.server.otlp import Collector  # an extra: only who sets a collector has it

    collector = Collector(telemetry.traces, telemetry.service)
    beside.append(collector.running)
    return collector.export


def _figures(
    counts: Counts, door: Door, current: Current, reloader: Reloader, watching: Watching,
    started: float,
) -> Iterator[Family]:  # fmt: skip
    """Everything that is exposed."""
    yield from process_figures(started)
    yield from counts.figures()
    yield from door.figures()
    yield from figures_in_force(current, reloader.state)
    yield from watching.families()


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

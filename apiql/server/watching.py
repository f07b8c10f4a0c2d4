"""Everything that watches the requests of a process, put together: what is not asked for is not on
their way.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from apiql.events import Family
from apiql.figure_names import joined
from apiql.server.access_lines import line_as
from apiql.server.access_log import AccessLog
from apiql.server.current import Current
from apiql.server.fingerprints import Fingerprints
from apiql.server.line_writer import LineWriter, Out
from apiql.server.log_level import Apply, LogLevel, apply_level
from apiql.server.measured import Measured
from apiql.server.slow_log import SlowLog
from apiql.server.tracing import Export, Tracing
from apiql.server.under_way import UnderWay
from apiql.server.visit import Watcher, Watchers
from apiql.settings import Log, Settings


class Watching:
    """What watches: `watchers` are what routes tell, changed in place when other settings are in
    force. Without `measured`, nobody asks for figures; `export` takes
    the spans of traces.
    """

    def __init__(
        self, current: Current, measured: Measured | None, out: Out, form: str,
        export: Export | None = None, apply: Apply = apply_level,
    ) -> None:  # fmt: skip
        settings = current.held.settings
        fingerprint = Fingerprints(lambda text: current.engine.fingerprint(text))
        self.watchers = Watchers()
        self.level = LogLevel(settings, self._turned)
        self.under_way = UnderWay(fingerprint)
        self.measured = measured
        self._current, self._apply = current, apply
        self._lines = LineWriter(out, line_as(form))
        self._name_figures(settings)
        self._access = AccessLog(settings, self._lines, fingerprint)
        self._slow = SlowLog(settings, fingerprint)
        self._tracing = Tracing(lambda: current.held.settings.telemetry, export)
        current.minded.append(self.settle)
        self._choose(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        self.level.settle(settings)
        self._access.settle(settings)
        self._slow.settle(settings)
        self._name_figures(settings)
        self._choose(settings)

    def families(self) -> Iterator[Family]:
        """What was measured, and what was not told."""
        if self.measured is not None:
            yield from self.measured.families()
        yield from self._access.figures()

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Writes what is left at the end."""
        try:
            yield
        finally:
            self.level.end()
            self._lines.close()

    def _name_figures(self, settings: Settings) -> None:
        """Figures go by the names of what is in force, in all buckets."""
        if self.measured is not None:
            every = (self._current.held, *self._current.held.buckets.values())
            names = joined(held.engine.definitions.figure_names for held in every)
            self.measured.settle(settings, names)

    def _turned(self, level: str) -> None:
        self._apply(level)
        self._choose(self._current.held.settings)

    def _choose(self, settings: Settings) -> None:
        """Those that have something to do by these settings."""
        self._slow.debugging = self.level.now == "debug"
        found: list[Watcher] = [self._tracing]
        if self.measured is not None:
            found += [self.measured, self.under_way]
        if settings.log.access is not False:
            found.append(self._access)
        if self._slow.wants_events:
            found.append(self._slow)
        self.watchers.settle(found)


def form_for(log: Log, stream: int) -> str:
    """The form of lines on an open file: `auto` is text on a terminal."""
    if log.format != "auto":
        return log.format
    return "text" if os.isatty(stream) else "json"

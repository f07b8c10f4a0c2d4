"""Fetches the archive of definitions for a process, and tells once what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from apiql.errors import ApiqlError
from apiql.events import ArchiveMoved, Told
from apiql.remote.fetched import RemoteRefused, fetch
from apiql.server.configuration import Place
from apiql.settings import Settings, load_settings
from apiql.sources.transports import NETWORK, Network


class Fetching:
    """Fetches whenever it is asked. What goes wrong is told when it begins, not each time."""

    def __init__(
        self, place: Place, tell: Told, clock: Callable[[], float] = time.monotonic,
        network: Network = NETWORK,
    ) -> None:  # fmt: skip
        self._place, self._tell = place, tell
        self._clock, self._network = clock, network
        self._last = clock()
        self._wrong: str | None = None

    def is_due(self, settings: Settings) -> bool:
        """Whether it is time to look by itself."""
        every = settings.remote.every
        return every is not None and self._clock() - self._last >= every

    async def __call__(self) -> None:
        """Fetches what the settings name as they stand now."""
        self._last = self._clock()
        try:
            settings = await asyncio.to_thread(load_settings, self._place.conf, self._place.environ)
        except ApiqlError:  # whoever loads them next tells of that
            return
        await self.by(settings)

    async def by(self, settings: Settings) -> None:
        """Fetches what these settings name."""
        try:
            found = await fetch(settings, self._place.conf, self._network)
        except RemoteRefused as refused:
            if self._wrong != refused.why:
                self._tell(ArchiveMoved(refused.url, False, refused.why))
            self._wrong = refused.why
            return
        wrong, self._wrong = self._wrong, None
        if found is not None and (found.changed or wrong is not None):
            why = f"{found.files} files, {found.revision}, in {found.folder}"
            self._tell(ArchiveMoved(found.url, True, why))

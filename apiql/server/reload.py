"""Keeps what is in force up with the conf folder: a new engine beside the old one, checked as a
whole, then swapped. What cannot be used changes nothing, and is told.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum

from apiql.errors import ApiqlError
from apiql.events import ConfLoaded, ConfRefused, Told
from apiql.server.conf_folder import Look
from apiql.server.configuration import (
    Configuration,
    Place,
    has_file,
    look,
    read_configuration,
    restart_needed,
    told,
)
from apiql.server.current import Current, Held
from apiql.server.fetching import Fetching

PAUSE = 1.0
"""Seconds between two looks; what is the same in two of them has settled."""
TURN = 0.0005
"""Seconds that a thread may compute before others have their turn, while one loads."""

log = logging.getLogger("apiql")
Make = Callable[[Configuration], Awaitable[Held]]
"""Makes an engine with its connections, without holding up the loop."""


class Outcome(StrEnum):
    """How a reload has ended."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the conf folder is not in force as it is; since when, in seconds of the wall clock."""

    at: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and an engine that runs on it."""

    configuration: Configuration
    held: Held


class State:
    """What is in force since when, and what became of later changes."""

    def __init__(self, revision: str, since: float) -> None:
        self.revision, self.since = revision, since
        self.refused: Refusal | None = None
        self.restart: tuple[str, ...] = ()
        self.loads = self.failures = 0


@contextmanager
def small_turns() -> Iterator[None]:
    """Lets a thread that computes give way sooner: a request that comes meanwhile would wait 5 ms
    each time it has something to do.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


class Reloader:
    """Watches a conf folder for one process. `make` builds an engine, which may take its time."""

    def __init__(
        self, place: Place, first: Configuration, current: Current, make: Make, tell: Told,
        wall: Callable[[], float], fetching: Fetching | None = None,
    ) -> None:  # fmt: skip
        self.state = State(first.revision, wall())
        self._place, self._current, self._make = place, current, make
        self._tell, self._wall, self._fetching = tell, wall, fetching
        self._begun = first.settings
        self._others, self._cold = first.others, first.cold
        self._file_needed = has_file(place)
        self._seen: Look | None = None
        self._taken: Look | None = None
        self._asked = asyncio.Event()
        self._one = asyncio.Lock()

    def now(self) -> None:
        """Asks for a reload at once; to be called on the loop."""
        self._asked.set()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watches for as long as the block lasts."""
        task = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(PAUSE):
                    await self._asked.wait()
            except TimeoutError:
                pass
            try:
                await self._turn()
            except Exception:  # out of threads, say: whatever it is, it looks again
                log.exception("the conf folder cannot be looked at")

    async def _turn(self) -> None:
        """What is to be done after a pause, or when somebody has asked."""
        if self._asked.is_set() or self._is_due():
            self._asked.clear()
            if await self.renew() is Outcome.UNSETTLED:
                asyncio.get_running_loop().call_later(PAUSE, self._asked.set)
        elif self._current.held.settings.server.reload:
            await self.look()

    def _is_due(self) -> bool:
        return self._fetching is not None and self._fetching.is_due(self._current.held.settings)

    async def renew(self) -> Outcome:
        """What somebody asks for: loads what there is, what is elsewhere too."""
        if self._fetching is not None:
            async with self._one:
                with small_turns():
                    await self._fetching()
        return await self.reload()

    async def look(self) -> Outcome | None:
        """One look; what differs from what was taken, and has settled, is loaded."""
        seen = await asyncio.to_thread(look, self._place, self._others)
        settled, self._seen = seen == self._seen, seen
        if not settled or self._warm(seen) == self._warm(self._taken):
            return None
        return await self.reload()

    def _warm(self, seen: Look | None) -> Look | None:
        """What is put in force as soon as it changes."""
        if seen is None or not self._cold:
            return seen
        return {path: state for path, state in seen.items() if path not in self._cold}

    async def reload(self) -> Outcome:
        """Loads what there is now. What changed while it was read is not put in force: half of it
        could be old.
        """
        async with self._one:
            others = self._others
            before = await asyncio.to_thread(look, self._place, others)
            found = await self._found()
            if await asyncio.to_thread(look, self._place, others) != before:
                if isinstance(found, Loaded):
                    await found.held.close()
                return Outcome.UNSETTLED
            if self._others != others:
                before = await asyncio.to_thread(look, self._place, self._others)
            self._taken = before
            if isinstance(found, Refusal):
                return self._refuse(found)
            return self._put_in_force(found)

    async def _found(self) -> Loaded | Refusal | None:
        """A new engine, or why there is none; None if what is in force is the very same."""
        try:
            with small_turns():
                found = await asyncio.to_thread(
                    read_configuration, self._place, file_needed=self._file_needed
                )
                self._others, self._cold = found.others, found.cold
                if found.revision == self.state.revision:
                    return None
                return Loaded(found, await self._make(found))
        except Exception as error:  # whatever is wrong with it, the last good one goes on
            if not isinstance(error, ApiqlError | OSError):
                log.exception("the new configuration cannot be used")
            return Refusal(self._wall(), told(error, self._place))

    def _refuse(self, refusal: Refusal) -> Outcome:
        state = self.state
        state.failures += 1
        known = state.refused
        if known is None or known.lines != refusal.lines:
            state.refused = refusal
            self._tell(ConfRefused(refusal.lines))
        return Outcome.REFUSED

    def _put_in_force(self, found: Loaded | None) -> Outcome:
        """Swaps the engine, unless it is the same as before: then only a failure is forgotten."""
        state = self.state
        recovered, state.refused = state.refused is not None, None
        if found is None:
            if recovered:
                self._tell(ConfLoaded(state.revision, state.restart))
            return Outcome.UNCHANGED
        self._current.swap(found.held)
        self._file_needed = has_file(self._place)
        state.revision, state.since = found.configuration.revision, self._wall()
        state.restart = restart_needed(self._begun, found.configuration.settings)
        state.loads += 1
        self._tell(ConfLoaded(state.revision, state.restart))
        return Outcome.LOADED

"""How much is told: the level of the settings, or another one for a while. Knows no line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from apiql.settings import Settings

LOGGERS = ("apiql", "uvicorn", "uvicorn.error", "asyncio")
"""Those that follow; the loop's own debugging is never turned on."""

Apply = Callable[[str], None]


def apply_level(level: str) -> None:
    """Lets the loggers of a server tell what is as grave as a level, or graver."""
    for name in LOGGERS:
        logging.getLogger(name).setLevel(level_of(name, level))


def level_of(logger: str, level: str) -> str:
    """The level of a logger: libraries say what is going on only as they always did."""
    if logger == "asyncio" and level in ("debug", "info"):
        return "WARNING"
    if logger.startswith("uvicorn") and level == "debug":
        return "INFO"
    return level.upper()


class LogLevel:
    """The level of a process."""

    def __init__(self, settings: Settings, apply: Apply = apply_level) -> None:
        self._usual: str = settings.log.level
        self.now: str = self._usual
        self._apply = apply
        self._timer: asyncio.TimerHandle | None = None

    def settle(self, settings: Settings) -> None:
        """Minds other settings, at once or when the other level's time is over."""
        self._usual = settings.log.level
        if self._timer is None:
            self._turn(self._usual)

    def turn(self, level: str, seconds: float) -> None:
        """Another level for so many seconds; to be called within the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._fall_back)
        self._turn(level)

    def end(self) -> None:
        """Falls back at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._fall_back()

    def _fall_back(self) -> None:
        self._timer = None
        self._turn(self._usual)

    def _turn(self, level: str) -> None:
        if level != self.now:
            self.now = level
            self._apply(level)

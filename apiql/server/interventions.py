"""What an operator sees of a process and changes in it by hand, until it ends: circuits, the level
of the log, the queries that run. Knows no HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apiql.errors import Code, RequestRefused
from apiql.server.log_level import LogLevel
from apiql.server.under_way import UnderWay
from apiql.settings import Duration
from apiql.sources.circuits import Circuits

LONGEST = 86400.0
"""Seconds for which the log may have another level."""


class LevelAsked(BaseModel):
    """Another level of the log, and for how long."""

    model_config = ConfigDict(extra="forbid", strict=True)

    level: Literal["debug", "info", "warning", "error"]
    seconds: Duration = Field(default=600.0, alias="for")


class CircuitAsked(BaseModel):
    """A circuit that is to be closed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    origin: str
    state: Literal["closed"]


@dataclass(frozen=True)
class Interventions:
    """What there is to be seen and changed; None is not there. `clock` is that of the circuits."""

    circuits: Circuits | None = None
    level: LogLevel | None = None
    under_way: UnderWay | None = None
    clock: Callable[[], float] = time.monotonic

    @property
    def log_level(self) -> str | None:
        """The level of the log now."""
        return None if self.level is None else self.level.now

    def queries(self) -> list[dict[str, Any]]:
        """Those that run now."""
        return [] if self.under_way is None else self.under_way.shown()

    def standing(self) -> list[dict[str, Any]]:
        """How the circuits stand, those that are not closed first."""
        found = () if self.circuits is None else self.circuits.standing(self.clock())
        ordered = sorted(found, key=lambda each: (each.state == "closed", each.origin))
        return [asdict(each) | {"left": round(each.left, 3)} for each in ordered]

    def close_circuit(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Closes one by hand.

        Raises:
            RequestRefused: there is none, or what is asked is something else.
        """
        try:
            found = CircuitAsked.model_validate(asked)
        except ValidationError:
            message = 'expected {"origin": "http://host:port", "state": "closed"}'
            raise RequestRefused(Code.VALIDATION, message) from None
        if self.circuits is None or not self.circuits.close(found.origin):
            message = "no host of this origin is known here: GET /admin/circuits names them"
            raise RequestRefused(Code.NOT_FOUND, message)
        return {"origin": found.origin, "state": found.state}

    def turn_level(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Another level for a while.

        Raises:
            RequestRefused: there is no such level, or the time is too long or none.
        """
        try:
            found = LevelAsked.model_validate(asked)
        except ValidationError:
            found = None
        if found is None or found.seconds > LONGEST:
            levels = "debug, info, warning or error"
            message = f'expected {{"level": {levels}, "for": "10m"}}, for a day at most'
            raise RequestRefused(Code.VALIDATION, message)
        if self.level is None:
            raise RequestRefused(Code.NOT_FOUND, "there is no log to turn here")
        self.level.turn(found.level, found.seconds)
        return {"level": found.level, "for": found.seconds}

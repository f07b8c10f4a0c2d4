"""How a call may be carried out: the clauses of section 8 as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Any

import msgspec

from apiql.ir.values import ParamRoot


class Tolerance(Enum):
    """What the failure of a task means for the answer."""

    DEFAULT = "default"
    OPTIONAL = "optional"
    REQUIRED = "required"


Duration = float | ParamRoot
"""Seconds, or the parameter that holds them (a number of milliseconds or a text like `2s`)."""


LONGEST_KEPT = 366 * 86400.0
"""The longest time that `cache` and `max-age` may ask for, in seconds."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float | None:
    """`500ms 2s 5m 1h 1d`, or digits alone (milliseconds), in seconds; None if it is neither."""
    digits = text.rstrip("mshd")
    unit = text[len(digits) :] or "ms"
    usable = digits.isascii() and digits.isdigit() and len(digits) < 12 and unit in UNITS
    return int(digits) * UNITS[unit] if usable else None


def time_text(found: float) -> str:
    """Seconds for people: `300ms`, `60s`, `366d`."""
    if found < 1:
        return f"{found * 1000:g}ms"
    return f"{found:g}s" if found < 100_000 else f"{found / UNITS['d']:g}d"


_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Constant:
    """A JSON value as the text has it; `text` is its JSON, which makes equal ones equal."""

    text: bytes

    @classmethod
    def of(cls, value: Any) -> Constant:
        """The constant of a JSON value."""
        return cls(_JSON.encode(value))


@dataclass(frozen=True, slots=True)
class Within:
    """A latency budget; None as the `substitute` is the last good answer (`stale`)."""

    time: Duration
    substitute: Constant | None


REPEATABLE = frozenset({"get", "head", "put", "delete"})
"""Methods whose calls may be made again without being asked (RFC 9110, 9.2.2)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """`times` more tries after the first, each after a pause drawn from up to `backoff` seconds;
    that doubles, up to `longest`. `on` are the failures that it is for (None: all that another try
    may help), `each` the seconds of one try, `patience` the longest that the upstream may ask us to
    wait.
    """

    times: int
    backoff: float = 0.05
    doubles: bool = True
    longest: float = inf
    on: tuple[str, ...] | None = None
    each: float | None = None
    patience: float = 5.0


USUAL_RETRY = Retry(1, 0.025, longest=0.25, on=("connect",))
"""What the settings say where nobody says anything."""


@dataclass(frozen=True, slots=True)
class Caching:
    """`keep`: seconds for which an answer is used again; `off`: neither used nor kept; `most_age`:
    what the task lets the answer's Cache-Control say at most, in seconds.
    """

    keep: Duration | None = None
    off: bool = False
    most_age: Duration | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """`timeout` bounds the call with all its tries; None: the configured time of one call.
    `fallback` is the value on failure.
    """

    timeout: Duration | None = None
    tolerance: Tolerance = Tolerance.DEFAULT
    within: Within | None = None
    retry: Retry | None = None
    caching: Caching = Caching()
    fallback: Constant | None = None

    def durations(self) -> tuple[ParamRoot, ...]:
        """The parameters that hold its times."""
        times: tuple[Any, ...] = (self.timeout, self.within and self.within.time,
                                  self.caching.keep, self.caching.most_age)  # fmt: skip
        return tuple(time for time in times if isinstance(time, ParamRoot))


class StatusRule(Enum):
    """How the answer's HTTP status comes about."""

    ANY_OK = "any ok"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `use` says, for the whole program."""

    timeout: Duration | None = None
    status: StatusRule = StatusRule.ANY_OK
    all_or_nothing: bool = False
    most_age: Duration | None = None
    bare: bool = False
    """A stored query answers with the data alone (`use envelope none`)."""

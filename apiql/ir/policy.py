"""How a call may be carried out: the clauses of section 8 as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from apiql.ir.values import ParamRoot


class Tolerance(Enum):
    """What the failure of a task means for the answer."""

    DEFAULT = "default"
    OPTIONAL = "optional"
    REQUIRED = "required"


Duration = float | ParamRoot
"""Seconds, or the parameter that holds them (a number of milliseconds or a text like `2s`)."""


UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float | None:
    """`500ms 2s 5m 1h 1d`, or digits alone (milliseconds), in seconds; None if it is neither."""
    digits = text.rstrip("mshd")
    unit = text[len(digits) :] or "ms"
    usable = digits.isascii() and digits.isdigit() and len(digits) < 12 and unit in UNITS
    return int(digits) * UNITS[unit] if usable else None


@dataclass(frozen=True, slots=True)
class Policy:
    """`timeout` bounds the call with all its tries; None: the configured time of one call."""

    timeout: Duration | None = None
    tolerance: Tolerance = Tolerance.DEFAULT


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

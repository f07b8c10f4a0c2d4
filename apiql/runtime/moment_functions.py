"""Functions of the moment: the time of the query, and what is random.

Time and randomness arrive as a `Moment`; nothing here reads a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from apiql.errors import ValueRefused
from apiql.plugins import Function, Moment
from apiql.runtime.arguments import whole
from apiql.runtime.json_values import Json, Number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANDOM_DIGITS = 17
_SPARE_BITS = 64
"""Bits drawn beyond those needed, so that no integer is likelier than another by 1 in 2**64."""


def _now(moment: Moment) -> str:
    instant = _EPOCH + timedelta(milliseconds=moment.unix_ms)
    return instant.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _utc_ms(moment: Moment) -> int:
    return moment.unix_ms


def _timestamp(moment: Moment) -> int:
    return moment.unix_ms // 1000


def _uuid(moment: Moment) -> str:
    return str(UUID(int=moment.random_bits(128), version=4))


def _random(moment: Moment, below: Json = None) -> Number:
    if below is None:
        return Decimal(f"0.{_drawn(moment, 10**_RANDOM_DIGITS):0{_RANDOM_DIGITS}d}")
    bound = whole("random", below)
    if bound < 1:
        raise ValueRefused("random() wants an integer above 0")
    return _drawn(moment, bound)


def _drawn(moment: Moment, bound: int) -> int:
    bits = bound.bit_length() + _SPARE_BITS
    return moment.random_bits(bits) * bound >> bits


MOMENT_FUNCTIONS: tuple[Function, ...] = (
    Function(
        "now",
        _now,
        0,
        0,
        contextual=True,
        doc="The time of the query in UTC, as ISO 8601 text with milliseconds.",
    ),
    Function("utc", _now, 0, 0, contextual=True, doc="The same as now()."),
    Function("utc_ms", _utc_ms, 0, 0, contextual=True, doc="Milliseconds since 1970."),
    Function("timestamp", _timestamp, 0, 0, contextual=True, doc="Whole seconds since 1970."),
    Function(
        "uuid", _uuid, 0, 0, contextual=True, doc="A new random UUID, version 4.", volatile=True
    ),
    Function(
        "random",
        _random,
        0,
        1,
        contextual=True,
        volatile=True,
        doc="A new number from 0 up to 1, or an integer from 0 up to n: both excluded above.",
    ),
)
"""Every function defined here, with its arity and the line the docs show."""

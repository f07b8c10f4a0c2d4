"""Durations and sizes as Go has them: `1h30m` in nanoseconds, `1.5GB` in bytes. Knows no file."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

Duration: TypeAlias = int
"""Nanoseconds."""
Size: TypeAlias = int
"""Bytes."""

SECOND = 1_000_000_000
_DURATION_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_LONGEST = (1 << 63) - 1
"""What Go can hold: some 292 years."""
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
DURATION_PATTERN = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s?([KMGTPEZY]?B)?", re.I)
_SIZE_LETTERS = "BKMGTPEZY"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?\s?([KMGTPEZYkmgtpezy]?[Bb])?$"
_MOST_LETTERS = 40


def duration_of(text: str) -> Duration | None:
    """The duration a text says, as Go's `time.ParseDuration` reads it; None where it says none."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits == "0":
        return 0
    total, at = 0, 0
    while at < len(digits):
        found = _PART.match(digits, at)
        if len(text) > _MOST_LETTERS or found is None or not (found[1] or found[2]):
            return None
        amount = Decimal(f"{found[1] or 0}.{found[2] or 0}") * _DURATION_UNITS[found[3]]
        total += int(amount.to_integral_value(ROUND_DOWN))
        at = found.end()
    if not digits or total > _LONGEST:
        return None
    return -total if text[0] == "-" else total


def duration_text(duration: int) -> str:
    """As Go prints it: `5m0s`, `29.4s`, `1.5ms`, `0s`."""
    sign, left = ("-", -duration) if duration < 0 else ("", duration)
    for unit, factor in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if 0 < left < factor * 1000:
            return f"{sign}{_plain(Decimal(left) / factor)}{unit}"
    minutes, rest = divmod(left, 60 * SECOND)
    seconds = f"{_plain(Decimal(rest) / SECOND)}s"
    if minutes == 0:
        return f"{sign}{seconds}"
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}h{minutes}m{seconds}" if hours else f"{sign}{minutes}m{seconds}"


def size_of(text: str) -> Size | None:
    """The bytes a text says (`1MB`, `1.5 GB`, `512`) in powers of 1024; None where it says none."""
    found = _SIZE.fullmatch(text) if len(text) <= _MOST_LETTERS else None
    if found is None:
        return None
    unit = (found[2] or "B").upper()
    return Size(int(Decimal(found[1]) * 1024 ** _SIZE_LETTERS.index(unit[0])))


def size_text(size: int) -> str:
    """As the gateway's messages show it: `1.0B`, `3.0MB`."""
    power = 0
    while power + 1 < len(_SIZE_LETTERS) and size >= 1024 ** (power + 1):
        power += 1
    shown = (Decimal(size) / 1024**power).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return f"{shown}{_SIZE_LETTERS[power]}{'B' if power else ''}"


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

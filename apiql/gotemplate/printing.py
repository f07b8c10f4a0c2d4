"""Values as text, the way Go's fmt prints them: %v, Print, Println; floats in Go's spelling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from apiql.gotemplate.values import MISSING, ListView, MapView, Value, seen

NO_VALUE = "<no value>"
LEAST_EXPONENT = 6
"""From here on Go writes a float with an exponent."""


class Meter(Protocol):
    """Where lengths are counted, so that nothing grows beyond the budget."""

    def made(self, text: str) -> str:
        """The text, if it is not too long."""
        ...

    def charge(self, steps: int) -> None:
        """Counts work."""
        ...


def text_of(value: Value) -> str:
    """%v of a value; nil is `<nil>`, what is missing `<no value>`."""
    if isinstance(value, str):
        return str(value)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return float_text(value)
    if value is None:
        return "<nil>"
    if value is MISSING:
        return NO_VALUE
    return _container_text(value)


def written(value: Value) -> str:
    """What an action writes: nil and what is missing are `<no value>`."""
    return NO_VALUE if value is None or value is MISSING else text_of(value)


def _container_text(value: MapView | ListView) -> str:
    kind = value.kind
    if isinstance(value, ListView):
        return f"[{' '.join(text_of(seen(item, kind)) for item in value.raw)}]"
    members = (f"{name}:{text_of(seen(raw, value.kind_of(name)))}" for name, raw in pairs(value))
    return f"map[{' '.join(members)}]"


def pairs(value: MapView) -> list[tuple[str, Value]]:
    """The members sorted by name, as Go prints and ranges over maps."""
    return sorted(value.raw.items(), key=_name)


def _name(pair: tuple[str, Value]) -> str:
    return pair[0]


def float_text(value: float) -> str:
    """The shortest digits that mean the float; an exponent from 1e+06 on and below 1e-04."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    shortest = repr(value)
    if "e" in shortest:
        return shortest
    whole, _, fraction = shortest.partition(".")
    if fraction == "0":
        fraction = ""
    digits = whole.lstrip("-")
    exponent = len(digits) - 1
    if exponent < LEAST_EXPONENT:
        return f"{whole}.{fraction}" if fraction else whole
    sign = "-" if whole.startswith("-") else ""
    mantissa = (digits[1:] + fraction).rstrip("0")
    point = "." if mantissa else ""
    return f"{sign}{digits[0]}{point}{mantissa}e+{exponent:02d}"


def print_all(values: Sequence[Value], meter: Meter) -> str:
    """fmt.Sprint: a space between two neighbours where neither is a string."""
    parts: list[str] = []
    after_text = True
    for value in values:
        is_text = isinstance(value, str)
        if not after_text and not is_text:
            parts.append(" ")
        parts.append(meter.made(text_of(value)))
        meter.charge(1)
        after_text = is_text
    return joined(parts, meter)


def print_line(values: Sequence[Value], meter: Meter) -> str:
    """fmt.Sprintln: a space between all, a newline behind."""
    parts: list[str] = []
    for value in values:
        parts += (meter.made(text_of(value)), " ")
        meter.charge(1)
    return joined([*parts[:-1], "\n"], meter)


def joined(parts: Iterable[str], meter: Meter) -> str:
    """The parts in one text, if it is not too long; the lengths are looked at first."""
    pieces = list(parts)
    if sum(map(len, pieces)) < 4096:
        return "".join(pieces)
    return meter.made("".join(pieces))

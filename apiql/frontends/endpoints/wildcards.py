"""Whether a text matches a pattern of `*` and `?`, in size times size steps at most."""

from __future__ import annotations


def matches(text: str, pattern: str) -> bool:
    """Whether a whole text matches; `\\` takes the next letter as it is."""
    wanted = _units(pattern)
    here = at = 0
    star, resumed = -1, 0
    while here < len(text):
        unit = wanted[at] if at < len(wanted) else None
        if unit == "*":
            star, resumed = at, here
            at += 1
        elif unit == "?" or (unit is not None and unit == "\\" + text[here]):
            here, at = here + 1, at + 1
        elif star >= 0:
            resumed += 1
            here, at = resumed, star + 1
        else:
            return False
    return all(unit == "*" for unit in wanted[at:])


def _units(pattern: str) -> list[str]:
    """`*`, `?`, and letters behind a backslash."""
    units: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\" and at + 1 < len(pattern):
            at += 1
            units.append("\\" + pattern[at])
        else:
            units.append(pattern[at] if pattern[at] in "*?" else "\\" + pattern[at])
        at += 1
    return units

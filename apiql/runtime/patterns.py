"""The patterns of `like`: `%` is any characters, `_` is one, no escape, no backtracking.

Knows texts only. The pieces between the `%` are searched from left to right, each once.
"""

from __future__ import annotations

import re

from apiql.errors import ValueRefused

MOST_STEPS = 10_000_000
"""Characters of the text times those of a pattern with `_`: the most that are compared."""


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern fits the whole text; ValueRefused where that would take too long."""
    if "_" in pattern and len(text) * len(pattern) > MOST_STEPS:
        raise ValueRefused("like: the text is too long for this pattern with _")
    head, *middle = pattern.split("%")
    if not middle:
        return len(text) == len(head) and _stands(head, text, 0)
    tail = middle.pop()
    return _stands(head, text, 0) and _follow(middle, tail, text, len(head))


def _follow(pieces: list[str], tail: str, text: str, at: int) -> bool:
    """Each piece at its leftmost place after the one before, and the tail at the end."""
    end = len(text) - len(tail)
    for piece in pieces:
        found = _find(piece, text, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= end and _stands(tail, text, end)


def _stands(piece: str, text: str, at: int) -> bool:
    there = text[at : at + len(piece)]
    if "_" not in piece:
        return there == piece
    if len(there) != len(piece):
        return False
    return all(p in ("_", c) for p, c in zip(piece, there, strict=True))


def _find(piece: str, text: str, start: int, end: int) -> int:
    """Where the piece stands first within the bounds; -1 where it does not."""
    if start > end:
        return -1
    if "_" not in piece:
        return text.find(piece, start, end)
    fixed = re.compile(".".join(map(re.escape, piece.split("_"))), re.DOTALL)
    found = fixed.search(text, start, end)
    return found.start() if found else -1

"""`$NAME` in a text becomes the value of the environment; places stay those of the text as written.

Knows neither JSON nor where values come from.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

NAME = re.compile(r"\$\w+", re.ASCII)
LEAST_VALUE = 6
"""Letters of a value that is kept out of messages."""


@dataclass(frozen=True)
class Substituted:
    """A text with values in it. `pieces` are the offsets where a value begins and ends here, and
    where its name begins and ends in the text as written, in their order.
    """

    text: str
    written: str
    pieces: tuple[tuple[int, int, int, int], ...]

    def is_value(self, offset: int) -> bool:
        """Whether an offset is inside of a value."""
        return any(begin <= offset < end for begin, end, _, _ in self.pieces)

    @cached_property
    def values(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """Each value that stands nowhere in the text as written, in any case of letters; its name.
        Few letters are left: they stand in any message by chance.
        """
        names = {self.text[b:e].lower(): self.written[n:end] for b, e, n, end in self.pieces}
        written = self.written.lower()
        return tuple(
            (re.compile(re.escape(value), re.IGNORECASE), name)
            for value, name in sorted(names.items(), key=lambda pair: -len(pair[0]))
            if len(value) >= LEAST_VALUE and value not in written
        )

    def as_written(self, message: str) -> str:
        """A message without values: their names stand in their place."""
        for value, name in self.values:
            message = value.sub(name, message)
        return message

    def origin(self, offset: int) -> int:
        """The offset in the text as written: inside of a value, that of its name."""
        index = bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1
        if index < 0:
            return offset
        begin, end, name, behind = self.pieces[index]
        return name if begin <= offset < end else behind + offset - end


def substituted(text: str, values: Mapping[str, str]) -> Substituted:
    """The text with each `$NAME` replaced that has a value which is not empty."""
    parts: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    at = size = 0
    for found in NAME.finditer(text):
        value = values.get(found[0][1:], "")
        if value:
            parts += (text[at : found.start()], value)
            begin = size + found.start() - at
            size, at = begin + len(value), found.end()
            pieces.append((begin, size, found.start(), at))
    parts.append(text[at:])
    return Substituted("".join(parts), text, tuple(pieces))

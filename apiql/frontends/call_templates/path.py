"""Texts with `<<paths>>` in them -> their pieces. The paths' grammar is grammar/path.lark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken

from apiql.errors import ApiqlError
from apiql.grammar_files import grammar_text

_TOKEN = re.compile(r"<<([^<>]*)>>")
_SHORT = 9
"""Digits of an index; more of them are a name."""
LONGEST = 512
"""Letters of a path."""

Step: TypeAlias = str | int


class NoPath(ApiqlError):
    """What stands between `<<` and `>>` is no path; `at` is the letter of the whole text."""

    def __init__(self, wrong: str, at: int, expected: str) -> None:
        super().__init__(wrong)
        self.wrong, self.at, self.expected = wrong, at, expected


@dataclass(frozen=True, slots=True)
class Path:
    """A path in a text: its first name and the steps behind it; `written` with its brackets, `at`
    the letter where it begins.
    """

    base: str
    steps: tuple[Step, ...]
    written: str
    at: int

    @property
    def text(self) -> str:
        """The path without its brackets."""
        return self.written[2:-2]


Piece: TypeAlias = str | Path


def pieces(text: str) -> tuple[Piece, ...]:
    """The paths in a text and what stands between them.

    Raises:
        NoPath: something in brackets is none.
    """
    return tuple(_pieces(text)) if "<<" in text else (text,)


def _pieces(text: str) -> Iterator[Piece]:
    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        yield _path(found[1], found[0], found.start())
        at = found.end()
    if at < len(text):
        yield text[at:]


def paths(text: str) -> tuple[Path, ...]:
    """The paths in a text; raises as `pieces`."""
    return tuple(piece for piece in pieces(text) if isinstance(piece, Path))


def whole(text: str) -> Path | None:
    """The path that a text is as a whole; raises as `pieces`."""
    found = pieces(text)
    first = found[0] if len(found) == 1 else None
    return first if isinstance(first, Path) else None


def _path(inside: str, written: str, at: int) -> Path:
    if len(inside) > LONGEST:
        raise NoPath("this path is too long", at, f"at most {LONGEST} letters")
    try:
        tree = _parser().parse(inside)
    except UnexpectedInput as refused:
        raise _refusal(refused, inside, at + 2) from None
    base, *steps = tree.children
    return Path(str(base), tuple(map(_step, steps)), written, at)


def _step(found: Token | Tree[Token]) -> Step:
    assert isinstance(found, Tree)
    text = str(found.children[0])
    is_index = text.isascii() and text.isdigit() and len(text) <= _SHORT
    return int(text) if is_index else text


def _refusal(refused: UnexpectedInput, inside: str, start: int) -> NoPath:
    ended = isinstance(refused, UnexpectedToken) and refused.token.type == "$END"
    place = len(inside) if ended else refused.column - 1
    seen = f"found {inside[place]!r}" if place < len(inside) else "the path ends too early"
    before = inside[:place]
    expected = "a name: anything but . < > [ ]"
    if before.rpartition("[")[1] and "]" not in before.rpartition("[")[2]:
        expected = "an index of at most 9 digits, then ]"
    elif before and before[-1] not in ".[":
        expected = "a dot, an index in brackets, or >>"
    return NoPath(f"this is no path: {seen}", start + place, expected)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(grammar_text("path.lark"), parser="lalr", lexer="contextual")

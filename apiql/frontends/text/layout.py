"""Documents that are laid out in lines: text, where a line may end, what stays together. Knows
nothing of queries.

A `Group` stands on one line if it fits there; else each `Line` directly in it ends a line. What
groups hold is laid out anew, so the outer break before the inner.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from apiql.ir.values import Scalar

INDENT = 2


@dataclass(frozen=True, slots=True)
class Line:
    """The end of a line, or the `flat` text where its group fits on one."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line; with `fresh`, unless one has just ended."""

    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Indented:
    """The lines that begin in here stand further in."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """On one line, or broken."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant that is lifted out of the identity of a query."""

    text: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Element:
    """What comments can be attached to; `start` is where it begins in the text. A `hugged` one
    goes on with a line: comments above it end that line, and it stands further in.
    """

    start: int
    inner: Doc
    hugged: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """A comment amid a line, which may be longer for it."""

    text: str


@dataclass(frozen=True, slots=True)
class Suffix:
    """A comment at the end of the line, behind whatever still comes on it."""

    text: str


Doc: TypeAlias = (
    "str | tuple[Doc, ...] | Line | Break | Indented | Group | Literal | Element | Aside| Suffix"
)


@dataclass(slots=True)
class Notes:
    """The comments of one element: on lines above it, right before it, right behind it, at the
    end of its line, on lines below it.
    """

    above: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    at_end: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


Comments: TypeAlias = Mapping[int, Notes]


@dataclass(frozen=True, slots=True)
class Piece:
    """A document that waits to be laid out, and how."""

    doc: Doc
    indent: int = 0
    flat: bool = False


def separated(docs: Sequence[Doc]) -> Doc:
    """Documents with commas, on one line or each on its own."""
    parts: list[Doc] = []
    for doc in docs:
        parts += [",", Line(), doc] if parts else [doc]
    return tuple(parts)


def laid_out(doc: Doc, width: int, comments: Comments) -> str:
    """The lines of a document; only what cannot be broken is longer than the width."""
    done: list[str] = []
    column, suffix = 0, ""
    waiting = [Piece(doc)]
    while waiting:
        piece = waiting.pop()
        match piece.doc:
            case str(text) | Literal(text) | Aside(text):
                column = _column(column, text)
                done.append(text)
            case Suffix(text):
                suffix += text
            case Line(text) if piece.flat:
                column += len(text)
                done.append(text)
            case Break(True) if not done or done[-1].startswith("\n"):
                pass
            case Line() | Break():
                _end_line(done, suffix, piece.indent)
                column, suffix = piece.indent, ""
            case _:
                waiting += _opened(piece, waiting, width - column, comments)
    return "".join(done) + suffix


def in_one_line(doc: Doc, lifted: list[Scalar] | None = None) -> str:
    """A document without breaks; with `lifted`, constants go there and leave a `?`."""
    done: list[str] = []
    waiting = [doc]
    while waiting:
        match waiting.pop():
            case Literal(_, value) if lifted is not None:
                lifted.append(value)
                done.append("?")
            case str(text) | Literal(text) | Line(text):
                done.append(text)
            case Break():
                done.append(" ")
            case other:
                waiting += reversed(tuple(inside(other)))
    return "".join(done)


def inside(doc: Doc) -> Iterator[Doc]:
    """The documents directly inside a document."""
    match doc:
        case tuple(parts):
            yield from parts
        case Indented(inner) | Group(inner) | Element(_, inner):
            yield inner


def _opened(piece: Piece, rest: Sequence[Piece], room: int, comments: Comments) -> list[Piece]:
    """What a document holds, last first."""
    indent, flat = piece.indent, piece.flat
    match piece.doc:
        case Group(inner):
            flat = flat or _fits(inner, rest, room, comments)
        case Indented(inner):
            indent += INDENT
    return [Piece(part, indent, flat) for part in reversed(_parts(piece.doc, comments))]


def _parts(doc: Doc, comments: Comments) -> tuple[Doc, ...]:
    """What a document holds, its comments too."""
    if not isinstance(doc, Element) or doc.start not in comments:
        return tuple(inside(doc))
    notes = comments[doc.start]
    parts: tuple[Doc, ...] = (
        *((Break(fresh=True), text, Break()) for text in notes.above),
        *((text, " ") for text in notes.before),
        *inside(doc),
        *(Aside(" " + text) for text in notes.behind),
        *(Suffix(" " + text) for text in notes.at_end),
        *((Break(), text) for text in notes.below),
    )
    return (Indented(parts),) if doc.hugged and notes.above else parts


def _fits(doc: Doc, rest: Sequence[Piece], room: float, comments: Comments) -> bool:
    """Whether a document, with what follows it up to the next break, fits on the line. Behind a
    comment that runs to the end of the line nothing does.
    """
    waiting, following = [doc], len(rest)
    inner, ended = True, False
    while waiting or following:
        if not waiting:
            following -= 1
            inner = False
            waiting.append(rest[following].doc)
        item = waiting.pop()
        match item:
            case Break() | Line() if not inner:
                return True
            case Break() | Line() if ended or isinstance(item, Break):
                return False
            case str(text) | Literal(text) | Line(text):
                room = _left(room, text)
            case Suffix():
                ended = True
            case _:
                waiting += reversed(_parts(item, comments))
        if room < 0:
            return False
    return True


def _left(room: float, text: str) -> float:
    """The room behind a text; one that ends lines itself leaves enough."""
    first, more, _ = text.partition("\n")
    return room - len(first) if not more or len(first) > room else math.inf


def _column(column: int, text: str) -> int:
    lines = text.split("\n")
    return len(lines[-1]) + (column if len(lines) == 1 else 0)


def _end_line(done: list[str], suffix: str, indent: int) -> None:
    if done and done[-1] == " ":
        done.pop()
    done += (suffix, "\n" + " " * indent)

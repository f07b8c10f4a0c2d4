"""Push-down: what an upstream does with its rows itself, and what is sent for it.

A `Push` holds what the configuration promises of a source. Nothing here knows how a query becomes
what is sent (planning) or when it is sent (the runtime).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from apiql.ir.projection import Path
from apiql.ir.values import ParamRoot, Value


class Style(Enum):
    """The language of an upstream's query string."""

    POSTGREST = "postgrest"
    ODATA = "odata"
    JSONAPI = "jsonapi"
    GOOGLE = "google"
    PARAM = "param"


class Kind(Enum):
    """What a member of a row is, where it is not null."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    ORDERED_TEXT = "ordered text"
    ANY = "any"


ORDERED = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.ORDERED_TEXT})
"""What upstreams compare with `<` as the language does."""
SORTED = ORDERED | {Kind.BOOLEAN}
COMPARED = SORTED | {Kind.TEXT}
TEXTS = frozenset({Kind.TEXT, Kind.ORDERED_TEXT})


class Form(Enum):
    """How a constant is written: a PostgREST parameter's whole value, an element of its lists and
    logic, a constant of OData, the value of a plain parameter.
    """

    WHOLE = "whole"
    QUOTED = "quoted"
    ODATA = "odata"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a row that an upstream knows."""

    kind: Kind
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """What a source can do with the list of rows at `rows`.

    `members` are those of a row; `key` is never null or twice, and rows come in its order unless
    asked otherwise. `most` rows can be asked for. `names` are those of parameters by ability;
    `paging` are other parameters that choose among the rows. `minus`: a descending key is written
    `-name`, else `name desc`.
    """

    style: Style
    can: frozenset[str]
    rows: Path = ()
    members: Mapping[str, Member] = field(default_factory=dict)
    key: str | None = None
    most: int = 1000
    names: Mapping[str, str] = field(default_factory=dict)
    paging: frozenset[str] = frozenset()
    minus: bool = True

    def name_of(self, path: Path) -> str | None:
        """What the upstream calls the member that a row has at a path; None if it knows none."""
        if self.style is Style.JSONAPI and path[:1] in (("attributes",), ("relationships",)):
            path = path[1:]
        elif self.style is Style.JSONAPI and path[:1] != ("id",):
            return None
        return path[0] if path and path[0] in self.members else None

    def member_at(self, path: Path) -> str | None:
        """The same where the path leads to the member itself, as a value that can be compared."""
        inside = self.style is Style.JSONAPI and path[:1] != ("id",)
        whole = len(path) == 2 and path[0] == "attributes" if inside else len(path) == 1
        return self.name_of(path) if whole else None


@dataclass(frozen=True, slots=True)
class Hole:
    """A place for a value of one kind."""

    value: Value
    kind: Kind


Piece: TypeAlias = str | Hole


@dataclass(frozen=True, slots=True)
class SentText:
    """A text with holes; it is not sent where a value cannot be written."""

    pieces: tuple[Piece, ...]
    form: Form

    @property
    def has_holes(self) -> bool:
        """Whether only a run knows it."""
        return any(isinstance(piece, Hole) for piece in self.pieces)

    def __str__(self) -> str:
        shown = (p if isinstance(p, str) else f"{{{p.value}}}" for p in self.pieces)
        return "".join(shown)


@dataclass(frozen=True, slots=True)
class SentCount:
    """A number of rows that a parameter holds; it is not sent where it is out of bounds."""

    param: ParamRoot
    least: int
    most: int

    def __str__(self) -> str:
        return f"${self.param.name} ({self.least} to {self.most})"


Sendable: TypeAlias = str | SentText | SentCount


@dataclass(frozen=True, slots=True)
class Pushed:
    """A clause as what is sent for it in the query string: all of it or nothing."""

    clause: str
    pairs: tuple[tuple[str, Sendable], ...]

    @property
    def open(self) -> tuple[Sendable, ...]:
        """What only a run knows."""
        return tuple(found for _, found in self.pairs if not isinstance(found, str))

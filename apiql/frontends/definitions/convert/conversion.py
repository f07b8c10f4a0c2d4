"""One conversion on its way: the parameters, sources and selects found so far, and what has no
equivalent. Knows no notation of definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.convert.values import (
    Asked,
    Hidden,
    Nothing,
    Value,
    as_word,
    is_plain,
    parts,
)
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions
from apiql.json_nodes import Keys, step

ALIASES = {"source": "from", "place": "in", "kind": "from"}
"""Members whose name in JSON is not theirs here."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What has no equivalent, where it stands, and why."""

    file: str
    at: Location
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.at.line}:{self.at.column}: {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a document."""

    document: Document[Shape]
    keys: Keys = ()

    def __truediv__(self, key: str | int) -> Place:
        return Place(self.document, (*self.keys, key))


@dataclass(frozen=True, slots=True)
class Select:
    """One upstream call. `before` are those it comes after, whether it reads them or not."""

    name: str
    source: str
    query: Mapping[str, Value] = field(default_factory=dict)
    headers: Mapping[str, Value] = field(default_factory=dict)
    form: Mapping[str, Value] = field(default_factory=dict)
    body: Value | None = None
    before: frozenset[str] = frozenset()

    def values(self) -> Iterator[Value]:
        """All that it sends."""
        for group in (self.query, self.headers, self.form):
            yield from group.values()
        if self.body is not None:
            yield self.body


@dataclass(frozen=True, slots=True)
class Origin:
    """A source that the settings have to have: its upstream's name and address, its method and
    path, and the private values that it sends.
    """

    upstream: str
    url: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    expires: str = ""
    """Where its answers tell their own end."""


class Conversion:
    """What is found while a definition is gone through."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.gaps: list[Gap] = []
        self.asked: dict[str, tuple[str, bool]] = {}
        """Parameters: where the request has each (`body`, `query`), and whether it may lack."""
        self.sources: dict[str, Origin] = {}
        self.selects: list[Select] = []
        self.answer: Value | None = None
        self.within: tuple[tuple[str, str], ...] = ()
        """The flows and schedules that are being gone through, each inside the one before."""
        self._before: frozenset[str] = frozenset()
        self._now: frozenset[str] = frozenset()

    def gap(self, place: Place, reason: str) -> Nothing:
        """Tells what has no equivalent; each place and reason once."""
        at, path = place.document.place(place.keys)
        found = Gap(place.document.origin.file, at, path, reason)
        if found not in self.gaps:
            self.gaps.append(found)
        return Nothing()

    def parameter(self, name: str, where: str, may_lack: bool, place: Place) -> Value:
        """The parameter for a member of the request's body, or of its query string."""
        if not is_plain(name):
            return self.gap(place, f"{step(name)[1:]} is no name that a parameter can have")
        known = self.asked.setdefault(name, (where, may_lack))
        if known[0] != where:
            name = f"{where}_{name}"
            self.asked.setdefault(name, (where, may_lack))
        return Asked(name, (), may_lack)

    def usable(self, value: Value, place: Place) -> Value:
        """The value, unless a private one is in it."""
        if any(isinstance(part, Hidden) for part in parts(value)):
            return self.gap(place, "a private value inside of another one: no text can name it")
        return value

    def source(self, wanted: str, origin: Origin) -> str:
        """The name of a source: the same for the same."""
        name, number = wanted, 1
        while self.sources.setdefault(name, origin) != origin:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def name(self, wanted: str) -> str:
        """A name for a select that no other has."""
        taken = {select.name for select in self.selects}
        wanted = as_word(wanted)
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def add(self, select: Select) -> None:
        """Takes a select; it comes behind the last barrier."""
        self.selects.append(select)
        self._now |= {select.name}

    @property
    def before(self) -> frozenset[str]:
        """The selects in front of the last barrier."""
        return self._before

    def barrier(self) -> None:
        """What comes now waits for what was."""
        if self._now:
            self._before, self._now = self._now, frozenset()

    @contextmanager
    def beside(self, owner: tuple[str, str]) -> Iterator[None]:
        """A flow within: its barriers are its own."""
        before, now = self._before, self._now
        self._now, self.within = frozenset(), (*self.within, owner)
        yield
        last = self._now or (self._before - before)
        self._before, self._now, self.within = before, now | last, self.within[:-1]

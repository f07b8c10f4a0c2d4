"""Method and path -> the endpoint, and what its parameters are. Knows no HTTP beyond these two.

Paths are a tree by segment, each with names and at most one place for a parameter. Names count
before parameters; a part of the tree is looked at once at most, so no path takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")

LONGEST = 64
"""Segments of a path; longer ones are nobody's."""


class Found(NamedTuple, Generic[T]):
    """An endpoint, and its parameters as they are meant: without percent signs."""

    endpoint: T
    params: Mapping[str, str]


@dataclass(slots=True)
class _Node(Generic[T]):
    names: dict[str, _Node[T]] = field(default_factory=dict)
    parameter: _Node[T] | None = None
    methods: dict[str, tuple[T, tuple[str, ...]]] = field(default_factory=dict)
    """What is at the path that ends here, with the names of its parameters in their order."""


class Routes(Generic[T]):
    """Endpoints by method and path."""

    def __init__(self, listed: Iterable[tuple[str, str, T]] = ()) -> None:
        self._root: _Node[T] = _Node()
        self._plain: dict[tuple[str, str], Found[T]] = {}
        self.size = 0
        for method, path, endpoint in listed:
            self._add(method, path, endpoint)
            self.size += 1

    def _add(self, method: str, path: str, endpoint: T) -> None:
        node, names = self._root, list[str]()
        for segment in path.split("/")[1:]:
            if segment.startswith(":"):
                names.append(segment[1:])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.names.setdefault(_meant(segment) or "", _Node())
        node.methods[method] = endpoint, tuple(names)
        if not names and _is_plain(path):  # names count before parameters: nothing comes before it
            self._plain[method, path] = Found(endpoint, {})

    def find(
        self, method: str, path: str, sees: Callable[[T], bool] | None = None
    ) -> Found[T] | None:
        """The endpoint of a method at a path as it was sent, without its query; the first of those
        that somebody sees.
        """
        plain = self._plain.get((method, path))
        if plain is not None and (sees is None or sees(plain.endpoint)):
            return plain
        for node, values in self._ends(path):
            there = node.methods.get(method)
            if there is not None and (sees is None or sees(there[0])):
                return Found(there[0], dict(zip(there[1], values, strict=True)))
        return None

    def at(self, path: str, sees: Callable[[T], bool] | None = None) -> dict[str, T]:
        """All endpoints at a path, by method; those that somebody sees."""
        found: dict[str, T] = {}
        for node, _ in self._ends(path):
            for method, (endpoint, _) in node.methods.items():
                if sees is None or sees(endpoint):
                    found.setdefault(method, endpoint)
        return found

    def _ends(self, path: str) -> Iterator[tuple[_Node[T], tuple[str, ...]]]:
        """Where the path may end, the most literal first, with the values on the way."""
        segments = path.split("/", LONGEST + 1)[1:]
        if not self.size or len(segments) > LONGEST:
            return
        meant = segments if _is_plain(path) else [_meant(segment) for segment in segments]
        left: list[tuple[_Node[T], int, tuple[str, ...]]] = [(self._root, 0, ())]
        while left:
            node, at, values = left.pop()
            if at == len(meant):
                yield node, values
                continue
            segment = meant[at]
            if segment is None:
                return
            if node.parameter is not None and segment not in _NO_VALUE:
                left.append((node.parameter, at + 1, (*values, segment)))
            named = node.names.get(segment)
            if named is not None:
                left.append((named, at + 1, values))


_NO_VALUE = frozenset(("", ".", ".."))
"""Steps in a path of their own, or nothing: no parameter is any of these."""


def _is_plain(path: str) -> bool:
    """Whether its segments mean what they say."""
    return "%" not in path and path.isprintable()


def _meant(segment: str) -> str | None:
    """A segment without percent signs; None: it says no text, or one with control characters."""
    if "%" in segment:
        try:
            segment = unquote_to_bytes(segment).decode("utf-8")
        except UnicodeDecodeError:
            return None
    return segment if segment.isprintable() else None

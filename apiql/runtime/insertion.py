"""What comes into a result: its nest of values, the path it goes to, what is found for a place,
and what can be wrong with it. Knows nothing of plans, calls or failures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]

Nest: TypeAlias = "list[Nest] | bytes"
"""A result: the levels of its fan-out as lists, at the leaves the JSON of one call each."""

Find: TypeAlias = Callable[[Any, int], bytes | None]
"""The JSON for a place, from what of the nest is left there and the most bytes it may take; None
where there is nothing to embed.
"""

NULL, LIST, OBJECT = b"null", b"[", b"{"
KINDS = {b'"': "a text", b"t": "a boolean", b"f": "a boolean"}


class TooLarge(ValueError):
    """What is brought together would be larger than it may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it would be larger than {most} bytes")
        self.most = most


class Misfit(ValueError):
    """What comes in does not fit where it goes. `name` is whose it is, `at` the list indexes of
    the place.
    """

    def __init__(self, message: str, name: str, at: Sequence[int | str]) -> None:
        super().__init__(message)
        self.name = name
        self.at = tuple(step for step in at if isinstance(step, int))


class Unequal(Misfit):
    """A list of the target and the level of the nest for it are not of one length."""

    def __init__(self, name: str, at: Sequence[int | str], there: int, coming: int) -> None:
        message = f"lists of unequal length at {place(at)}: {there} there, {coming} coming in"
        super().__init__(message, name, at)
        self.there, self.coming = there, coming


class NotAnObject(Misfit):
    """A number, text or boolean stands where an object is wanted."""

    def __init__(self, name: str, at: Sequence[int | str], kind: str) -> None:
        super().__init__(f"an object is wanted at {place(at)}, there is {kind}", name, at)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Insertion:
    """One result that goes into another, at a path of at least one name.

    `nest` is walked in step with the lists on the path. `find` makes the JSON of what is left of
    it at a place; where it finds nothing `nothing` stands there, or, with `inner`, the element of
    the innermost list that the walk came through goes.
    """

    name: str
    path: Path
    nest: Any
    find: Find
    nothing: bytes = NULL
    inner: bool = False


def by_position(name: str, path: Path, value: Nest) -> Insertion:
    """A result of which each element's part goes to its place; one without levels to all."""
    return Insertion(name, path, value, _left_over)


def _left_over(value: Nest, most: int) -> bytes | None:
    """The levels that no list of the target took, as JSON."""
    if isinstance(value, bytes):
        return None if value.strip() == NULL else value
    return whole(value, most)


def whole(value: Nest, most_bytes: int) -> bytes:
    """A result as JSON, its levels as lists.

    Raises:
        TooLarge: it would have more than `most_bytes`.
    """
    if isinstance(value, bytes):
        return value
    if set(map(type, value)) == {bytes}:
        return _flat_list(value, most_bytes)
    return json_list((whole(item, most_bytes) for item in value), most_bytes)


def _flat_list(pieces: Sequence[Any], most_bytes: int) -> bytes:
    """`json_list` of pieces that are there already."""
    if sum(map(len, pieces)) + len(pieces) >= most_bytes:
        raise TooLarge(most_bytes)
    return b"[" + b",".join(pieces) + b"]"


def json_list(pieces: Iterable[bytes], most_bytes: int) -> bytes:
    """The JSON list of some elements, given up before it grows too large."""
    out = bytearray()
    for piece in pieces:
        out += b"," if out else LIST
        if len(out) + len(piece) >= most_bytes:
            raise TooLarge(most_bytes)
        out += piece
    out += b"]" if out else b"[]"
    return bytes(out)


def place(at: Sequence[int | str]) -> str:
    """A place for messages: `items[1].lines`; the top has no name of its own."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in at)
    return "".join(steps).removeprefix(".") or "the top"


def kind_of(data: bytes) -> str:
    """What a JSON scalar is, for messages."""
    return KINDS.get(data.lstrip()[:1], "a number")

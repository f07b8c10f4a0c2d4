"""`rows data.items`: the list in a result, cut out of its bytes.

Knows nothing of what the clauses do with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from apiql.runtime.decode import as_elements, as_members, as_raw
from apiql.runtime.shape import LIST, OBJECT

NULL = b"null"
N = NULL[:1]
KINDS = {OBJECT: "an object", LIST: "a list", b'"': "a text", b"t": "a boolean",
         b"f": "a boolean", N: "null"}  # fmt: skip

Names = tuple[str, ...]


class NotRows(ValueError):
    """A result that is not what the row clauses want: what they want and what it is."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def rows_at(body: bytes, names: Names) -> bytes:
    """What stands at the names; null on the way makes null.

    The objects in a list on the way are entered, and what is found in them makes one list: the
    elements of lists, other values as they are, nothing for null or where the name is missing.

    Raises:
        NotRows: there is nothing.
        Undecodable: the body is no JSON.
    """
    data = body
    for depth, name in enumerate(names):
        first = data.lstrip()[:1]
        if first == LIST:
            return _end_to_end(data, names, depth)
        if first != OBJECT:
            return _null_or_refused(data, names, depth)
        found = as_members(data).get(name)
        if found is None:
            raise _nothing(names, f"{place_of(names[:depth])} has no {name}")
        data = bytes(found)
    return data


def object_alone(body: bytes, _: object = None) -> bytes:
    """The same body, which is an object or null.

    Raises:
        NotRows: it is something else.
    """
    if body.lstrip()[:1] == OBJECT or body.strip() == NULL:
        return body
    raise NotRows(f"it is {kind_of(body)}, and only an object has members to read")


def in_list(values: Sequence[bytes | Raw]) -> bytes:
    """JSON values as one list, each as it came."""
    return b"[" + b",".join(values) + b"]"


def kind_of(data: bytes | Raw) -> str:
    """What a JSON text is, with its article, for messages."""
    return KINDS.get(bytes(data).lstrip()[:1], "a number")


def place_of(names: Names) -> str:
    """Where something was found, for messages."""
    return ".".join(names) or "the result"


def _end_to_end(data: bytes, names: Names, depth: int) -> bytes:
    level = as_elements(data)
    for name in names[depth:]:
        objects = [as_members(item) for item in level if _is_entered(item, names, name)]
        found = [members[name] for members in objects if name in members]
        if objects and not found:
            raise _nothing(names, f"no object in a list on the way has {name}")
        level = [piece for item in found for piece in _pieces(item)]
    return in_list(level)


def _is_entered(item: Raw, names: Names, name: str) -> bool:
    first = bytes(item)[:1]
    if first in (OBJECT, N):
        return first == OBJECT
    raise _nothing(names, f"{name} is wanted of objects in a list, and one is {kind_of(item)}")


def _pieces(item: Raw) -> list[Raw]:
    first = bytes(item)[:1]
    if first == LIST:
        elements: list[Raw] = as_elements(item)
        return elements
    return [] if first == N else [item]


def _null_or_refused(data: bytes, names: Names, depth: int) -> bytes:
    if bytes(as_raw(data)).strip() == NULL:
        return NULL
    raise _nothing(names, f"{place_of(names[:depth])} is {kind_of(data)}")


def _nothing(names: Names, why: str) -> NotRows:
    return NotRows(f"`rows {'.'.join(names)}` finds nothing: {why}")

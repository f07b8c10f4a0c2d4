"""The usual embed, quickly: one member added to each object of a list that has no such member.

What is there already, or is no object, is left to the general walk (`embed.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from apiql.runtime.decode import has_struct, struct_of, to_json
from apiql.runtime.insertion import OBJECT, TooLarge


def appended(
    data: bytes, items: list[Raw], name: str, values: Iterable[bytes], most: int
) -> bytes | None:
    """The list with a member more in each of its objects. None where the walk must look closer.

    Raises:
        TooLarge: it would have more than `most` bytes.
    """
    rows = list(map(bytes, items))
    first = {row[:2] for row in rows}
    if {begin[:1] for begin in first} != {OBJECT} or not _lacks(data, name):
        return None
    known, written = [], 0
    for value in values:
        known.append(value)
        written += len(value)
        if written > most:
            raise TooLarge(most)
    opening = b"," + to_json(name) + b":"
    if first == {b'{"'}:
        opened = [row[:-1] + opening for row in rows]
    else:
        opened = [row[:-1] + opening[not row[1:-1].strip() :] for row in rows]
    pieces = [row + value for row, value in zip(opened, known, strict=True)]
    found = b"[" + b"},".join(pieces) + b"}]"
    if len(found) > most:
        raise TooLarge(most)
    return found


def _lacks(data: bytes, name: str) -> bool:
    """Whether no object of a list has such a member; a text in it may spell the name otherwise
    only with a backslash.
    """
    if to_json(name) not in data and b"\\" not in data:
        return True
    if not has_struct({name: None}):
        return False
    try:
        found = _peeker(name).decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError):
        return False
    return all(item.f0 is UNSET for item in found)


@lru_cache(maxsize=256)
def _peeker(name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(list[struct_of({name: None}, Raw)])  # type: ignore[misc]

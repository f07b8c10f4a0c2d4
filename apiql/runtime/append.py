"""The usual embed, quickly: one member added to each object of a list that has no such member.

What is there already, or is no object, is left to the general walk (`embed.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from apiql.runtime.decode import struct_of, to_json


def appended(
    data: bytes, items: list[Raw], name: str, values: Iterable[bytes]
) -> Iterator[bytes] | None:
    """Each object of a list with a member more, one by one: what grows too large can be given up.
    None where the walk must look closer.
    """
    if not _lacks(data, name):
        return None
    return _each(items, to_json(name) + b":", values)


def _each(items: list[Raw], opening: bytes, values: Iterable[bytes]) -> Iterator[bytes]:
    for item, value in zip(items, values, strict=True):
        inside = bytes(item)[:-1]
        mark = b"," if inside[1:].strip() else b""
        yield b"%b%b%b%b}" % (inside, mark, opening, value)


def _lacks(data: bytes, name: str) -> bool:
    """Whether a list holds objects only, none with such a member."""
    try:
        found = _peeker(name).decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError):
        return False
    return all(item.f0 is UNSET for item in found)


@lru_cache(maxsize=256)
def _peeker(name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(list[struct_of({name: None}, Raw)])  # type: ignore[misc]

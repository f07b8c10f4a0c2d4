"""`distinct`: of rows that are equal as far as they are shown, the first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.json import Decoder, Encoder

from apiql.runtime.decode import decoding
from apiql.runtime.json_values import Number, plainest
from apiql.runtime.ordering import Arrange
from apiql.runtime.row_reading import Entry
from apiql.runtime.scope import Scope
from apiql.runtime.shape import Shape


def compile_distinct(shape: Shape) -> Arrange:
    """The first of those that a projection makes the same of."""

    def arrange(entries: list[Entry], scope: Scope) -> list[Entry]:
        firsts: dict[bytes, Entry] = {}
        for entry in entries:
            firsts.setdefault(json_key(shape(bytes(entry.json), scope)), entry)
        return list(firsts.values())

    return arrange


def json_key(data: bytes) -> bytes:
    """The same bytes for equal JSON: 1.0 as 1, members by name. As `identity`, without making
    Python objects of it twice.
    """
    key: bytes = _normalized(data)
    return key


def _plainest(text: str) -> Number:
    return plainest(Decimal(text))


_decode = Decoder(float_hook=_plainest).decode
_encode = Encoder(decimal_format="number", order="sorted").encode


def _sorted(data: bytes) -> Any:
    return _encode(_decode(data))


_normalized = decoding(_sorted)

"""What a call is made of where it is made at once. Knows no work and no call."""

from __future__ import annotations

from typing import NamedTuple


class Outgoing(NamedTuple):
    """All that goes out: an absolute URL, header fields, a body. What the transport says itself
    stands in no field of it. `passing` are fields that differ each time, by which no two calls
    differ.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = None
    passing: tuple[tuple[str, str], ...] = ()

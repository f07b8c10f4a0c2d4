"""Header fields of answers as text."""

from __future__ import annotations

from functools import lru_cache

_NAMES = {
    name.encode(): name.lower()
    for name in (
        "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date",
        "ETag", "Server", "Transfer-Encoding", "Vary", "cache-control", "connection",
        "content-encoding", "content-length", "content-type", "date", "etag", "server",
        "transfer-encoding", "vary",
    )
}  # fmt: skip
"""The usual spellings, so that they need no decoding."""

_SHORT = 128


def field_text(name: bytes, value: bytes) -> tuple[str, str]:
    """Name in lower case and value. Short ones are kept: an upstream sends the same again and
    again, and what it can fill with kilobytes takes no lasting room.
    """
    short = len(name) + len(value) <= _SHORT
    return _kept(name, value) if short else _text(name, value)


@lru_cache(maxsize=4096)
def _kept(name: bytes, value: bytes) -> tuple[str, str]:
    return _text(name, value)


def _text(name: bytes, value: bytes) -> tuple[str, str]:
    """A header field as text."""
    return _NAMES.get(name) or name.lower().decode("ascii"), value.strip().decode("latin-1")

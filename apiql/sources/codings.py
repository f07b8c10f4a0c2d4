"""Undoing the one content coding of a body, piece by piece, under a cap of size and ratio.

At most one step (64 KiB) is decoded beyond a cap, whatever the body claims to unfold to.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli

from apiql.errors import CallFailed, Code
from apiql.sources.limits import Undecodable

ACCEPTED = "gzip, deflate, br"

_STEP = 64 << 10
_SLICE = 4 << 10
"""So little is given at a time that the ratio is that of what has really been read."""

_RATIO_FLOOR = 256 << 10
_MEMBERS = 64


class _Decoder(Protocol):
    """Undoes a coding: `step` yields at most about 64 KiB, and the rest is asked for with b''."""

    def step(self, data: bytes) -> bytes: ...

    @property
    def hungry(self) -> bool:
        """Whether all input given so far is used up."""
        ...

    @property
    def finished(self) -> bool: ...


class Decoding:
    """One encoded body being decoded."""

    def __init__(self, decoder: _Decoder, name: str, limit: int, ratio: int) -> None:
        self._decoder = decoder
        self._name = name
        self._limit = limit
        self._ratio = ratio
        self._parts: list[bytes] = []
        self._read = 0
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Takes the next piece. Raises `CallFailed`: BAD_PAYLOAD or UPSTREAM_TOO_LARGE."""
        for start in range(0, len(data), _SLICE):
            piece = data[start : start + _SLICE]
            self._read += len(piece)
            self._collect(self._step(piece))
            while not self._decoder.hungry:
                self._collect(self._step(b""))

    def end(self) -> bytes:
        """The whole body; raises `CallFailed` where the encoded one is cut. Empty stays empty."""
        if self._read and not self._decoder.finished:
            raise Undecodable(Code.BAD_PAYLOAD, f"the {self._name} body is cut short")
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def close(self) -> None:
        """Forgets what was decoded."""
        self._parts = []
        del self._decoder

    def _step(self, data: bytes) -> bytes:
        try:
            return self._decoder.step(data)
        except (zlib.error, brotli.error, _Damaged):
            raise Undecodable(Code.BAD_PAYLOAD, f"the {self._name} body is damaged") from None

    def _collect(self, piece: bytes) -> None:
        if piece:
            self._parts.append(piece)
            self.size += len(piece)
        if self.size > self._limit:
            raise CallFailed(
                Code.UPSTREAM_TOO_LARGE, f"the decoded body is larger than {self._limit} bytes"
            )
        if self.size > _RATIO_FLOOR and self.size > self._ratio * self._read:
            raise CallFailed(
                Code.UPSTREAM_TOO_LARGE, f"the {self._name} body unfolds over {self._ratio} times"
            )


def decoding(content_encoding: str, limit: int, ratio: int) -> Decoding | None:
    """How to undo a `Content-Encoding` value; None for `identity` and an empty one.

    Raises `CallFailed` BAD_PAYLOAD for several codings and for one that was not asked for.
    """
    name = content_encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip"):
        return Decoding(_Gzip(), "gzip", limit, ratio)
    if name == "deflate":
        return Decoding(_Deflate(), "deflate", limit, ratio)
    if name == "br":
        return Decoding(_Brotli(), "br", limit, ratio)
    if "," in name:
        raise Undecodable(Code.BAD_PAYLOAD, "the body has more than one content coding")
    raise Undecodable(Code.BAD_PAYLOAD, "the body has a content coding nobody asked for")


class _Damaged(Exception):
    """What follows the end of an encoded body is no continuation of it."""


class _Gzip:
    """RFC 1952: one or more members, and nothing else behind them."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._members = 1
        self._rest = b""
        self._full = False
        self.finished = False

    def step(self, data: bytes) -> bytes:
        given = self._rest + data if self._rest else data
        if self.finished and given:
            self._next_member()
        piece = self._member.decompress(given, _STEP)
        self.finished = self._member.eof
        self._rest = self._member.unused_data if self.finished else self._member.unconsumed_tail
        self._full = len(piece) == _STEP
        return piece

    @property
    def hungry(self) -> bool:
        return not self._rest and not self._full

    def _next_member(self) -> None:
        self._members += 1
        if self._members > _MEMBERS:
            raise _Damaged
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self.finished = False


class _Deflate:
    """RFC 1950 as the standard says, RFC 1951 as some servers send it: the first bytes tell."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._rest = b""
        self._full = False

    def step(self, data: bytes) -> bytes:
        given = self._rest + data if self._rest else data
        if self._stream is None:
            if len(given) < 2:
                self._rest = given
                return b""
            zlib_header = given[0] & 0x0F == 8 and (given[0] << 8 | given[1]) % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
        piece = self._stream.decompress(given, _STEP)
        if self._stream.unused_data:
            raise _Damaged
        self._rest = self._stream.unconsumed_tail
        self._full = len(piece) == _STEP
        return piece

    @property
    def hungry(self) -> bool:
        return self._stream is None or not (self._rest or self._full)

    @property
    def finished(self) -> bool:
        return self._stream is not None and self._stream.eof


class _Brotli:
    """RFC 7932; the library itself refuses what follows the end."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._dry = True

    def step(self, data: bytes) -> bytes:
        piece: bytes = self._stream.process(data, output_buffer_limit=_STEP)
        self._dry = not piece
        return piece

    @property
    def hungry(self) -> bool:
        ready: bool = self._stream.can_accept_more_data()
        return self.finished or (ready and self._dry)

    @property
    def finished(self) -> bool:
        ended: bool = self._stream.is_finished()
        return ended

"""The paths whose bodies are too large, on the wire or once their coding is undone."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
import zlib

import brotli

from tests.faults.exchange import JSON, OK, After, Exchange, Fault, answering, flooding, head

MIB = 1 << 20
OPENS, CLOSES = b'{"pad":"', b'"}'
BLOCK = b"x" * 65536
CHUNKED = "Transfer-Encoding: chunked"
ROWS = json.dumps([{"id": n} for n in range(5000)]).encode()


def packed(times: int, body: bytes) -> bytes:
    """A body with gzip over gzip."""
    return functools.reduce(lambda data, _: gzip.compress(data, 1, mtime=0), range(times), body)


def coded(coding: str) -> str:
    return f"Content-Encoding: {coding}"


def _folded(bits: int, mib: int, unit: bytes) -> bytes:
    """JSON whose text is a unit of a MiB, repeated; the unit is compressed but once."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = stream.compress(OPENS) + stream.flush(zlib.Z_FULL_FLUSH)
    body = stream.compress(unit) + stream.flush(zlib.Z_FULL_FLUSH)
    last = stream.compress(CLOSES) + stream.flush()
    plain = (OPENS, *([unit] * mib), CLOSES)
    if bits > zlib.MAX_WBITS:
        check = functools.reduce(lambda crc, part: zlib.crc32(part, crc), plain, 0)
        size = len(OPENS) + mib * len(unit) + len(CLOSES)
        start = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
        end = check.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
    else:
        check = functools.reduce(lambda sum_, part: zlib.adler32(part, sum_), plain, 1)
        start, end = b"\x78\xda", check.to_bytes(4, "big")
    return start + first + body * mib + last + end


@functools.cache
def bomb(coding: str, mib: int) -> bytes:
    """Valid JSON of so many MiB in a coding: `gzip`, `deflate`, `br`, `gzip, gzip` or `dense`."""
    if coding == "br":
        stream = brotli.Compressor(quality=1)
        parts = [stream.process(OPENS), *(stream.process(BLOCK) for _ in range(mib * 16))]
        return b"".join((*parts, stream.process(CLOSES), stream.finish()))
    if coding == "gzip, gzip":
        return gzip.compress(bomb("gzip", mib), 9, mtime=0)
    if coding == "dense":
        return _folded(zlib.MAX_WBITS | 16, mib, _dense())
    return _folded(zlib.MAX_WBITS | (16 if coding == "gzip" else 0), mib, b"x" * MIB)


def _dense() -> bytes:
    """A MiB that is folded some 80 times: just less than what is refused for its ratio."""
    words = [b"%06x" % (n * 2654435761 % (1 << 24)) for n in range(3000)]
    return b"".join(words).ljust(MIB, b"x")


def _bomb(coding: str, mib: int) -> Fault:
    name = {"gzip, gzip": "gzip-bomb-nested"}.get(coding, f"{coding}-bomb")
    sent = "gzip" if coding == "dense" else coding
    code = "BAD_PAYLOAD" if "," in coding else "UPSTREAM_TOO_LARGE"

    async def play(exchange: Exchange) -> None:
        size = int(exchange.asked("mb", mib))
        body = await asyncio.to_thread(bomb, coding, size)
        await exchange.answer(body, JSON, coded(sent))

    return Fault(f"/{name}", "compression", code, f"{sent} of ?mb={mib}", play)


async def _oversized(exchange: Exchange) -> None:
    blocks = int(exchange.asked("mb", 64)) * 16
    length = len(OPENS) + blocks * len(BLOCK) + len(CLOSES)
    await exchange.send(head(JSON, f"Content-Length: {length}") + OPENS)
    for _ in range(blocks):
        await exchange.send(BLOCK)
    await exchange.send(CLOSES)


async def _oversized_chunks(exchange: Exchange) -> None:
    await exchange.send(head(JSON, CHUNKED))
    await exchange.chunk(OPENS)
    for _ in range(int(exchange.asked("mb", 64)) * 16):
        await exchange.chunk(BLOCK)
    await exchange.chunk(CLOSES)
    await exchange.send(b"0\r\n\r\n")


async def _chain(exchange: Exchange) -> None:
    times = int(exchange.asked("n", 50))
    await exchange.answer(packed(times, OK), JSON, coded(", ".join(["gzip"] * times)))


def _gzip(path: str, expected: str, told: str, body: bytes, coding: str = "gzip") -> Fault:
    return Fault(path, "compression", expected, told, answering(body, coded(coding)))


SMALL = gzip.compress(OK, mtime=0)
HALF = gzip.compress(ROWS, mtime=0)
WRONG = SMALL[:-8] + bytes([SMALL[-8] ^ 0xFF]) + SMALL[-7:]
LARGE, BAD = "UPSTREAM_TOO_LARGE", "BAD_PAYLOAD"

FAULTS = (
    Fault("/oversized", "size", LARGE, "?mb=64 with its length", _oversized, After.ENDS),
    Fault("/oversized-chunked", "size", LARGE, "?mb=64 in chunks", _oversized_chunks, After.ENDS),
    Fault("/endless", "size", LARGE, "chunks for ever",
          flooding(head(JSON, CHUNKED), b"10000\r\n" + BLOCK + b"\r\n"),
          After.ENDS),
    _bomb("gzip", 1024),
    _bomb("gzip, gzip", 1024),
    _bomb("deflate", 1024),
    _bomb("br", 256),
    _bomb("dense", 64),
    Fault("/encoding-chain", "compression", BAD, "?n=50 times gzip", _chain),
    _gzip("/gzip-ok", "data", "well", SMALL),
    _gzip("/gzip-truncated", BAD, "half of it", HALF[: len(HALF) // 2]),
    _gzip("/gzip-badcrc", BAD, "a wrong sum", WRONG),
    _gzip("/gzip-lying", BAD, "not packed at all", OK),
    _gzip("/gzip-trailing", BAD, "more behind it", SMALL + b"JUNK" * 10),
    _gzip("/encoding-unknown", BAD, "a coding nobody asked for", OK, "x-rot13"),
    _gzip("/gzip-unasked", "data", "well, whatever was asked for", SMALL),
)  # fmt: skip

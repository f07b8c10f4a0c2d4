"""The paths that break the connection or the framing of HTTP/1.1."""

from __future__ import annotations

import asyncio
import functools

from tests.faults.exchange import (
    FOREVER,
    JSON,
    OK,
    After,
    Exchange,
    Fault,
    Gone,
    answering,
    flooding,
    head,
    sending,
)

LENGTH = "Content-Length: 11"
CHUNKED = "Transfer-Encoding: chunked"
KEPT = ("Connection: keep-alive", "Keep-Alive: timeout=60")
FORGED = head("Content-Length: 15") + b'{"forged":true}'
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


async def _nothing(exchange: Exchange) -> None:
    return


async def _reset(exchange: Exchange) -> None:
    exchange.reset()


async def _reset_later(exchange: Exchange) -> None:
    await exchange.send(head(JSON, "Content-Length: 1000") + b" " * 100)
    await exchange.pause(0.05)
    exchange.reset()


async def _half_close(exchange: Exchange) -> None:
    await exchange.send(head(JSON, "Content-Length: 1000") + b'{"a":12345')
    exchange.writer.write_eof()
    await exchange.pause(30)


async def _stall(exchange: Exchange) -> None:
    length, after = int(exchange.asked("len", 100_000)), int(exchange.asked("after", 1000))
    await exchange.send(head(JSON, f"Content-Length: {length}") + b" " * after)
    await exchange.pause(FOREVER)


async def _stale(exchange: Exchange) -> None:
    await exchange.answer(OK, JSON, *KEPT)
    await asyncio.sleep(exchange.asked("ms", 5) / 1000)


async def _early(exchange: Exchange) -> None:
    """Without a body there is nothing to leave unread, and the connection may go on."""
    if not int(exchange.header("content-length") or 0):
        return await exchange.send(head(JSON, LENGTH) + OK)
    exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await exchange.send(head(JSON, LENGTH) + OK)
    await asyncio.sleep(exchange.asked("s", 1.0))
    raise Gone


async def _extensions(exchange: Exchange) -> None:
    extension = b";x=" + b"e" * (int(exchange.asked("kb", 16)) * 1024)
    await exchange.send(head(JSON, CHUNKED))
    for _ in range(int(exchange.asked("n", 4000))):
        await exchange.chunk(b" ", extension)
    await exchange.send(b"0\r\n\r\n")


async def _huge_header(exchange: Exchange) -> None:
    size = int(exchange.asked("kb", 1024)) * 1024
    await exchange.send(head(JSON, LENGTH, "X-Big: " + "h" * size) + OK)


async def _many_headers(exchange: Exchange) -> None:
    await exchange.send(_repeated("X-{}: v", int(exchange.asked("n", 100_000))))


async def _cookies(exchange: Exchange) -> None:
    field = "Set-Cookie: c{}=" + "v" * 4000
    await exchange.send(_repeated(field, int(exchange.asked("n", 5000))))


@functools.cache
def _repeated(field: str, times: int) -> bytes:
    """A whole answer with a field so many times."""
    return head(JSON, LENGTH, *(field.format(n) for n in range(times))) + OK


HANGS = sending(then=FOREVER)
TOLD = sending(head(JSON, "Content-Length: 1000"), then=FOREVER)
CUT = "UPSTREAM_CONNECT"
SLOW = "UPSTREAM_TIMEOUT"
BAD = "BAD_PAYLOAD"
LARGE = "UPSTREAM_TOO_LARGE"

CONNECTION = (
    Fault("/close", "connection", CUT, "FIN and not one byte", _nothing, After.ENDS),
    Fault("/reset", "connection", CUT, "RST and not one byte", _reset, After.ENDS),
    Fault("/reset-after-headers", "connection", BAD, "a tenth of the body, then RST",
          _reset_later, After.ENDS),
    Fault("/half-close", "connection", BAD, "ten bytes of the body, FIN, and still listening",
          _half_close, After.ENDS),
    Fault("/hang", "connection", SLOW, "nothing, for ever", HANGS, After.ENDS),
    Fault("/hang-after-headers", "connection", SLOW, "a head, and nothing", TOLD, After.ENDS),
    Fault("/stall-body", "connection", SLOW, "?after=1000 of ?len=100000 bytes, and nothing",
          _stall, After.ENDS),
    Fault("/keepalive-trap", "connection", "data", "well, and RST when the next request comes",
          answering(OK, *KEPT), After.TRAPS),
    Fault("/stale-keepalive", "connection", "data", "well, and FIN after ?ms=5", _stale,
          After.ENDS),
    Fault("/early-response", "connection", "data", "well, and the body of the request unread",
          _early, unread=True),
    Fault("/early-413", "connection", "UPSTREAM_STATUS", "413 and FIN, the body unread",
          sending(head("Connection: close", "Content-Length: 2", status=413), b"{}"), After.ENDS,
          unread=True),
)  # fmt: skip

LENGTHS = (
    Fault("/wrong-length-short", "framing", BAD, "1000 bytes told, 11 sent",
          sending(head(JSON, "Content-Length: 1000"), OK), After.ENDS),
    Fault("/wrong-length-long", "framing", "data", "200 bytes more than told",
          sending(head(JSON, LENGTH, *KEPT), OK, b"Z" * 200, then=0.05), After.ENDS),
    Fault("/desync", "framing", "data", "a second, forged answer behind the first",
          sending(head(JSON, LENGTH), OK, FORGED)),
    Fault("/dup-length", "framing", BAD, "two lengths that differ",
          sending(head(JSON, LENGTH, "Content-Length: 5"), OK), After.ENDS),
    Fault("/cl-and-te", "framing", BAD, "a length and chunks",
          sending(head(JSON, "Content-Length: 5", CHUNKED), b"b\r\n", OK, b"\r\n0\r\n\r\n"),
          After.ENDS),
    Fault("/neg-length", "framing", BAD, "the length -1",
          sending(head(JSON, "Content-Length: -1"), OK), After.ENDS),
    Fault("/nan-length", "framing", BAD, "the length abc",
          sending(head(JSON, "Content-Length: abc"), OK), After.ENDS),
    Fault("/huge-length", "framing", LARGE, "the length 2^63, 11 bytes, and nothing",
          sending(head(JSON, f"Content-Length: {2**63}"), OK, then=FOREVER), After.ENDS),
    Fault("/no-length", "framing", "data", "well, and the end is FIN",
          sending(head(JSON, "Connection: close"), OK), After.ENDS),
    Fault("/chunk-bad", "framing", BAD, "a size of a chunk that is not hexadecimal",
          sending(head(JSON, CHUNKED), b"zz\r\n", OK, b"\r\n0\r\n\r\n"), After.ENDS),
    Fault("/chunk-truncated", "framing", BAD, "chunks without the last one",
          sending(head(JSON, CHUNKED), b"b\r\n", OK, b"\r\n"), After.ENDS),
    Fault("/chunk-huge-size", "framing", SLOW, "a chunk of 2^64 - 1 bytes, 11 sent",
          sending(head(JSON, CHUNKED), b"f" * 16 + b"\r\n", OK, then=FOREVER), After.ENDS),
    Fault("/chunk-ext-flood", "framing", LARGE, "?n=4000 chunks of a byte with ?kb=16 of extension",
          _extensions, After.ENDS),
)  # fmt: skip

HEADS = (
    Fault("/204-with-body", "framing", "data", "204 with a body behind it",
          sending(head(LENGTH, status=204), OK)),
    Fault("/304-unasked", "framing", "UPSTREAM_STATUS", "304 though nobody asked for one",
          sending(head(status=304))),
    Fault("/1xx-flood", "framing", BAD, "interim answers for ever", flooding(b"", INTERIM),
          After.ENDS),
    Fault("/101-unasked", "framing", BAD, "another protocol that nobody asked for",
          sending(head("Upgrade: other", "Connection: Upgrade", status=101), b"\0\1\2"),
          After.ENDS),
    Fault("/http09", "framing", BAD, "a body without a head", sending(OK + b"\n"), After.ENDS),
    Fault("/status-bad", "framing", BAD, "the status abc",
          sending(head("Content-Length: 2", status="abc"), b"{}"), After.ENDS),
    Fault("/status-999", "framing", BAD, "the status 999", answering(b"{}", status=999)),
    Fault("/status-000", "framing", BAD, "the status 000",
          sending(head("Content-Length: 2", status="000"), b"{}"), After.ENDS),
    Fault("/headers-huge", "framing", LARGE, "one field of ?kb=1024", _huge_header, After.ENDS),
    Fault("/headers-many", "framing", LARGE, "?n=100000 fields", _many_headers, After.ENDS),
    Fault("/headers-endless", "framing", LARGE, "fields for ever",
          flooding(b"HTTP/1.1 200 OK\r\n", (b"X-H%d: v\r\n" % n for n in range(1000))), After.ENDS),
    Fault("/header-nul", "framing", BAD, "NUL and a lone CR in a field",
          sending(head(JSON, "X-Bad: a\0b\rc", LENGTH), OK), After.ENDS),
    Fault("/header-badutf8", "framing", "data", "a field that is not UTF-8",
          sending(head(JSON, "X-Bad: \xff\xfe\xe9", LENGTH), OK)),
    Fault("/header-obsfold", "framing", BAD, "a field folded over two lines",
          sending(head(JSON, "X-Fold: a\r\n\tb", LENGTH), OK), After.ENDS),
    Fault("/bare-lf", "framing", BAD, "lines that end with LF alone",
          sending(head(JSON, LENGTH).replace(b"\r\n", b"\n"), OK), After.ENDS),
    Fault("/cookie-flood", "framing", LARGE, "?n=5000 cookies of 4 kB", _cookies, After.ENDS),
)  # fmt: skip

FAULTS = CONNECTION + LENGTHS + HEADS

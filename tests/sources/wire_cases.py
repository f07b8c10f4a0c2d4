"""What an upstream may say on the wire, and what is to come of it.

Each case gives what ours must do; where httpx's own does something else, that is written down
too, as the documented deviation.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass

import brotli

from tests.sources.raw_upstream import OK, reply

JSON = b'{"ok":true}'
H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = "refused"
"""Any httpx.TransportError or DecodingError."""


@dataclass(frozen=True)
class Case:
    """What one connection says, and what comes of it: (status, body) or REFUSED."""

    name: str
    wire: bytes
    ours: tuple[int, bytes] | str
    httpx: tuple[int, bytes] | str | None = None
    ends: str = "fin"
    method: str = "GET"

    @property
    def theirs(self) -> tuple[int, bytes] | str:
        return self.ours if self.httpx is None else self.httpx


def encoded(coding: str, body: bytes) -> bytes:
    return reply(body, f"Content-Encoding: {coding}")


CASES = [
    Case("content-length", reply(JSON), (200, JSON)),
    Case("length 0", reply(b""), (200, b"")),
    Case("no length, ends with EOF", H + b"\r\n" + JSON, (200, JSON)),
    Case("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n" + JSON, (200, JSON)),
    Case("no reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", (200, b"ok")),
    Case("404", reply(b"no", status="404 Not Found"), (404, b"no")),
    Case("chunked", CHUNKED + b'5\r\n{"ok"\r\n6\r\n:true}\r\n0\r\n\r\n', (200, JSON)),
    Case("chunk extension", CHUNKED + b"2;a=b\r\nok\r\n0\r\n\r\n", (200, b"ok")),
    Case("trailer", CHUNKED + b"2\r\nok\r\n0\r\nX: y\r\n\r\n", (200, b"ok")),
    Case("many chunks", CHUNKED + b"1\r\na\r\n" * 5000 + b"0\r\n\r\n", (200, b"a" * 5000)),
    Case("gzip", encoded("gzip", gzip.compress(JSON)), (200, JSON)),
    Case("x-gzip", encoded("x-gzip", gzip.compress(JSON)), (200, JSON), (200, gzip.compress(JSON))),
    Case("deflate", encoded("deflate", zlib.compress(JSON)), (200, JSON)),
    Case("raw deflate", encoded("deflate", zlib.compress(JSON)[2:-4]), (200, JSON)),
    Case("br", encoded("br", brotli.compress(JSON)), (200, JSON)),
    Case("identity", encoded("identity", JSON), (200, JSON)),
    Case("gzip without bytes", encoded("gzip", b""), (200, b"")),
    Case("unknown coding", encoded("x-rot13", JSON), REFUSED, (200, JSON)),
    Case(
        "gzip twice",
        encoded("gzip, gzip", gzip.compress(gzip.compress(JSON))),
        REFUSED,
        (200, JSON),
    ),
    Case("gzip cut", encoded("gzip", gzip.compress(JSON)[:-3]), REFUSED, (200, JSON)),
    Case("gzip lying", encoded("gzip", JSON), REFUSED),
    Case("gzip junk behind", encoded("gzip", gzip.compress(JSON) + b"j"), REFUSED, (200, JSON)),
    Case(
        "100, 103, 200",
        b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" + OK,
        (200, b"ok"),
    ),
    Case("8 interim", b"HTTP/1.1 102 P\r\n\r\n" * 8 + OK, (200, b"ok")),
    Case("9 interim", b"HTTP/1.1 102 P\r\n\r\n" * 9 + OK, REFUSED, (200, b"ok")),
    Case("101 unasked", b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", REFUSED),
    Case("101 bare", b"HTTP/1.1 101 S\r\n\r\nxxxx", REFUSED),
    Case("HEAD", H + b"Content-Length: 100\r\n\r\n", (200, b""), ends="stays", method="HEAD"),
    Case("HEAD, chunked", CHUNKED, (200, b""), ends="stays", method="HEAD"),
    Case(
        "HEAD, huge",
        H + b"Content-Length: 99999999999\r\n\r\n",
        (200, b""),
        ends="stays",
        method="HEAD",
    ),
    Case("204", b"HTTP/1.1 204 N\r\n\r\n", (204, b""), ends="stays"),
    Case(
        "204 with length",
        b"HTTP/1.1 204 N\r\nContent-Length: 2\r\n\r\nok",
        (204, b""),
        ends="stays",
    ),
    Case(
        "304 with length", b"HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n", (304, b""), ends="stays"
    ),
    Case("header in latin-1", H + b"X: \xff\xe9\r\nContent-Length: 2\r\n\r\nok", (200, b"ok")),
    Case("redirect", reply(b"", "Location: /x", status="302 F"), (302, b"")),
    # framing that does not add up
    Case("short", H + b"Content-Length: 1000\r\n\r\n" + JSON, REFUSED),
    Case("short, reset", H + b"Content-Length: 1000\r\n\r\n" + JSON, REFUSED, ends="reset"),
    Case("two lengths", H + b"Content-Length: 11\r\nContent-Length: 5\r\n\r\n" + JSON, REFUSED),
    Case(
        "one length twice",
        H + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        REFUSED,
        (200, b"ok"),
    ),
    Case("length list", H + b"Content-Length: 2, 2\r\n\r\nok", REFUSED, (200, b"ok")),
    Case(
        "length and chunked",
        H + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        REFUSED,
        (200, b"ok"),
    ),
    Case(
        "chunked and length",
        H + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        REFUSED,
        (200, b"ok"),
    ),
    Case(
        "gzip, chunked",
        H + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        REFUSED,
    ),
    Case(
        "chunked, gzip",
        H + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        REFUSED,
    ),
    Case("xchunked", H + b"Transfer-Encoding: xchunked\r\n\r\nok", REFUSED),
    Case(
        "chunked twice",
        H + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        REFUSED,
    ),
    Case(
        "chunked in HTTP/1.0",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        REFUSED,
        (200, b""),
    ),
    Case("negative length", H + b"Content-Length: -1\r\n\r\nok", REFUSED),
    Case("signed length", H + b"Content-Length: +2\r\n\r\nok", REFUSED),
    Case("length abc", H + b"Content-Length: abc\r\n\r\nok", REFUSED),
    Case("no length value", H + b"Content-Length:\r\n\r\nok", REFUSED),
    Case("chunk size zz", CHUNKED + b"zz\r\nok\r\n0\r\n\r\n", REFUSED),
    Case("chunk size -2", CHUNKED + b"-2\r\nok\r\n0\r\n\r\n", REFUSED),
    Case("chunk without end", CHUNKED + b"2\r\nok0\r\n\r\n", REFUSED),
    Case("chunks cut", CHUNKED + b"2\r\nok\r\n", REFUSED),
    Case("chunk size too large", CHUNKED + b"ffffffffffffffff1\r\nok\r\n", REFUSED),
    # heads that are none
    Case("nothing", b"", REFUSED),
    Case("nothing, reset", b"", REFUSED, ends="reset"),
    Case("half a head", H + b"Content-Le", REFUSED),
    Case("HTTP/0.9", JSON, REFUSED),
    Case("SSH", b"SSH-2.0-x\r\n\r\n", REFUSED),
    Case("HTTP/2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", REFUSED, (200, b"ok")),
    Case("HTTP/1.9", b"HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\nok", REFUSED, (200, b"ok")),
    Case("status abc", b"HTTP/1.1 abc OK\r\n\r\n", REFUSED),
    Case("status 20", b"HTTP/1.1 20 OK\r\n\r\n", REFUSED),
    Case("status 000", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n", REFUSED),
    Case("status 099", b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", REFUSED),
    Case("status 600", reply(b"", status="600 X"), REFUSED, (600, b"")),
    Case("status 999", reply(b"", status="999 X"), REFUSED, (999, b"")),
    Case("NUL in a value", H + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok", REFUSED),
    Case("bare CR in a value", H + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok", REFUSED),
    Case("line folding", H + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", REFUSED, (200, b"ok")),
    Case("bare LF", OK.replace(b"\r\n", b"\n"), REFUSED, (200, b"ok")),
    Case("space before colon", H + b"X : a\r\nContent-Length: 2\r\n\r\nok", REFUSED),
    Case("no colon", H + b"Xa\r\nContent-Length: 2\r\n\r\nok", REFUSED),
    # sizes
    Case("head of 60 KiB", reply(b"ok", "X: " + "a" * 60_000), (200, b"ok")),
    Case("head of 66 KiB", reply(b"ok", "X: " + "a" * 66_000), REFUSED, (200, b"ok")),
    Case("head of 1 MiB", reply(b"ok", "X: " + "a" * (1 << 20)), REFUSED),
    Case(
        "300 cookies",
        reply(b"ok", *(f"Set-Cookie: s{n}={'v' * 180}" for n in range(300))),
        (200, b"ok"),
    ),
    Case("900 fields", reply(b"ok", *(f"X{n}: 1" for n in range(900))), REFUSED, (200, b"ok")),
    Case("length 2^63", H + b"Content-Length: 9223372036854775808\r\n\r\n", REFUSED, ends="stays"),
    Case("length of 9 MiB", H + b"Content-Length: 9437184\r\n\r\n", REFUSED, ends="stays"),
]

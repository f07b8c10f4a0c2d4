"""What the test upstream answers at the paths that the rows of bad_queries.jsonl name."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
from collections.abc import Mapping

from tests.server.upstream import Exchange, Fault, answers, sends, stays

OK = b'{"ok":true}'
TYPE = "Content-Type: "
JSON = TYPE + "application/json"


def head(*fields: str) -> bytes:
    """The head of an answer with these fields."""
    return "\r\n".join(("HTTP/1.1 200 OK", JSON, *fields)).encode("latin-1") + b"\r\n\r\n"


def table(size: int) -> bytes:
    """A list of rows."""
    return json.dumps([{"id": n, "name": f"n{n}", "tags": ["a"]} for n in range(size)]).encode()


def packed(times: int, body: bytes) -> bytes:
    """A body with gzip over gzip."""
    return functools.reduce(lambda data, _: gzip.compress(data, 1), range(times), body)


def endless(first: bytes, unit: bytes, pause: float = 0) -> Fault:
    """Never comes to an end."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(first)
        while True:
            await exchange.send(unit)
            await asyncio.sleep(pause)

    return fault


async def trap(exchange: Exchange) -> None:
    """Healthy, but the connection dies when it is used again."""
    await exchange.answer(200, OK, JSON)
    await exchange.reader.read(1)
    exchange.reset()
    raise ConnectionResetError


async def half_close(exchange: Exchange) -> None:
    """Ends its own side in the middle of the body and stays."""
    await exchange.send(head("Content-Length: 1000") + b'{"ok":')
    exchange.writer.write_eof()
    await exchange.gone()


async def token(exchange: Exchange) -> None:
    """A token whose time is whatever `ttl` says, JSON or not."""
    ttl = exchange.target.partition("ttl=")[2]
    await exchange.answer(200, f'{{"token":"t","expires_in":{ttl}}}'.encode(), JSON)


BODIES: Mapping[str, bytes] = {
    "/": b"[]",
    "/obj/1": b'{"id":"1","name":"o","next_id":"2","nested":{"a":1}}',
    "/obj/2": b'{"id":"2","name":"o","next_id":"3","nested":{"a":1}}',
    "/obj/7": b'{"id":"7","name":"o","next_id":"8","nested":{"a":1}}',
    **{f"/json/{size}": table(size) for size in (1, 2, 3, 5, 10, 50, 100, 101, 1000)},
    "/json-nan": b'{"a":NaN,"b":Infinity,"c":-Infinity}',
    "/json-bigfloat": b'{"a":1e400,"b":-1e400}',
    "/json-bigint": b'{"a":' + b"9" * 10_000 + b"}",
    "/json-int64": b'{"a":9007199254740993,"b":9223372036854775808,"c":18446744073709551616}',
    "/json-dupkeys": b'{"id":1,"id":2}',
    "/json-surrogate": b'{"name":"\\ud800x"}',
    "/json-nul": b'{"a\\u0000b":"x\\u0000y"}',
    "/json-null": b"null",
    "/json-string": b'"hello"',
    "/json-wrongtype": b'{"id":[1,2],"name":{"x":1},"age":"old"}',
    "/json-script": '{"x":"</script><script>alert(1)</script>\u2028"}'.encode(),
    "/json-deep/100000": b"[" * 100_000 + b"]" * 100_000,
    "/invalid-utf8": b'{"a":"\xff\xfe\xc3\x28"}',
    "/garbage": bytes((7 * n * n + 13) % 256 for n in range(4096)),
    "/empty": b"",
    "/html-error": b"<html><h1>502 Bad Gateway</h1></html>",
    "/utf16": b"\xff\xfe" + '{"ok":true}'.encode("utf-16-le"),
    "/bom": b"\xef\xbb\xbf" + OK,
}

RAW: Mapping[str, bytes] = {
    "/chunk-bad": head("Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "/chunk-truncated": head("Transfer-Encoding: chunked") + b"b\r\n" + OK + b"\r\n",
    "/neg-length": head("Content-Length: -1") + OK,
    "/dup-length": head("Content-Length: 11", "Content-Length: 5") + OK,
    "/cl-and-te": head("Content-Length: 5", "Transfer-Encoding: chunked") + b"b\r\n" + OK,
    "/wrong-length-short": head("Content-Length: 1000") + OK,
    "/headers-huge": head("Content-Length: 11", "X-Big: " + "h" * (1 << 20)) + OK,
    "/status-000": b"HTTP/1.1 000 Zero\r\nContent-Length: 2\r\n\r\n{}",
    "/status-bad": b"HTTP/1.1 abc Weird\r\nContent-Length: 2\r\n\r\n{}",
    "/http09": OK + b"\n",
    "/header-badutf8": head("X-Bad: \xff\xfe\xe9", "Content-Length: 11") + OK,
    "/bare-lf": b"HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 11\n\n" + OK,
    "/stale-keepalive": head("Connection: keep-alive", "Content-Length: 11") + OK,
    "/early-413": b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
}

LOCATIONS: Mapping[str, str] = {
    "/redirect-metadata": "http://169.254.169.254/latest/meta-data/",
    "/redirect-localhost": "http://localhost:{C}/secret",
    "/redirect-decimal": "http://2130706433:{C}/",
    "/redirect-v6": "http://[::ffff:127.0.0.1]:{C}/",
    "/redirect-gopher": "gopher://127.0.0.1:6379/_INFO",
    "/redirect-userinfo": "http://good.example@127.0.0.1:{C}/",
    "/redirect-slashes": "//127.0.0.1:{C}/",
}

FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + b'{"forged":true}'

FAULTS: Mapping[str, Fault] = {
    **{path: answers(200, body, JSON) for path, body in BODIES.items()},
    **{path: sends(data) for path, data in RAW.items()},
    **{path: answers(302, b"", f"Location: {to}") for path, to in LOCATIONS.items()},
    "/redirect-noloc": answers(302, b""),
    "/304-unasked": stays(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "/204-with-body": stays(b"HTTP/1.1 204 None\r\nContent-Length: 11\r\n\r\n" + OK),
    "/desync": stays(head("Content-Length: 11") + OK + FORGED),
    "/huge-length": stays(head(f"Content-Length: {2**63}") + OK),
    "/no-ctype": stays(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + OK),
    "/wrong-ctype": answers(200, OK, TYPE + "text/plain"),
    "/latin1": answers(200, '{"a":"é"}'.encode("latin-1"), JSON + "; charset=iso-8859-1"),
    "/charset-bogus": answers(200, OK, JSON + "; charset=bogus-9000"),
    "/charset-codec": answers(200, OK, JSON + "; charset=zlib"),
    "/xml-bomb": answers(
        200, b'<!DOCTYPE l [<!ENTITY a "ha">]><l>&a;</l>', TYPE + "application/xml"
    ),
    "/encoding-unknown": answers(200, b'{"bx":gehr}', JSON, "Content-Encoding: x-rot13"),
    "/gzip-badcrc": answers(200, gzip.compress(OK)[:-8] + bytes(8), JSON, "Content-Encoding: gzip"),
    "/gzip-bomb-nested": answers(
        200, packed(2, bytes(1 << 24)), JSON, "Content-Encoding: gzip, gzip"
    ),
    "/encoding-chain": answers(
        200, packed(60, OK), JSON, "Content-Encoding: " + ", ".join(["gzip"] * 60)
    ),
    "/drip-headers": endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.05),
    "/headers-endless": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 100),
    "/1xx-flood": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "/endless": endless(head("Transfer-Encoding: chunked"), b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "/keepalive-trap": trap,
    "/half-close": half_close,
    "/token": token,
}

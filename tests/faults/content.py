"""The paths whose framing is right and whose body is not what it says, or points elsewhere."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from random import Random

from tests.faults.exchange import OK, Exchange, Fault, Play, answering

TEXT = "Content-Type: "
PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
) + b"]><l>&j;</l>"  # fmt: skip


async def _deep(exchange: Exchange) -> None:
    depth = int(exchange.word)
    opens, closes = (b'{"a":', b"}") if exchange.query.get("kind") == "object" else (b"[", b"]")
    inner = b"1" if closes == b"}" else b""
    await exchange.answer(opens * depth + inner + closes * depth, TEXT + "application/json")


async def _wide(exchange: Exchange) -> None:
    await exchange.answer(_members("k", 1, int(exchange.word)), TEXT + "application/json")


async def _collide(exchange: Exchange) -> None:
    await exchange.answer(_members("", 2**61 - 1, int(exchange.word)), TEXT + "application/json")


@functools.cache
def _members(first: str, factor: int, count: int) -> bytes:
    return json.dumps({f"{first}{n * factor}": n for n in range(count)}).encode()


def typed(kind: str, body: bytes = OK) -> Play:
    """A body under a Content-Type of its own; none where it is empty."""

    async def bare(exchange: Exchange) -> None:
        await exchange.answer(body)

    return answering(body, TEXT + kind) if kind else bare


def _content(path: str, expected: str, told: str, play: Play | bytes, asked: str = "") -> Fault:
    made = answering(play) if isinstance(play, bytes) else play
    return Fault(path, "content", expected, told, made, asked=asked)


BAD, DATA = "BAD_PAYLOAD", "data"
JSON = "application/json"
CONTENT = (
    _content("/garbage", BAD, "4 KiB of chance", Random(7).randbytes(4096)),
    _content("/html-error", BAD, "a page that calls itself JSON", PAGE),
    _content("/html-typed", BAD, "a page", typed("text/html", PAGE)),
    _content("/empty", BAD, "no byte", b""),
    _content("/whitespace", BAD, "spaces", b"   \n  "),
    _content("/invalid-utf8", BAD, "a text that is not UTF-8", b'{"name":"\xff\xfe\xc3\x28"}'),
    _content("/utf16", BAD, "UTF-16", b"\xff\xfe" + OK.decode().encode("utf-16-le")),
    _content("/bom", DATA, "a byte order mark first", b"\xef\xbb\xbf" + OK),
    _content("/latin1", BAD, "Latin-1, and says so",
             typed(f"{JSON}; charset=iso-8859-1", '{"name":"café"}'.encode("latin-1"))),
    _content("/charset-bogus", DATA, "a charset that is none",
             typed(f"{JSON}; charset=bogus-9000")),
    _content("/charset-codec", DATA, "a charset that is a codec", typed(f"{JSON}; charset=zlib")),
    _content("/no-ctype", DATA, "no Content-Type", typed("")),
    _content("/wrong-ctype", DATA, "JSON that calls itself text", typed("text/plain")),
    _content("/json-truncated", BAD, "JSON, cut", b'{"items":[{"id":1},{"id":'),
    _content("/json-trailing", BAD, "JSON and more", OK + b"garbage"),
    _content("/json-two", BAD, "JSON twice", b'{"a":1}{"a":2}'),
    _content("/json-nan", BAD, "NaN and Infinity", b'{"a":NaN,"b":Infinity,"c":-Infinity}'),
    _content("/json-bigfloat", DATA, "1e400", b'{"a":1e400,"b":-1e400}'),
    _content("/json-bigint", BAD, "10,000 digits", b'{"a":' + b"9" * 10_000 + b"}"),
    _content("/json-int64", DATA, "integers beyond 2^53",
             b'{"a":9007199254740993,"b":9223372036854775808,"c":18446744073709551616}'),
    _content("/json-dupkeys", DATA, "a key twice", b'{"id":1,"id":2}'),
    _content("/json-surrogate", BAD, "half a character", b'{"name":"\\ud800x"}'),
    _content("/json-nul", DATA, "NUL in a text and a key", b'{"a\\u0000b":"x\\u0000y"}'),
    _content("/json-proto", DATA, "keys that mean something elsewhere",
             b'{"__proto__":{"admin":true},"constructor":1,"__class__":"x","__dict__":{}}'),
    _content("/json-scalar", DATA, "a number", b"42"),
    _content("/json-null", DATA, "null", b"null"),
    _content("/json-string", DATA, "a text", b'"hello"'),
    _content("/json-wrongtype", DATA, "other types", b'{"id":[1,2],"name":{"x":1},"age":"old"}'),
    _content("/json-script", DATA, "what a page would run",
             json.dumps({"x": "</script><script>alert(1)</script>\u2028"}).encode()),
    _content("/xml-bomb", BAD, "XML that unfolds", typed("application/xml", LAUGHS)),
    _content("/json-deep/{}", BAD, "{} lists in each other, or objects by ?kind=object", _deep,
             "/json-deep/100000"),
    _content("/json-wide/{}", DATA, "an object of {} members", _wide, "/json-wide/20000"),
    _content("/json-collide/{}", DATA, "{} keys that look alike", _collide, "/json-collide/20000"),
)  # fmt: skip


def _leading(place: Callable[[Exchange], str], status: int = 302) -> Play:
    async def play(exchange: Exchange) -> None:
        code = int(exchange.asked("code", status))
        await exchange.json({}, f"Location: {place(exchange)}", status=code)

    return play


def _redirect(path: str, place: Callable[[Exchange], str] | str, status: int = 302,
              asked: str = "") -> Fault:  # fmt: skip
    """`{C}` is the port of the listener nobody may reach, `{P}` the upstream's own."""

    def where(exchange: Exchange) -> str:
        shared = exchange.shared
        found = place if isinstance(place, str) else place(exchange)
        return found.replace("{C}", str(shared.canary)).replace("{P}", str(shared.port))

    told = f"{status} to {place}" if isinstance(place, str) else f"{status}"
    return Fault(path, "redirect", "UPSTREAM_STATUS", told, _leading(where, status), asked=asked)


def _next(exchange: Exchange) -> str:
    left = int(exchange.word) - 1
    return f"/redirect-chain/{left}" if left else "/ok"


async def _nowhere(exchange: Exchange) -> None:
    await exchange.json({}, status=302)


REDIRECTS = (
    _redirect("/redirect", lambda exchange: exchange.query.get("to", "/ok")),
    _redirect("/redirect-loop", "/redirect-loop"),
    _redirect("/redirect-chain/{}", _next, asked="/redirect-chain/5"),
    _redirect("/redirect-canary", "http://127.0.0.1:{C}/secret"),
    _redirect("/redirect-canary-307", "http://127.0.0.1:{C}/secret", 307),
    _redirect("/redirect-localhost", "http://localhost:{C}/secret"),
    _redirect("/redirect-decimal", "http://2130706433:{C}/"),
    _redirect("/redirect-v6", "http://[::ffff:127.0.0.1]:{C}/"),
    _redirect("/redirect-metadata", "http://169.254.169.254/latest/meta-data/"),
    _redirect("/redirect-file", "file:///etc/passwd"),
    _redirect("/redirect-gopher", "gopher://127.0.0.1:6379/_INFO"),
    _redirect("/redirect-userinfo", "http://good.example@127.0.0.1:{C}/"),
    _redirect("/redirect-slashes", "//127.0.0.1:{C}/"),
    _redirect("/redirect-downgrade", "http://localhost:{P}/echo"),
    _redirect("/redirect-bad", "http://[not-an-address"),
    _redirect("/redirect-empty", ""),
    Fault("/redirect-noloc", "redirect", "UPSTREAM_STATUS", "302 to nowhere", _nowhere),
)

FAULTS = CONTENT + REDIRECTS

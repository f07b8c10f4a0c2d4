"""T25: an answer whose end is said twice or wrongly puts bytes before the next caller's answer."""

from __future__ import annotations

import asyncio

import pytest

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.security.upstream_faults import FAULTS, FORGED, OK, RAW, head
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, stays, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHUNKED = "Transfer-Encoding: chunked"
DESYNCED = {
    "two answers": head("Content-Length: 11") + OK + FORGED,
    "an answer behind chunks": head(CHUNKED) + b"b\r\n" + OK + b"\r\n0\r\n\r\n" + FORGED,
    "length and chunks": head("Content-Length: 3", CHUNKED)
    + b"b\r\n"
    + OK
    + b"\r\n0\r\n\r\n"
    + FORGED,
    "two lengths": head("Content-Length: 11", "Content-Length: 2") + OK + FORGED,
    "two lengths in one": head("Content-Length: 11, 2") + OK + FORGED,
    "a length with a sign": head("Content-Length: +11") + OK + FORGED,
    "a negative length": head("Content-Length: -11") + OK + FORGED,
    "a length in hex": head("Content-Length: 0xb") + OK + FORGED,
    "blank lines behind": head("Content-Length: 11") + OK + b"\r\n\r\n" + FORGED,
    "204 with a body": b"HTTP/1.1 204 None\r\nContent-Length: 60\r\n\r\n" + FORGED,
    "304 unasked": b"HTTP/1.1 304 Not Modified\r\n\r\n" + FORGED,
    "an interim too many": b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + head("Content-Length: 11") + OK,
    "a bare CR": b"HTTP/1.1 200 OK\rContent-Length: 11\r\n\r\n" + OK + FORGED,
    "a folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n Content-Length: 2\r\n\r\n{}" + FORGED,
    "a space before the colon": head("Content-Length : 11") + OK + FORGED,
    "a NUL in a field": head("X-A: b\x00c", "Content-Length: 11") + OK + FORGED,
    "chunks that overflow": head(CHUNKED) + b"ffffffffffffffff1\r\n" + OK + FORGED,
    "a chunk with a sign": head(CHUNKED) + b"-b\r\n" + OK + b"\r\n0\r\n\r\n" + FORGED,
    "chunked, spelt otherwise": head("Transfer-Encoding: xchunked") + b"b\r\n" + OK + FORGED,
    "chunked over chunked": head("Transfer-Encoding: chunked, chunked") + b"b\r\n" + OK + FORGED,
    "trailers with a length": head(CHUNKED) + b"0\r\nContent-Length: 60\r\n\r\n" + FORGED,
}


async def test_nothing_of_it_reaches_the_next_call() -> None:
    """Each on a kept connection, with several callers before and after."""
    faults = {f"/bad/{n}": stays(data) for n, data in enumerate(DESYNCED.values())}
    async with upstream(faults) as up:
        async with serving(create_app(settings_for(up))) as url:
            site = Site(url)
            for number, name in enumerate(DESYNCED):
                for turn in range(4):
                    up.forget()
                    first = await site.ask(f"select * from /bad/{number}?{turn} as f")
                    assert b"forged" not in first.body, name
                    spoilt = up.seen[-1].writer
                    after = [site.ask(f"select * from /ok?{n} as o") for n in range(4)]
                    for answer in await asyncio.gather(*after):
                        assert answer.json() == {"data": {"o": {"ok": True}}}, name
                    assert all(later.writer is not spoilt for later in up.seen[1:]), name


@pytest.mark.parametrize("path", RAW)
async def test_a_broken_answer_is_an_error_of_its_task(site: Site, up: Upstream, path: str) -> None:
    for turn in range(3):
        response = await site.ask(f"select * from {path}?{turn} as f; select * from /ok")
        assert response.json()["data"]["ok"] == {"ok": True}
        codes = set(response.codes())
        assert codes <= {"BAD_PAYLOAD", "UPSTREAM_TOO_LARGE", "UPSTREAM_CONNECT",
                         "UPSTREAM_STATUS", "UPSTREAM_TIMEOUT"}  # fmt: skip
        if path not in ("/header-badutf8", "/stale-keepalive"):
            assert codes, path


async def test_the_paths_are_there() -> None:
    assert set(RAW) <= set(FAULTS)

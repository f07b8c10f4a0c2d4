"""T24: a few compressed bytes, from a client or an upstream, unfold to more than memory holds."""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import brotli
import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import JSON, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, answers, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1 << 20
TYPE = "Content-Type: application/json"
CODINGS = ("gzip", "deflate", "br", "x-gzip", "gzip, gzip", "br, gzip")


@functools.cache
def bombs() -> dict[str, bytes]:
    """A body for each of `CODINGS`: packed when the first test wants one."""
    zeros = b'{"a":"' + b"0" * (64 * MIB) + b'"}'
    once, brotlied = gzip.compress(zeros, 9), brotli.compress(zeros, quality=5)
    twice = gzip.compress(once, 9)
    bodies = (once, zlib.compress(zeros, 9), brotlied, twice, twice, gzip.compress(brotlied))
    return dict(zip(CODINGS, bodies, strict=True))


def rather(size: int) -> bytes:
    """JSON that packs to about a twentieth."""
    lines = (hashlib.sha512(b"%d" % n).hexdigest() * 20 for n in range(size // 2560))
    return b'{"a":"' + "".join(lines).encode() + b'"}'


ALONE = {
    "small, and unfolds a thousand times": (b'{"a":"' + b"0" * (4 * MIB) + b'"}', "over 100 times"),
    "large, and unfolds twenty times": (rather(12 * MIB), "larger than 8388608"),
}
"""Each is over one cap alone."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream]]:
    faults = {
        f"/bomb/{n}": answers(200, body, TYPE, f"Content-Encoding: {coding}")
        for n, (coding, body) in enumerate(bombs().items())
    } | {
        f"/alone/{n}": answers(200, gzip.compress(body), TYPE, "Content-Encoding: gzip")
        for n, (body, _) in enumerate(ALONE.values())
    }
    async with upstream(faults) as up:
        settings = settings_for(up, LIMITS__CALL_TIMEOUT="20s", LIMITS__QUERY_TIMEOUT="30s")
        async with serving(create_app(settings)) as url:
            yield Site(url), up


@pytest.mark.parametrize("coding", CODINGS)
async def test_it_is_given_up_early(ground: tuple[Site, Upstream], coding: str) -> None:
    site, _ = ground
    number = CODINGS.index(coding)
    tracemalloc.start()
    try:
        response = await site.ask(f"select * from /bomb/{number} as f; select * from /ok")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert set(response.codes()) <= {"UPSTREAM_TOO_LARGE", "BAD_PAYLOAD"}
    assert response.json()["data"] == {"f": None, "ok": {"ok": True}}
    assert peak < 32 * MIB


@pytest.mark.parametrize("what", ALONE)
async def test_either_cap_is_enough(ground: tuple[Site, Upstream], what: str) -> None:
    site, _ = ground
    response = await site.ask(f"select * from /alone/{[*ALONE].index(what)} as f")
    assert response.codes() == ["UPSTREAM_TOO_LARGE"]
    assert ALONE[what][1] in response.json()["errors"][0]["message"]


async def test_thirty_at_once(ground: tuple[Site, Upstream]) -> None:
    site, _ = ground
    tracemalloc.start()
    try:
        asked = [site.ask(f"select * from /bomb/{n % 3}?n={n} as f") for n in range(30)]
        answers = await asyncio.gather(*asked)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {response.status for response in answers} == {502}
    assert peak < 300 * MIB


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip", "zstd", "x-rot13"])
async def test_requests_are_not_decoded(ground: tuple[Site, Upstream], coding: str) -> None:
    site, up = ground
    up.forget()
    fields = {"Content-Type": JSON, "Content-Encoding": coding}
    response = await site.send("POST", "/apiql", bombs()["gzip"], fields)
    assert (response.status, response.codes()) == (415, ["UNSUPPORTED_MEDIA_TYPE"])
    assert not up.seen

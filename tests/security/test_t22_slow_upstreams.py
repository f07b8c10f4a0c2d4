"""T22: an upstream that hangs, drips or floods holds a query and its connection for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.security.upstream_faults import endless, head
from tests.server.client import Site, request_bytes
from tests.server.conftest import settings_for
from tests.server.upstream import Fault, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALL_S = 0.4
PATIENCE_S = 10.0
"""Beyond this a machine with other work is not what makes it late."""
CHUNKED = head("Transfer-Encoding: chunked")
SLOW: dict[str, Fault] = {
    "/drip-head": endless(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", 0.02),
    "/drip-fields": endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.05),
    "/drip-body": endless(head("Content-Length: 100000") + b'{"a":', b" ", 0.02),
    "/drip-chunks": endless(CHUNKED, b"1\r\n \r\n", 0.02),
    "/drip-interim": endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.2),
    "/flood": endless(CHUNKED, b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "/flood-interim": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "/flood-head": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 100),
}
ENDINGS = {"UPSTREAM_TIMEOUT", "UPSTREAM_TOO_LARGE", "BAD_PAYLOAD"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream]]:
    async with upstream(SLOW) as up:
        settings = settings_for(
            up, UPSTREAMS__DEFAULT__DEADLINE_HEADER="X-Request-Timeout-Ms",
            LIMITS__CALL_TIMEOUT="2500ms",
        )  # fmt: skip
        async with serving(create_app(settings)) as url:
            yield Site(url), up


async def until_alone(up: Upstream) -> None:
    """Until nobody holds a call of the upstream any more."""
    async with asyncio.timeout(PATIENCE_S):
        while up.waiting:  # noqa: ASYNC110  # the end of somebody else's connection
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("path", [*SLOW, "/hang", "/stall"])
async def test_its_select_ends_by_its_deadline_and_alone(
    ground: tuple[Site, Upstream], path: str
) -> None:
    site, up = ground
    begun = time.monotonic()
    response = await site.ask(f"select * from {path} as f timeout 400ms; select * from /ok")
    assert time.monotonic() - begun < CALL_S + PATIENCE_S
    assert response.json()["data"] == {"f": None, "ok": {"ok": True}}
    assert set(response.codes()) <= ENDINGS
    await until_alone(up)


async def test_each_call_that_was_begun_is_ended(ground: tuple[Site, Upstream]) -> None:
    site, up = ground
    up.forget()
    asked = [site.ask(f"select * from /hang?n={n} as f timeout 400ms") for n in range(20)]
    answers = await asyncio.gather(*asked)
    assert {response.status for response in answers} == {504}
    await until_alone(up)
    assert up.left == up.hits["/hang"] == 20


async def test_a_client_that_leaves_ends_its_call(ground: tuple[Site, Upstream]) -> None:
    site, up = ground
    up.forget()
    _, writer = await site.connect()
    body = b"select * from /hang as f"
    writer.write(request_bytes("POST", "/apiql", body, {"Content-Type": "text/plain"}))
    begun = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while not up.waiting:  # noqa: ASYNC110  # another's event
            await asyncio.sleep(0.005)
    writer.transport.abort()
    await until_alone(up)
    assert up.left == 1
    assert time.monotonic() - begun < 2.4


async def test_an_upstream_is_told_what_time_is_left(ground: tuple[Site, Upstream]) -> None:
    site, up = ground
    up.forget()
    await site.ask("select * from /ok timeout 300ms")
    told = dict(up.seen[0].headers)["X-Request-Timeout-Ms"]
    assert 0 <= int(told) <= 300

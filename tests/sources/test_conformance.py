"""HTTP/1.1 on the wire, seen at httpx's seam: our transport next to httpx's own; bodies decoded."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from apiql.sources.http import PooledTransport
from apiql.sources.httpx_seam import HttpxTransport
from tests.sources.raw_upstream import OK, Peer, answering, once, reply, upstream
from tests.sources.wire_cases import CASES, CHUNKED, JSON, REFUSED, H


@pytest_asyncio.fixture(params=["ours", "httpx"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncBaseTransport]:
    if request.param == "httpx":
        own = httpx.AsyncHTTPTransport(trust_env=False)
        yield own
        await own.aclose()
        return
    pooled = PooledTransport()
    yield HttpxTransport(pooled, pinned=True, aclose=pooled.aclose)
    await pooled.aclose()


def is_ours(transport: httpx.AsyncBaseTransport) -> bool:
    return isinstance(transport, HttpxTransport)


async def fetch(
    transport: httpx.AsyncBaseTransport, url: str, method: str = "GET", read: float = 2.0, **more
) -> httpx.Response:
    timeout = {"connect": 2.0, "read": read, "write": 2.0, "pool": 2.0}
    request = httpx.Request(method, url, extensions={"timeout": timeout}, **more)
    response = await transport.handle_async_request(request)
    response.request = request
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case(transport, case):
    async with upstream(once(case.wire, ends=case.ends)) as raw:
        try:
            patience = 0.2 if case.ends == "stays" else 2.0
            response = await fetch(transport, raw.url, case.method, patience)
            found: tuple[int, bytes] | str = (response.status_code, response.content)
        except (httpx.TransportError, httpx.DecodingError):
            found = REFUSED
    assert found == (case.ours if is_ours(transport) else case.theirs)


async def test_a_connection_is_kept_and_used_again(transport):
    async with upstream(answering(OK)) as raw:
        for _ in range(5):
            await fetch(transport, raw.url)
        assert raw.accepted == 1


@pytest.mark.parametrize("wire", [CHUNKED + b"2\r\nok\r\n0\r\n\r\n", reply(b""), OK])
async def test_any_complete_answer_lets_the_connection_be_used_again(transport, wire):
    async with upstream(answering(wire)) as raw:
        await fetch(transport, raw.url)
        await fetch(transport, raw.url)
        assert raw.accepted == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_answers_without_a_body_let_the_connection_be_used_again(transport, method):
    wire = H + b"Content-Length: 5\r\n\r\n" if method == "HEAD" else b"HTTP/1.1 204 N\r\n\r\n"
    async with upstream(answering(wire, OK)) as raw:
        await fetch(transport, raw.url, method)
        assert (await fetch(transport, raw.url)).content == b"ok"
        assert raw.accepted == 1


async def test_connection_close_is_obeyed(transport):
    async with upstream(answering(reply(b"ok", "Connection: close"))) as raw:
        await fetch(transport, raw.url)
        await fetch(transport, raw.url)
        assert raw.accepted == 2


FORGED = reply(b"forged")


@pytest.mark.parametrize(
    "wire",
    [
        OK + FORGED,
        OK + b"surplus",
        OK + b"\r\n",
        OK + b"HTTP/1.1 2",
        b"HTTP/1.1 204 N\r\n\r\n" + FORGED,
        b"HTTP/1.1 304 N\r\nContent-Length: 6\r\n\r\nforged",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + FORGED,
        CHUNKED + b"2\r\nok\r\n0\r\n\r\n\r\n",
        reply(b"ok\r\n") + b"\r\n",
        reply(b"ok", "Connection: close") + FORGED,
    ],
)
async def test_bytes_behind_an_answer_never_reach_the_next_call(wire):
    pooled = PooledTransport()
    ours = HttpxTransport(pooled, pinned=True)
    async with upstream(answering(wire), answering(reply(b"next"))) as raw:
        first = await fetch(ours, raw.url)
        assert b"forged" not in first.content
        assert (await fetch(ours, raw.url)).content == b"next"
        assert raw.accepted == 2
    await pooled.aclose()


async def test_the_request_arrives_as_sent(transport):
    async with upstream(answering(OK)) as raw:
        headers = {"X-One": "1", "X-Latin": "é".encode("latin-1")}
        await fetch(transport, f"{raw.url}/a%20b?c=%2F", "POST", content=b"body", headers=headers)
    head, _, body = raw.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a%20b?c=%2F HTTP/1.1"
    assert body == b"body"
    fields = [line.lower() for line in lines[1:]]
    assert f"host: 127.0.0.1:{raw.port}".encode() in fields
    assert b"content-length: 4" in fields
    assert b"x-one: 1" in fields
    assert b"x-latin: \xe9" in fields
    assert len(fields) == len({field.partition(b":")[0] for field in fields})


async def test_cookies_are_not_kept_and_redirects_not_followed(transport):
    wire = reply(b"", "Set-Cookie: sid=1", "Location: /elsewhere", status="302 Found")
    async with upstream(answering(wire)) as raw:
        for _ in range(2):
            response = await fetch(transport, raw.url)
            assert response.status_code == 302
            assert response.headers["location"] == "/elsewhere"
    assert len(raw.requests) == 2
    assert not any(b"ookie" in request for request in raw.requests)


@pytest.mark.parametrize("step", [1, 3, 1000])
async def test_answers_may_come_in_pieces(transport, step):
    wire = reply(gzip.compress(JSON), "Content-Encoding: gzip")

    async def drip(peer: Peer) -> None:
        await peer.request()
        for start in range(0, len(wire), step):
            await peer.send(wire[start : start + step])
        await peer.gone()

    async with upstream(drip) as raw:
        assert (await fetch(transport, raw.url)).content == JSON


async def test_an_early_answer_to_a_large_request_is_delivered(transport):
    async def early(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(reply(b"no", status="413 Too Large"))
        await peer.reader.read(1)
        await peer.gone()

    async with upstream(early, answering(OK)) as raw:
        response = await fetch(transport, raw.url, "POST", content=bytes(4 << 20))
        assert response.status_code == 413
        if is_ours(transport):  # httpx reuses the connection with the request half sent
            assert (await fetch(transport, raw.url)).content == b"ok"
            assert raw.accepted == 2

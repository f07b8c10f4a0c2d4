"""Both adapters to httpx: errors translated either way, the same rules over httpx's transports."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.dialects import dialect
from apiql.sources.httpx_seam import HttpxTransport, via_httpx
from apiql.sources.limits import TransportLimits, Unanswered, Undecodable, Unreached
from tests.sources.raw_upstream import OK, answering, call, hanging, once, reply, until, upstream

ORIGIN = Origin("http", "a.test", 8080, pinned=True)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Unreached(Code.UPSTREAM_TIMEOUT, "x"), httpx.ConnectTimeout),
        (Unreached(Code.UPSTREAM_CONNECT, "x"), httpx.ConnectError),
        (Unreached(Code.FORBIDDEN_UPSTREAM, "x"), httpx.ConnectError),
        (CallFailed(Code.UPSTREAM_TIMEOUT, "x"), httpx.ReadTimeout),
        (Unanswered(Code.UPSTREAM_CONNECT, "x"), httpx.ReadError),
        (Undecodable(Code.BAD_PAYLOAD, "x"), httpx.DecodingError),
        (CallFailed(Code.BAD_PAYLOAD, "x"), httpx.RemoteProtocolError),
        (CallFailed(Code.UPSTREAM_TOO_LARGE, "x"), httpx.RemoteProtocolError),
        (CallFailed(Code.BAD_VALUE, "x"), httpx.LocalProtocolError),
    ],
)
async def test_failures_become_errors_of_httpx(failure, error):
    async def failing(made: Call) -> Reply:
        raise failure

    async with httpx.AsyncClient(transport=HttpxTransport(failing), trust_env=False) as client:
        with pytest.raises(error):
            await client.get("http://a.test/")


async def test_a_client_of_httpx_works_on_any_layer():
    seen: list[Call] = []

    async def layer(made: Call) -> Reply:
        seen.append(made)
        return Reply(200, (("content-type", "application/json"), ("x", "é")), b'{"a":1}')

    async with httpx.AsyncClient(
        transport=HttpxTransport(layer, pinned=True), trust_env=False
    ) as client:
        response = await client.post("https://BÜcher.test/a b?c=d#e", json={"k": 1}, timeout=3)
    assert response.json() == {"a": 1}
    made = seen[0]
    assert made.origin == Origin("https", "xn--bcher-kva.test", 443, pinned=True)
    assert (made.method, made.target, made.body) == ("POST", "/a%20b?c=d", b'{"k":1}')
    names = {name.lower() for name, _ in made.headers}
    assert "content-type" in names
    assert names.isdisjoint({"host", "content-length", "connection"})
    assert 2 < made.deadline - asyncio.get_running_loop().time() <= 3


@pytest.mark.parametrize("url", ["ftp://a.test/", "http://2130706433/", "http://u:p@a.test/"])
async def test_urls_that_are_no_origins_are_refused(url):
    async def never(made: Call) -> Reply:
        raise AssertionError

    async with httpx.AsyncClient(transport=HttpxTransport(never), trust_env=False) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get(url)


class Body(httpx.AsyncByteStream):
    """A stream of pieces that knows whether it was closed."""

    def __init__(self, *pieces: bytes, hangs: bool = False) -> None:
        self.pieces = pieces
        self.hangs = hangs
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.hangs:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


def mocked(response: httpx.Response | Exception, **limits) -> tuple[list[httpx.Request], Layer]:
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    return seen, via_httpx(httpx.MockTransport(answer), TransportLimits(**limits))


async def test_a_call_through_httpx():
    seen, layer = mocked(httpx.Response(201, headers={"X-A": "b"}, stream=Body(b"o", b"k")))
    made = call(ORIGIN, "/p?q=%2F", "POST", headers=(("X", "é"),), body=b"x")
    assert await layer(made) == Reply(201, (("x-a", "b"),), b"ok")
    assert str(seen[0].url) == "http://a.test:8080/p?q=%2F"
    assert seen[0].headers["host"] == "a.test:8080"
    assert (seen[0].headers.raw.count((b"X", b"\xe9")), seen[0].content) == (1, b"x")


async def test_bodies_are_decoded_under_the_same_rules():
    body = Body(gzip.compress(b"hello"))
    _, layer = mocked(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=body))
    assert await layer(call(ORIGIN)) == Reply(200, (), b"hello")
    assert body.closed


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, Body(b"x" * 600, b"x" * 600), Code.UPSTREAM_TOO_LARGE),
        ({"Content-Length": "5000"}, Body(), Code.UPSTREAM_TOO_LARGE),
        ({"Content-Encoding": "gzip"}, Body(gzip.compress(bytes(5000))), Code.UPSTREAM_TOO_LARGE),
        ({"Content-Encoding": "gzip"}, Body(b"x"), Code.BAD_PAYLOAD),
        ({"Content-Encoding": "gzip, gzip"}, Body(b"x"), Code.BAD_PAYLOAD),
        ({"Content-Length": "1", "Transfer-Encoding": "chunked"}, Body(b"x"), Code.BAD_PAYLOAD),
        ({"X": "y" * 70_000}, Body(b"x"), Code.UPSTREAM_TOO_LARGE),
    ],
)
async def test_caps_hold(headers, body, code):
    _, layer = mocked(httpx.Response(200, headers=headers, stream=body), body_bytes=1000)
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN))
    assert failed.value.code is code
    assert body.closed


@pytest.mark.parametrize("status", [101, 600, 999])
async def test_statuses_out_of_range_are_refused(status):
    _, layer = mocked(httpx.Response(status, stream=Body()))
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN))
    assert failed.value.code is Code.BAD_PAYLOAD


async def test_the_deadline_holds_for_the_body_too():
    body = Body(b"x", hangs=True)
    _, layer = mocked(httpx.Response(200, stream=body))
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN, within=0.02))
    assert failed.value.code is Code.UPSTREAM_TIMEOUT
    assert body.closed


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (httpx.ConnectTimeout("10.0.0.1"), Code.UPSTREAM_TIMEOUT, Unreached),
        (httpx.PoolTimeout("10.0.0.1"), Code.UPSTREAM_TIMEOUT, Unreached),
        (httpx.ReadTimeout("10.0.0.1"), Code.UPSTREAM_TIMEOUT, CallFailed),
        (httpx.ConnectError("10.0.0.1"), Code.UPSTREAM_CONNECT, Unreached),
        (httpx.ProxyError("10.0.0.1"), Code.UPSTREAM_CONNECT, Unreached),
        (httpx.ReadError("10.0.0.1"), Code.UPSTREAM_CONNECT, Unanswered),
        (
            httpx.RemoteProtocolError("Server disconnected 10.0.0.1"),
            Code.UPSTREAM_CONNECT,
            Unanswered,
        ),
        (httpx.RemoteProtocolError("10.0.0.1"), Code.BAD_PAYLOAD, CallFailed),
        (httpx.UnsupportedProtocol("10.0.0.1"), Code.UPSTREAM_CONNECT, CallFailed),
    ],
)
async def test_errors_of_httpx_become_failures_without_their_text(error, code, kind):
    _, layer = mocked(error)
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN))
    assert (failed.value.code, type(failed.value)) == (code, kind)
    assert "10.0.0.1" not in failed.value.message


async def test_origins_of_queries_do_not_go_through_httpx():
    seen, layer = mocked(httpx.Response(200, stream=Body()))
    with pytest.raises(CallFailed) as failed:
        await layer(call(Origin("http", "a.test", 80)))
    assert failed.value.code is Code.FORBIDDEN_UPSTREAM
    assert seen == []


async def test_unsafe_headers_are_refused_here_too():
    seen, layer = mocked(httpx.Response(200, stream=Body()))
    with pytest.raises(CallFailed) as failed:
        await layer(call(ORIGIN, headers=(("Transfer-Encoding", "chunked"),)))
    assert failed.value.code is Code.BAD_VALUE
    assert seen == []


async def outcome(layer: Layer, origin: Origin) -> int | Code:
    """The status, or the code of the failure; a forged body is none of them."""
    try:
        answer = await layer(call(origin, within=0.1))
    except CallFailed as failed:
        return failed.code
    assert b"forged" not in answer.body
    return answer.status


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answering(OK), 200),
        (answering(OK + reply(b"forged")), 200),
        (answering(reply(b"", "Location: /", "Set-Cookie: a=b", status="302 F")), 302),
        (once(b""), Code.UPSTREAM_CONNECT),
        (once(OK[:-1]), Code.BAD_PAYLOAD),
        (hanging, Code.UPSTREAM_TIMEOUT),
    ],
)
async def test_dialect_over_real_sockets(script, expected):
    transport = dialect()
    layer = via_httpx(transport)
    async with upstream(script) as raw:
        for _ in range(2):
            assert await outcome(layer, raw.origin) == expected
        assert not any(b"ookie" in request for request in raw.requests)
        await until(lambda: raw.open == 0)
    await transport.aclose()


async def test_a_dialect_can_speak_http2():
    transport = dialect(http2=True)
    async with upstream(once(b"")) as raw:
        with pytest.raises(CallFailed):
            await via_httpx(transport)(call(raw.origin, within=0.5))
    await transport.aclose()

"""The pooled transport: codes, caps, deadlines, the one retry."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

from apiql.errors import Code
from apiql.sources.call import Origin
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits, Unanswered, Unreached
from tests.sources.raw_upstream import (
    OK,
    Peer,
    answering,
    call,
    failure,
    hanging,
    once,
    reply,
    until,
    upstream,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        (once(b""), Code.UPSTREAM_CONNECT, "the connection closed before an answer"),
        (once(b"", ends="reset"), Code.UPSTREAM_CONNECT, "the connection closed before an answer"),
        (hanging, Code.UPSTREAM_TIMEOUT, "no answer came in time"),
        (once(b"HTTP/1.1 2", ends="stays"), Code.UPSTREAM_TIMEOUT, "head of the answer"),
        (once(OK[:-1], ends="stays"), Code.UPSTREAM_TIMEOUT, "did not end in time, 1 bytes"),
        (once(OK[:-1]), Code.BAD_PAYLOAD, "Content-Length said 2 bytes, 1 came"),
        (once(OK[:-1], ends="reset"), Code.BAD_PAYLOAD, "Content-Length said 2 bytes, 1 came"),
        (once(OK[:20]), Code.BAD_PAYLOAD, "the answer ended within its head"),
        (once(CHUNKED + b"2\r\nok\r\n"), Code.BAD_PAYLOAD, "the body was cut after 2 bytes"),
        (
            once(b"HTTP/1.1 200 OK\r\n\r\nok", ends="reset"),
            Code.BAD_PAYLOAD,
            "the body was cut after 2 bytes",
        ),
        (once(b"garbage"), Code.BAD_PAYLOAD, "not valid HTTP"),
        (once(reply(b"xy", "Content-Encoding: gzip")), Code.BAD_PAYLOAD, "gzip body is damaged"),
    ],
)
async def test_how_an_answer_fails_gives_its_code(transport, script, code, message):
    async with upstream(script) as raw:
        within = 0.05 if code is Code.UPSTREAM_TIMEOUT else 5.0
        failed = await failure(transport, raw.origin, within=within)
        await until(lambda: raw.open == 0)
    assert (failed.code, message in failed.message) == (code, True), failed.message
    assert "127.0.0.1" not in failed.message
    assert not transport.occupancy


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 100 C\r\n\r\n" * 1000,
        CHUNKED + (b"1;" + b"x" * 16_000 + b"\r\na\r\n") * 40,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 30_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 600_000,
        CHUNKED + b"80000\r\n" + b"y" * 0x80000,
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 30_000,
        reply(b"y" * 300_000),
    ],
)
async def test_floods_are_cut_at_their_caps(flood):
    small = PooledTransport(TransportLimits(body_bytes=256 << 10))

    async def endless(peer: Peer) -> None:
        await peer.request()
        while True:
            await peer.send(flood)

    async with upstream(endless) as raw:
        failed = await failure(small, raw.origin)
        assert failed.code in (Code.UPSTREAM_TOO_LARGE, Code.BAD_PAYLOAD)
        await until(lambda: raw.open == 0)
    await small.aclose()


async def test_bodies_up_to_the_cap_arrive():
    small = PooledTransport(TransportLimits(body_bytes=100_000))
    full = b"x" * 100_000
    pieces = b"".join(b"3e8\r\n" + full[:1000] + b"\r\n" for _ in range(100))
    async with upstream(answering(reply(full), CHUNKED + pieces + b"0\r\n\r\n")) as raw:
        for _ in range(2):
            assert (await small(call(raw.origin))).body == full
        assert raw.accepted == 1
    await small.aclose()


CODED = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


@pytest.mark.parametrize("coding", CODED)
async def test_what_failed_holds_nothing_of_what_it_read(transport, coding):
    """A failure lives as long as its query: fifty bombs would be fifty times what was decoded."""
    undo: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
    }
    body = undo[coding](b"[" + b"1," * (8 << 20))
    async with upstream(answering(reply(body, f"Content-Encoding: {coding}"))) as raw:
        await failure(transport, raw.origin)
        tracemalloc.start()
        try:
            failures = [await failure(transport, raw.origin) for _ in range(5)]
            assert {failed.code for failed in failures} == {Code.UPSTREAM_TOO_LARGE}
            assert tracemalloc.get_traced_memory()[0] < 1 << 20
        finally:
            tracemalloc.stop()


async def test_all_bodies_together_stay_within_the_budget():
    tight = PooledTransport(TransportLimits(bytes_in_flight=150_000))
    half = reply(b"x" * 100_000)[:-1]
    async with upstream(once(half, ends="stays"), answering(OK)) as raw:
        first = asyncio.ensure_future(tight(call(raw.origin, within=0.3)))
        await until(lambda: tight.bytes_in_flight > 90_000)
        async with upstream(answering(reply(b"x" * 90_000))) as other:
            assert (await failure(tight, other.origin)).code is Code.UPSTREAM_TOO_LARGE
        first.cancel()
        await asyncio.wait([first])
    assert tight.bytes_in_flight == 0
    await tight.aclose()


async def test_a_deadline_in_the_past_sends_nothing(transport):
    async with upstream(answering(OK)) as raw:
        assert (await failure(transport, raw.origin, within=-1)).code is Code.UPSTREAM_TIMEOUT
        assert raw.accepted == 0


async def test_refused(transport):
    async with upstream(answering(OK)) as raw:
        origin = raw.origin
    failed = await failure(transport, origin)
    assert isinstance(failed, Unreached)
    assert (failed.code, failed.message) == (Code.UPSTREAM_CONNECT, "connection refused")
    assert failed.retryable


async def test_each_address_gets_a_share_of_the_time_to_connect():
    reached = []

    async def connect(protocol, address, port, tls, name):
        reached.append(address)
        await asyncio.Event().wait()

    slow = PooledTransport(
        TransportLimits(connect_timeout=0.06),
        lookup=lambda host, port: ["8.8.8.8", "1.1.1.1"],
        connect=connect,
    )
    failed = await failure(slow, Origin("http", "slow.test", 80))
    assert (failed.code, failed.message) == (Code.UPSTREAM_TIMEOUT, "no connection in time")
    assert reached == ["8.8.8.8", "1.1.1.1"]
    assert not slow.occupancy
    await slow.aclose()


async def test_the_second_address_is_tried_when_the_first_refuses():
    async with upstream(answering(OK)) as raw:

        async def connect(protocol, address, port, tls, name):
            if address == "8.8.8.8":
                raise ConnectionRefusedError
            loop = asyncio.get_running_loop()
            await loop.create_connection(protocol, "127.0.0.1", port)

        two = PooledTransport(lookup=lambda host, port: ["8.8.8.8", "1.1.1.1"], connect=connect)
        assert (await two(call(Origin("http", "two.test", raw.port)))).body == b"ok"
        assert f"Host: two.test:{raw.port}".encode() in raw.requests[0]
        await two.aclose()


async def drops_when_asked_again(peer: Peer) -> None:
    await peer.request()
    await peer.send(OK)
    await peer.request()
    peer.reset()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "get"])
async def test_a_dead_resting_connection_is_replaced_once(transport, method):
    ok = OK if method != "HEAD" else OK[:-2]
    async with upstream(drops_when_asked_again, answering(ok)) as raw:
        await transport(call(raw.origin))
        assert (await transport(call(raw.origin, method=method))).status == 200
        assert (raw.accepted, len(raw.requests)) == (2, 3)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_write_is_never_sent_twice(transport, method):
    async with upstream(drops_when_asked_again, answering(OK)) as raw:
        await transport(call(raw.origin))
        failed = await failure(transport, raw.origin, method=method, body=b"x")
        assert isinstance(failed, Unanswered)
        assert (raw.accepted, len(raw.requests)) == (1, 2)


async def test_a_fresh_connection_that_closes_is_not_retried(transport):
    async with upstream(once(b"")) as raw:
        await failure(transport, raw.origin)
        assert raw.accepted == 1


async def test_a_retry_happens_once(transport):
    async with upstream(drops_when_asked_again, once(b"")) as raw:
        await transport(call(raw.origin))
        await failure(transport, raw.origin)
        assert raw.accepted == 2


async def test_no_retry_once_a_byte_has_come(transport):
    async def half(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(b"H")
        peer.writer.close()
        await peer.gone()

    async with upstream(half, answering(OK)) as raw:
        await transport(call(raw.origin))
        assert (await failure(transport, raw.origin)).code is Code.BAD_PAYLOAD
        assert raw.accepted == 1


async def test_a_connection_closed_while_resting_is_noticed_even_for_a_write(transport):
    async with upstream(once(OK), answering(OK)) as raw:
        await transport(call(raw.origin))
        await until(lambda: not transport.occupancy)
        assert (await transport(call(raw.origin, method="POST", body=b"x"))).status == 200
        assert raw.accepted == 2


async def test_resting_connections_end_after_the_idle_time():
    brief = PooledTransport(TransportLimits(idle_timeout=0.03))
    async with upstream(answering(OK)) as raw:
        await brief(call(raw.origin))
        assert brief.occupancy[raw.origin].idle == 1
        await until(lambda: raw.open == 0)
        assert not brief.occupancy
    await brief.aclose()


async def test_the_connection_used_last_is_used_first(transport):
    async with upstream(answering(OK)) as raw:
        await asyncio.gather(*(transport(call(raw.origin)) for _ in range(4)))
        assert transport.occupancy[raw.origin].idle == raw.accepted
        before = raw.accepted
        for _ in range(5):
            await transport(call(raw.origin))
        assert raw.accepted == before


async def test_proxies_and_credentials_of_the_environment_are_not_read(transport, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with upstream(answering(OK)) as raw:
        assert (await transport(call(raw.origin))).status == 200
        assert b"uthorization" not in raw.requests[0]


@pytest.mark.parametrize("extra", [b"", reply(b"X")])
async def test_a_large_body_of_known_length(transport, extra):
    """It is taken past the parser; what follows it is unread bytes all the same."""
    body = bytes(range(256)) * 4096
    async with upstream(answering(*[reply(body) + extra] * 3)) as raw:
        for _ in range(3):
            assert (await transport(call(raw.origin))).body == body
        assert raw.accepted == (3 if extra else 1)

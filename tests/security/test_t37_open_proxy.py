"""T37: the server is used as a proxy: CONNECT, a URL in the request line, OPTIONS *, upgrades."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.security.recorder import Recorder, recorded
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.front import PATIENCE, front
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINES = [
    b"CONNECT 127.0.0.1:22 HTTP/1.1",
    b"CONNECT example.com:443 HTTP/1.1",
    b"CONNECT /apiql HTTP/1.1",
    b"CONNECT * HTTP/1.0",
    b"GET http://10.0.0.1/latest/meta-data HTTP/1.1",
    b"GET http://example.com/apiql/x HTTP/1.1",
    b"POST http://example.com:25/ HTTP/1.1",
    b"GET https://example.com/ HTTP/1.1",
    b"GET //example.com/ HTTP/1.1",
    b"GET ftp://example.com/ HTTP/1.1",
    b"GET example.com HTTP/1.1",
    b"GET * HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"TRACE /apiql HTTP/1.1",
    b"TRACK /apiql HTTP/1.1",
    b"DEBUG /apiql HTTP/1.1",
    b"PROPFIND /apiql HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"GET /apiql@example.com/ HTTP/1.1",
]
FIELDS = [
    b"Host: x",
    b"Host: 10.0.0.1:80",
    b"Host: x\r\nX-Forwarded-Host: example.com\r\nX-Original-URL: http://example.com/",
    b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==",
    b"Host: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
    b"Host: x\r\nProxy-Authorization: Basic YTpi\r\nProxy-Connection: keep-alive",
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.decode()[:40])
async def test_it_goes_nowhere(up: Upstream, line: bytes) -> None:
    settings = settings_for(up)
    recorder = Recorder()
    async with recorded(settings, recorder) as site:
        for fields in FIELDS:
            head = line + b"\r\n" + fields
            if b"Connection:" not in fields:
                head += b"\r\nConnection: close"
            try:
                response = await site.raw(head + b"\r\nContent-Length: 0\r\n\r\n")
            except (EOFError, ConnectionError):
                continue
            assert response.status in (400, 404, 405, 415, 422), response
            assert b"Traceback" not in response.body
    assert not recorder.connected
    assert not recorder.looked_up
    assert not up.seen


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.decode()[:40])
async def test_nor_over_the_protocol_that_serves(line: bytes) -> None:
    async with front() as found:
        for fields in FIELDS:
            try:
                response = await found.site.raw(line + b"\r\n" + fields + b"\r\n\r\n")
            except (EOFError, ConnectionError):
                continue
            assert response.status in (400, 404, 405, 415, 422), response
        assert not found.held.calls
        assert (await found.site.ask("select * from /ok")).status == 200


@pytest.mark.parametrize("origin", ["http://example.com", "http://10.0.0.1:80", "https://a.b:1"])
async def test_of_a_url_only_the_path_counts(up: Upstream, origin: str) -> None:
    recorder = Recorder()
    async with recorded(settings_for(up), recorder) as site:
        target = f"{origin}/apiql?query=select%20*%20from%20/nowhere"
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        response = await site.raw(head.encode())
    assert response.json()["errors"][0]["task"] == "nowhere", "it is a query of ours"
    assert set(recorder.connected) == {("127.0.0.1", up.port)}
    assert not recorder.looked_up


ASKED = b"GET /apiql?query=select%20*%20from%20/ok HTTP/1.1\r\n"
UPGRADES = [FIELDS[3], FIELDS[4]]


async def said(site: Site, *pieces: bytes) -> bytes:
    """All answers to bytes that come piece by piece, until the server closes."""
    reader, writer = await site.connect()
    answers = asyncio.create_task(reader.read())
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.05)
    with suppress(OSError):  # the server may have closed already
        writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        found = await answers
    writer.close()
    return found


@pytest.mark.parametrize("fields", UPGRADES)
async def test_an_upgrade_is_answered_as_a_usual_request(fields: bytes) -> None:
    async with front() as found:
        once = ASKED + fields + b"\r\n\r\n"
        assert (await found.site.raw(once)).status == 200
        last = ASKED + b"Host: x\r\nConnection: close\r\n\r\n"
        for pieces in ([once + once + last], [once, once, last], [once + last[:30], last[30:]]):
            answers = await said(found.site, *pieces)
            assert answers.count(b"200 OK") == len(b"".join(pieces).split(b"GET ")) - 1


@pytest.mark.parametrize("fields", UPGRADES)
@pytest.mark.parametrize("length", [b"Content-Length: %d", b"Transfer-Encoding: chunked"])
async def test_the_body_behind_an_upgrade_is_no_second_request(
    fields: bytes, length: bytes
) -> None:
    async with front() as found:
        smuggled = ASKED + b"Host: x\r\n\r\n"
        told = length % len(smuggled) if b"%d" in length else length
        head = b"POST /apiql HTTP/1.1\r\n" + fields + b"\r\n" + told + b"\r\n\r\n"
        for pieces in ([head + smuggled], [head, smuggled], [ASKED + b"\r\n" + head, smuggled]):
            answers = await said(found.site, *pieces)
            refused = b"a request with a body cannot ask for an upgrade" in answers
            assert refused is (pieces[0] != ASKED + b"\r\n" + head)
            assert answers.count(b"200 OK") == (not refused)
        assert found.held.calls == 1

"""Targets: what clients send, from a text to the bytes of a connection. Nothing is called."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from apiql.errors import QueryRefused, RequestRefused
from apiql.frontends.text.format import format_text
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.parse import TextParser
from apiql.ir import explain
from apiql.runtime.decode import to_json
from apiql.server.app import app_of
from apiql.server.client_address import client_address
from apiql.server.door import DOOR
from apiql.server.envelope import read_envelope
from apiql.server.protocol import Protocol
from apiql.server.read import read_request
from apiql.server.validators import not_modified
from apiql.server.visit import Visit
from apiql.settings import Clients
from tests.fuzz import corpus
from tests.fuzz.target import Target
from tests.properties.engines import ENGINE, SETTINGS

PARSER = TextParser(TextLimits())
BEHIND = [
    Clients.model_validate({"trusted_proxies": ["127.0.0.0/8", "::1"], "forwarded": name})
    for name in ("x-forwarded-for", "forwarded")
]
TICKS = 60
POST = b"POST /apiql HTTP/1.1\r\nHost: x\r\n"
STATUSES = tuple(b"HTTP/1.1 " + status for status in b"1 2 3 4 502 503 504".split())


def query(data: bytes) -> None:
    """A text plans, or is refused with problems that can be shown."""
    text = data.decode("utf-8", "replace")
    try:
        plan = ENGINE.plan(text)
    except QueryRefused as refused:
        to_json([problem.entry() for problem in refused.problems])
        return
    explain.as_text(plan)
    to_json(explain.as_json(plan))


def form(data: bytes) -> None:
    """A text's one form is its own one form."""
    text = format_text(data.decode("utf-8", "replace"), PARSER)
    assert format_text(text, PARSER) == text


def envelope(data: bytes) -> object:
    """The JSON of a request."""
    return read_envelope(data, SETTINGS.limits)


def _now(reading: Any) -> object:
    """The result of what never waits."""
    try:
        reading.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


def url(data: bytes) -> object:
    """The query string of a request."""
    scope = {"method": "GET", "path": "/apiql", "headers": [], "query_string": data}
    return _now(read_request(Visit(scope, _nothing, {}), ENGINE))


async def _nothing() -> Any:
    raise AssertionError("a GET has no body")


def fields(data: bytes) -> None:
    """Header lines, then a body, as a server's parser hands them on."""
    head, _, body = data.partition(b"\n\n")
    pairs = [line.partition(b":") for line in head.split(b"\n")]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
    headers = [(n, v) for n, v in headers if n != b"content-length"]  # llhttp lets numbers pass
    scope = {
        "method": "POST", "path": "/apiql", "query_string": b"", "headers": headers,
        "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    for name, value in headers:
        not_modified(value, b'"abc"')
        assert name is not None
    for clients in BEHIND:
        client_address(scope, clients)
    found: Any = _now(read_request(Visit(scope, receive, dict(headers)), ENGINE))
    dict(found.query.headers)


class _Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.said = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        self.said += data

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else None

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, *_: object) -> None: ...


class _Told(logging.Handler):
    """Takes every error that is logged."""

    def __init__(self, failed: list[Any]) -> None:
        super().__init__(logging.ERROR)
        self._failed = failed

    def emit(self, record: logging.LogRecord) -> None:
        self._failed.append((record.getMessage(), record.exc_info))


class _Server:
    """The app and its protocol on a loop of its own, without a socket."""

    def __init__(self) -> None:
        async def close() -> None: ...

        self.loop = asyncio.new_event_loop()
        self.app = app_of(ENGINE, SETTINGS, close)
        self.config = uvicorn.Config(self.app, http=Protocol, log_config=None, lifespan="off")
        self.failed: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.failed.append(context))
        for name in ("uvicorn.error", "apiql"):
            logging.getLogger(name).addHandler(_Told(self.failed))

    async def talk(self, data: bytes) -> bytes:
        """What is answered to bytes that come in two pieces."""
        wire, state = _Wire(), {DOOR: self.app.door}
        protocol = Protocol(self.config, ServerState(), state, self.loop)
        protocol.connection_made(wire)  # type: ignore[arg-type]
        half = data[0] * len(data) // 256 if data else 0
        for piece in (data[:half], data[half:]):
            if piece and not wire.closing:
                protocol.data_received(piece)
            await self._settled(protocol)
        protocol.connection_lost(None)
        await self._settled(protocol)
        return wire.said

    async def _settled(self, protocol: Protocol) -> None:
        for _ in range(TICKS):
            await asyncio.sleep(0)
            if not protocol.tasks:
                return


SERVERS: list[_Server] = []


def connection(data: bytes) -> None:
    """Bytes of a client's connection: no answer is 500, nothing fails behind it."""
    if not SERVERS:
        SERVERS.append(_Server())
    server = SERVERS[0]
    said = server.loop.run_until_complete(server.talk(data))
    assert not server.failed, server.failed.pop()
    for line in said.split(b"\r\n"):
        if line.startswith(b"HTTP/1.1 "):
            assert line.startswith(STATUSES), said


def connections() -> list[bytes]:
    """Requests, good and broken."""
    posts = [
        POST + b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        for text in corpus.queries()[::40]
    ]
    gets = [b"GET /apiql?query=select+*+from+/a&params={} HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /query/a HTTP/1.1\r\nHost: x\r\nIf-None-Match: W/\"a\"\r\n\r\n",
            b"GET /livez HTTP/1.0\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"]  # fmt: skip
    return [*posts, *gets, gets[0] * 3]


URLS = [b"query=select+*+from+/a", b"query=select%20*&params=%7B%22a%22:1%7D",
        b"id=sha256:" + b"a" * 64, b"query=a&query=b", b"params={}&query=%ff"]  # fmt: skip
FIELDS = [
    b"content-type: text/plain\n\nselect * from /a",
    b"content-type: application/json; charset=utf-8\naccept: a/b;q=0.1, */*\nprefer: wait=2\n\n"
    b'{"query":"select * from /a"}',
    b'content-type: text/plain\nx-forwarded-for: 10.0.0.1, [::1]:80\nforwarded: for="[::1]:80";a=b'
    b'\nif-none-match: W/"a", "b"\ncookie: a=b; c="d"\n\nselect * from /a',
]
WORDS = (b"select * from /a", b"content-type: ", b"Content-Length: ",
         b"Transfer-Encoding: chunked", b"Upgrade: h2c", b"Connection: ", b"Expect: 100-continue",
         b"q=", b"wait=", b"for=")  # fmt: skip

TARGETS = (
    Target("query", query, (QueryRefused,), corpus.queries),
    Target("form", form, (QueryRefused,), corpus.queries),
    Target("envelope", envelope, (RequestRefused,), corpus.envelopes),
    Target("url", url, (RequestRefused,), lambda: URLS, WORDS),
    Target("fields", fields, (RequestRefused,), lambda: FIELDS, WORDS),
    Target("connection", connection, (), connections, WORDS),
)

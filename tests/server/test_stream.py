"""Answers in pieces over real sockets: order, form, back-pressure, and clients that leave."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from apiql.engine import Engine
from apiql.server import stream
from apiql.server.app import App, app_of, create_app
from apiql.server.configuration import developing
from apiql.server.protocol import Protocol
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.server.client import request_bytes
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINES, EVENTS = "application/x-ndjson", "text/event-stream"
JSON_FIELD = "Content-Type: application/json"
AB = "select * from /a as a; select * from /b as b"
BIG = b'"' + b"x" * 4_000_000 + b'"'
PATIENCE = 10.0
"""Seconds after which a test has failed."""


@dataclass
class Gates:
    """An upstream whose answers to /a, /b and /c are held until they are let go; /big answers a
    lot at once.
    """

    up: Upstream
    gates: dict[str, asyncio.Event]

    def let(self, *paths: str) -> None:
        """Lets the answers of paths go."""
        for path in paths:
            self.gates[path].set()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_gates() -> AsyncIterator[Gates]:
    """The upstream of all tests of this file."""
    found: dict[str, asyncio.Event] = {path: asyncio.Event() for path in ("/a", "/b", "/c")}

    async def held(exchange: Exchange) -> None:
        await found[exchange.target].wait()
        await exchange.answer(200, json.dumps(exchange.target).encode(), JSON_FIELD)

    async def big(exchange: Exchange) -> None:
        await exchange.answer(200, BIG, JSON_FIELD)

    async with upstream({**dict.fromkeys(found, held), "/big": big}) as up:
        yield Gates(up, found)


@pytest.fixture
def gates(shared_gates: Gates) -> Gates:
    """The upstream with everything held, counting from zero."""
    shared_gates.up.forget()
    for gate in shared_gates.gates.values():
        gate.clear()
    return shared_gates


@asynccontextmanager
async def served(app: App, http: Any = Protocol) -> AsyncIterator[int]:
    """The port of a server around an app."""
    config = uvicorn.Config(
        app, http=http, ws="none", log_config=None, port=0, timeout_graceful_shutdown=1
    )
    server, listener = uvicorn.Server(config), config.bind_socket()
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.005)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, PATIENCE)
        listener.close()


@pytest_asyncio.fixture(
    loop_scope="module", scope="module", params=["auto", Protocol], ids=["uvicorn's", "ours"]
)
async def port(request: pytest.FixtureRequest, shared_gates: Gates) -> AsyncIterator[int]:
    """A server as `apiql serve` starts it, and one on uvicorn's own protocol."""
    async with served(create_app(patient(shared_gates)), request.param) as found:
        yield found


def patient(gates: Gates) -> Settings:
    """Settings that let a call take its time."""
    return settings_for(gates.up, LIMITS__CALL_TIMEOUT="3s")


class Client:
    """A connection that reads what it is sent piece by piece."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}

    def ask(self, query: str, accept: str = LINES, **more: str) -> None:
        """Sends a query; the connection stays."""
        headers = {"Content-Type": "text/plain", "Accept": accept}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        request = request_bytes("POST", "/apiql", query.encode(), headers)
        self.writer.write(request.replace(b"Connection: close\r\n", b""))

    async def head(self) -> None:
        """Reads the head of an answer."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.rstrip("\r\n").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}

    async def chunk(self) -> bytes:
        """The next chunk of the body; nothing at its end."""
        length = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(length)
        assert await self.reader.readexactly(2) == b"\r\n"
        return data

    async def line(self) -> Any:
        """The next line that is sent, as soon as it is."""
        data = await self.chunk()
        while data and not data.endswith(b"\n"):
            data += await self.chunk()
        assert data.count(b"\n") == bool(data)
        return json.loads(data) if data else None

    async def rest(self) -> bytes:
        """The body as far as it is still to come."""
        found = b""
        while data := await self.chunk():
            found += data
        return found


@asynccontextmanager
async def talk(port: int, window: int | None = None) -> AsyncIterator[Client]:
    """A client; `window` is the size of its buffer for what it has not read."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if window is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    sock.setblocking(False)
    async with asyncio.timeout(PATIENCE):
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        limit = 1 << 16 if window is None else window
        reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)


async def until(condition: Any, within: float = 2.0) -> float:
    """The seconds until something has become true."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # it is the upstream that is looked at
            await asyncio.sleep(0.001)
    return loop.time() - start


# -- order and form -------------------------------------------------------------------------------


async def test_a_line_comes_while_others_are_awaited(port: int, gates: Gates) -> None:
    async with talk(port) as client:
        client.ask(AB, X_Request_Id="abc")
        gates.let("/b")
        await client.head()
        assert await client.line() == {"task": "b", "data": "/b"}
        gates.let("/a")
        assert await client.line() == {"task": "a", "data": "/a"}
        assert await client.line() == {"end": True, "status": 200, "complete": True}
        assert await client.line() is None
        assert client.status == 200
        wanted = {"content-type": LINES, "cache-control": "no-store", "vary": "Accept",
                  "x-request-id": "abc", "transfer-encoding": "chunked"}  # fmt: skip
        assert wanted.items() <= client.headers.items()


async def test_events(port: int, gates: Gates) -> None:
    async with talk(port) as client:
        client.ask(AB, EVENTS)
        gates.let("/b")
        await client.head()
        assert client.headers["content-type"] == EVENTS
        assert await client.chunk() == b'event: task\nid: 1\ndata: {"task":"b","data":"/b"}\n\n'
        gates.let("/a")
        end = b'event: end\nid: end\ndata: {"end":true,"status":200,"complete":true}\n\n'
        rest = await client.rest()
        assert rest == b'event: task\nid: 2\ndata: {"task":"a","data":"/a"}\n\n' + end


async def test_the_connection_serves_the_next_request(port: int, gates: Gates) -> None:
    gates.let("/a", "/b")
    async with talk(port) as client:
        for query in (AB, "select * from /ok", AB):
            client.ask(query)
            await client.head()
            assert b'"end":true' in await client.rest()


async def test_requests_that_wait_behind_a_stream(port: int, gates: Gates) -> None:
    async with talk(port) as client:
        client.ask(AB)
        client.ask("select * from /ok", "application/json")
        gates.let("/a")
        await client.head()
        assert (await client.line())["task"] == "a"
        gates.let("/b")
        await client.rest()
        await client.head()
        body = await client.reader.readexactly(int(client.headers["content-length"]))
        assert json.loads(body) == {"data": {"ok": {"ok": True}}}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("select frm", 400, "SYNTAX"),
        ("select * from /ok where a = $a", 422, "MISSING_VARIABLE"),
        ("select * from nosuch", 422, "UNKNOWN_SOURCE"),
    ],
)
async def test_what_is_refused_is_answered_as_ever(
    port: int, gates: Gates, query: str, status: int, code: str
) -> None:
    async with talk(port) as client:
        client.ask(query)
        await client.head()
        body = await client.reader.readexactly(int(client.headers["content-length"]))
    assert (client.status, client.headers["content-type"]) == (status, "application/json")
    assert [error["code"] for error in json.loads(body)["errors"]] == [code]
    assert not gates.up.seen


async def lines_of(port: int, query: str, **more: str) -> tuple[int, list[Any]]:
    async with talk(port) as client:
        client.ask(query, **more)
        await client.head()
        return client.status, [json.loads(line) for line in (await client.rest()).splitlines()]


async def test_a_failure_after_the_head(port: int) -> None:
    status, (first, end) = await lines_of(port, "select * from /status/404 as s")
    assert (status, end) == (200, {"end": True, "status": 404, "complete": False})
    assert (first["data"], first["errors"][0]["code"]) == (None, "UPSTREAM_STATUS")


async def test_an_end_alone_has_its_status(port: int) -> None:
    query = "select * from /ok; select * from /status/500 as s required"
    status, (end,) = await lines_of(port, query)
    assert (status, end["status"], end["data"]) == (502, 502, None)
    assert [error["task"] for error in end["errors"]] == ["s"]


async def test_an_end_alone_without_data(port: int) -> None:
    status, lines = await lines_of(port, "select * from /ok as ok hidden")
    assert (status, lines) == (200, [{"end": True, "status": 204, "complete": True}])


async def test_a_long_end_comes_whole(port: int) -> None:
    query = "select * from /big as big; return {'all': big}".replace("'", '"')
    _, (end,) = await lines_of(port, query)
    assert (end["status"], len(end["data"]["all"])) == (200, len(BIG) - 2)


async def test_wait_lowers_the_time(port: int) -> None:
    query = "select * from /hang as h timeout 3s; select * from /ok"
    _, (first, second, end) = await lines_of(port, query, Prefer="wait=1")
    assert (first["task"], second["task"], end["status"]) == ("ok", "h", 294)
    assert second["errors"][0]["code"] == "QUERY_TIMEOUT"


async def test_explain_is_not_sent_in_pieces(port: int, gates: Gates) -> None:
    async with talk(port) as client:
        client.ask("explain select * from /a as a")
        await client.head()
        assert client.headers["content-type"] == "application/json"
        assert int(client.headers["content-length"]) > 0
    assert not gates.up.seen


async def test_timings_where_they_are_allowed(gates: Gates) -> None:
    async with served(create_app(developing(patient(gates)))) as port:
        _, (_, end) = await lines_of(port, "select * from /ok")
        assert [call["task"] for call in end["extensions"]["trace"]] == ["ok"]
        assert end["extensions"]["total"] >= end["extensions"]["trace"][0]["duration"]


async def test_a_reader_of_events_that_asks_again_is_told_that_it_has_all(
    port: int, gates: Gates
) -> None:
    async with talk(port) as client:
        client.ask("select * from /ok", EVENTS, Last_Event_ID="end")
        await client.head()
        assert client.status == 204
        assert not gates.up.seen
        client.ask("select * from /ok", EVENTS, Last_Event_ID="1")
        await client.head()
        assert b'"end":true' in await client.rest()


async def test_get(port: int) -> None:
    async with talk(port) as client:
        target = "/apiql?query=select%20*%20from%20/ok"
        client.writer.write(request_bytes("GET", target, b"", {"Accept": EVENTS}))
        await client.head()
        assert (await client.rest()).startswith(b"event: task\nid: 1\n")
        assert await client.reader.read() == b""
    async with talk(port) as client:
        target = target.replace("*", "*%20post")
        client.writer.write(request_bytes("GET", target, b"", {"Accept": EVENTS}))
        await client.head()
        assert client.status == 405


# -- clients that leave, or do not read -----------------------------------------------------------


@pytest.mark.parametrize("way", ["fin", "abort"])
@pytest.mark.parametrize("read", [0, 1])
async def test_calls_end_when_the_client_leaves(
    port: int, gates: Gates, way: str, read: int
) -> None:
    query = "select * from /a as a; select * from /hang as h timeout 3s; " + (
        "select * from /stall as s timeout 3s"
    )
    async with talk(port) as client:
        client.ask(query)
        await until(lambda: gates.up.waiting == 2)
        if read:
            gates.let("/a")
            await client.head()
            assert (await client.line())["task"] == "a"
        await asyncio.sleep(0.02)
        if way == "abort":
            client.writer.transport.abort()
        else:
            client.writer.close()
        assert await until(lambda: gates.up.left == 2) < 0.05
    assert gates.up.waiting == 0


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the chunks that were handed over to the connection."""
    found: list[int] = []
    hand_over = stream._hand_over

    async def counted(send: Any, message: Mapping[str, Any]) -> None:
        await hand_over(send, dict(message))
        found.append(len(message.get("body", b"")))

    monkeypatch.setattr(stream, "_hand_over", counted)
    return found


BIGS = ";".join(f"select * from /big as b{n} where n = {n}" for n in range(3))


async def test_a_slow_client_holds_up_nobody(port: int, gates: Gates, handed: list[int]) -> None:
    async with talk(port, 1 << 16) as client:
        client.ask(BIGS)
        await until(lambda: gates.up.hits["/big"] == 3)
        for _ in range(20):
            status, lines = await lines_of(port, "select * from /ok")
            assert (status, len(lines)) == (200, 2)
        before = sum(handed)
        assert before < 2 * len(BIG)  # what the two sockets hold, and no more
        await asyncio.sleep(0.05)
        assert sum(handed) == before
        await client.head()
        lines = (await client.rest()).split(b"\n")
    assert [len(line) for line in lines[:3]] == [len(BIG) + len('{"task":"b0","data":}')] * 3
    assert b'"status":200' in lines[3]


async def test_a_client_that_takes_nothing_is_let_go(
    port: int, gates: Gates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.1)
    async with talk(port, 1 << 16) as client:
        client.ask(BIGS + "; select * from /hang as h timeout 3s")
        await until(lambda: gates.up.waiting == 1)
        assert await until(lambda: gates.up.left == 1) < 1
        await client.head()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.rest()
    assert not [record for record in caplog.records if record.name == "apiql"]


async def test_ours_lets_go_without_a_word(
    gates: Gates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.1)
    async with served(create_app(patient(gates))) as port, talk(port, 1 << 16) as client:
        client.ask(BIGS)
        await client.head()
        await asyncio.sleep(0.4)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.rest()
    assert not caplog.records


async def test_a_bug_is_told_in_the_last_line(
    gates: Gates, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(call: Call) -> Reply:
        if call.target == "/b":
            await gates.gates["/b"].wait()
            raise RuntimeError("a bug")
        return Reply(200, (("content-type", "application/json"),), b"1")

    async def close() -> None:
        pass

    settings = patient(gates)
    with caplog.at_level(logging.ERROR, "apiql"):
        async with served(app_of(Engine(settings, broken), settings, close)) as port:
            async with talk(port) as client:
                client.ask(AB, X_Request_Id="abc")
                await client.head()
                assert await client.line() == {"task": "a", "data": 1}
                gates.let("/b")
                end = await client.line()
                assert await client.line() is None
    assert (end["end"], end["status"], end["data"]) == (True, 500, None)
    assert end["errors"][0]["code"] == "INTERNAL"
    assert "abc" in end["errors"][0]["message"]
    assert "a bug" in caplog.text

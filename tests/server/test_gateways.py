"""Endpoints of gateways over real sockets: which one answers, and what a client hears otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.server.configuration import Place
from apiql.server.offering import RESPOND
from apiql.server.worker import worker
from tests.server.client import Response
from tests.server.conf import Folder, Running, running
from tests.server.gateways import backend, endpoint, write
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = {"x-gopen-cache": "false", "x-gopen-complete": "false", "x-gopen-success": "false"}


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    return Folder(tmp_path / "conf", up.port)


@pytest_asyncio.fixture(loop_scope="session")
async def server(folder: Folder) -> AsyncIterator[Running]:
    """Some endpoints that do as their backends do."""
    write(
        folder,
        endpoint("/users/:id", backends=[backend("/users/:id")]),
        endpoint("/users/me", backends=[backend("/users/2")]),
        endpoint("/users/:id/echo", "POST", backends=[backend("/echo", method="POST")]),
        endpoint("/users/:id/echo", "PUT", backends=[backend("/echo", method="PUT")]),
        version="v1.2.3",
    )
    async with running(folder) as found:
        yield found


def refusal(response: Response, status: int, endpoint: str) -> Any:
    """The body of what the gateway itself answers."""
    assert response.status == status, response.body
    assert OWN.items() <= response.headers.items()
    assert response.media == "application/json"
    body = response.json()
    assert set(body) == {"file", "line", "endpoint", "message", "timestamp"}
    assert body["endpoint"] == endpoint
    return body["message"]


async def test_an_endpoint_answers_as_its_backend_does(server: Running) -> None:
    found = await server.site.send("GET", "/users/1")
    assert found.json()["name"] == "Ada", found.body
    assert found.headers["x-gopen-complete"] == found.headers["x-gopen-success"] == "true"
    assert found.headers["x-gopen-cache"] == "false"
    assert "x-request-id" in found.headers


async def test_a_name_counts_before_a_parameter(server: Running) -> None:
    assert (await server.site.send("GET", "/users/me")).json()["name"] == "Bo"


async def test_head_is_get_without_a_body(server: Running, folder: Folder) -> None:
    reader, writer = await server.site.connect()
    writer.write(b"HEAD /users/1 HTTP/1.1\r\nHost: t\r\n\r\n")
    assert b"content-length: 34" in (await reader.readuntil(b"\r\n\r\n")).lower()
    writer.close()
    app, _ = worker(Place(folder.path, {}), lambda notice: None)
    said: list[tuple[int, bytes, bytes]] = []

    def respond(_: object, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        said.append((status, dict(headers)[b"content-length"], body))
        return True

    scope = {
        "type": "http", "method": "HEAD", "path": "/ping", "raw_path": b"/ping", "headers": [],
        "query_string": b"", "client": ("127.0.0.1", 1), "extensions": {RESPOND: respond},
    }  # fmt: skip
    await app(scope, None, None)
    assert said == [(200, b"5", b"")]


async def test_other_methods_are_told(server: Running) -> None:
    found = await server.site.send("DELETE", "/users/7/echo")
    assert (found.status, found.headers["allow"]) == (405, "OPTIONS, POST, PUT")
    found = await server.site.send("OPTIONS", "/users/7")
    assert (found.status, found.headers["allow"], found.body) == (204, "GET, HEAD, OPTIONS", b"")


async def test_what_is_nowhere_is_answered_as_ever(server: Running) -> None:
    for path in ("/nowhere", "/users", "/users/1/", "/users//echo", "/users/..", "/users/%2e%2e"):
        found = await server.site.send("GET", path)
        assert (found.status, found.codes()) == (404, ["NOT_FOUND"]), path


async def test_the_gateways_own_pages(server: Running) -> None:
    assert (await server.site.send("GET", "/ping")).body == b"Pong!"
    assert (await server.site.send("GET", "/version")).body == b"v1.2.3"
    assert (await server.site.send("GET", "/settings")).status == 404


async def test_the_own_routes_stay(server: Running) -> None:
    assert (await server.site.ask("select name from /users/1 as u")).status == 200
    assert (await server.ready())["status"] == "ok"

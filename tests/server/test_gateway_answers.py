"""What goes out of endpoints of gateways: framing that no backend and no modifier can upset."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import unquote

import pytest

from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.server.gateway_answer import rendered_of
from tests.server.client import Response, read_response
from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.upstream import Exchange, Upstream, answers, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_may_not_be_said_is_not_said() -> None:
    headers = (
        ("content-length", "7"), ("transfer-encoding", "chunked"), ("connection", "close"),
        ("x-request-id", "forged"), ("bad name", "x"), ("x-a:b", "x"), ("x" * 200, "x"), ("", "x"),
        ("x-split", "a\r\nSet-Cookie: b\x00"), ("x-latin", "grün"), ("x-wide", "你"),
    )  # fmt: skip
    found = rendered_of(GatewayAnswer(200, headers, b"{}"))
    assert found.headers == [
        (b"x-split", b"a Set-Cookie: b"),
        (b"x-latin", "grün".encode("latin-1")),
        (b"x-wide", "你".encode()),
    ]


@pytest.mark.parametrize(("status", "sent"), [(204, 204), (304, 304), (205, 205), (101, 502)])
async def test_statuses_without_a_body(status: int, sent: int) -> None:
    found = rendered_of(GatewayAnswer(status, (("content-type", "text/plain"),), b"body"))
    assert (found.status, found.body, found.headers) == (sent, b"", [])


async def test_the_next_answer_of_a_connection_is_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "conf", 0)
    body = [{"context": "RESPONSE", "action": "SET", "key": "evil", "value": "1"}]
    empty = backend("/ok", modifiers={"status-code": 204, "body": body})
    value = "#response.body.text"
    split = [{"context": "RESPONSE", "action": "SET", "key": "X-Split", "value": value}]
    lines = b'{"text": "a\\r\\nContent-Length: 0\\r\\n\\r\\nHTTP/1.1 200 OK"}'
    faults = {"/lines": answers(200, lines, "Content-Type: application/json")}
    async with upstream(faults) as up:
        folder.port = up.port
        write(
            folder,
            endpoint("/empty", backends=[empty]),
            endpoint("/split", backends=[backend("/lines", modifiers={"header": split})]),
        )
        async with running(folder) as server:
            reader, writer = await server.site.connect()
            for path in ("/empty", "/split", "/ping"):
                writer.write(f"GET {path} HTTP/1.1\r\nHost: t\r\n\r\n".encode())
            found = [await read_response(reader) for _ in range(3)]
            writer.close()
    assert [each.status for each in found] == [204, 200, 200]
    assert found[1].headers["x-split"].startswith("a Content-Length: 0")
    assert found[2].body == b"Pong!"


async def test_codings_of_backends_are_undone(tmp_path: Path) -> None:
    async def zipped(exchange: Exchange) -> None:
        body = gzip.compress(b'{"name": "Ada"}')
        fields = ("Content-Type: application/json", "Content-Encoding: gzip")
        await exchange.answer(200, body, *fields)

    async with upstream({"/zip": zipped}) as up:
        folder = Folder(tmp_path / "conf", up.port)
        write(folder, endpoint(backends=[backend("/zip")]))
        async with running(folder) as server:
            found = await server.site.send("GET", "/a", headers={"Accept-Encoding": "gzip"})
    assert found.json() == {"name": "Ada"}
    assert "content-encoding" not in found.headers


async def test_a_bucket_has_endpoints_of_its_own(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings('[buckets]\nenabled = true\nby = "header:x-bucket"')
    write(folder, endpoint("/a"))
    own = Folder(folder.path / "buckets" / "acme", up.port)
    own.path.mkdir(parents=True)
    (own.path / "apiql.toml").write_text("")
    cache = {"enabled": True, "duration": "1m"}
    write(own, endpoint("/a", cache=cache, backends=[backend("/users/1")]), endpoint("/b"))
    async with running(folder) as server:
        send, acme = server.site.send, {"X-Bucket": "acme"}
        assert (await send("GET", "/a")).body == b'{"ok":true}'
        assert (await send("GET", "/a", headers=acme)).json()["name"] == "Ada"
        kept = await send("GET", "/a", headers=acme)
        assert kept.headers["x-gopen-cache"] == "true"
        assert (await send("GET", "/b")).status == 404
        assert (await send("GET", "/b", headers=acme)).status == 200


async def test_a_path_may_name_the_bucket(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings('[buckets]\nenabled = true\nby = "path"')
    write(folder, endpoint("/a"))
    for name in ("acme", "empty"):
        own = Folder(folder.path / "buckets" / name, up.port)
        own.path.mkdir(parents=True)
        (own.path / "apiql.toml").write_text("")
    users = [backend("/users/:id")]
    acme = Folder(folder.path / "buckets" / "acme", up.port)
    cache = {"enabled": True, "duration": "1m"}
    write(acme, endpoint("/users/:id", cache=cache, backends=users), endpoint("/"),
          endpoint("/broken", backends=[backend("/close", method="POST")]),
          version="v9")  # fmt: skip
    async with running(folder) as server:

        async def send(path: str, method: str = "GET") -> Response:
            return await server.site.send(method, path)

        assert (await send("/b/acme/users/1")).json()["name"] == "Ada"
        assert (await send("/b/acme/users/1")).headers["x-gopen-cache"] == "true"
        assert (await send("/b/acme/users/%32?x=%2F")).json()["name"] == "Bo"
        assert (await send("/b/acme/")).body == (await send("/a")).body == b'{"ok":true}'
        assert (await send("/b/acme/version")).body == b"v9"
        assert (await send("/b/acme/users/1", "PUT")).headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await send("/b/acme/broken")).json()["endpoint"] == "/broken"
        nothing = (await send("/nothing")).body
        for path in ("/users/1", "/b/acme/a", "/b/acme", "/b/other/users/1", "/b/empty/users/1",
                     "/b/%61cme/users/1", "/b%2Facme/users/1", "/b/acme%2Fusers/1", "/b//users/1",
                     "/b/acme/b/acme/users/1"):  # fmt: skip
            found = await send(path)
            told = nothing.replace(b"/nothing", unquote(path).encode())
            assert (found.status, found.body) == (404, told)
        await server.current.held.buckets["acme"].purge("endpoint:get_users_id")
        assert (await send("/b/acme/users/1")).headers["x-gopen-cache"] == "false"

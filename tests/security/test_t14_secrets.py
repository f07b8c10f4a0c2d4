"""T14: private values are planted, upstreams tell all they were sent and fail in every way; then
all that came out is looked through: answers, plans, timings, figures, state, notices, logs, Redis.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from apiql.engine import Query
from apiql.events import CallMade
from apiql.server.notices import NoticeLog
from tests.faults.running import Faulty, faulty
from tests.faults.upstream import FAULTS
from tests.ports import free_port
from tests.security.leaks import KINDS, ODD, PLAIN, WAYS, leaks, telling
from tests.server.client import JSON, Response, request_bytes
from tests.server.conf import Folder, Running, running
from tests.server.test_admin import Admins
from tests.server.upstream import Upstream, upstream
from tests.stores.redis_server import RedisServer
from tests.stores.redis_stores import fresh_prefix, raw

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
headers = {{ X-Key = "Key ${{private:leak/map.key}}", Authorization = "Basic {basic}" }}
breaker = false
[upstreams.default.sources.kept]
path = "/cacheable"
query = {{ key = {{ private = "odd.key" }} }}
cache = "60s"
[upstreams.tell]
url = "http://127.0.0.1:{tell}"
breaker = false
headers = {{ X-Key = "Key ${{private:leak/map.key}}" }}
[upstreams.tell.sources.tell]
path = "/tell/{{kind}}/{{way}}"
query = {{ key = {{ private = "odd.key" }}, list = ["${{private:leak/map.key}}", "x"] }}
[upstreams.tell.sources.tell_post]
path = "/tell/{{kind}}/{{way}}"
method = "post"
headers = {{ X-Odd = {{ private = "odd.key" }} }}
[upstreams.path.sources.in_path]
path = "/bot${{private:leak/map.key}}/{{x?}}"
[upstreams.path]
url = "http://127.0.0.1:{tell}"
headers = {{ X-Key = "Key ${{private:leak/map.key}}" }}
breaker = false
[answer]
details = "full"
timings = true
plan = true
[limits]
call_timeout = "300ms"
query_timeout = "2s"
[admin]
port = {admin}
[store]
url = "{redis}"
prefix = "{prefix}"
timeout = "1s"
"""
FORMS = ("application/json", "text/plain", "text/vnd.mermaid", "application/apiql-response+json")
ELSE = "else select * from tell where kind = '401' and way = 'json'"
CLAUSES = ("", "retry 1", "fallback {}", ELSE, "within 50ms or stale", "cache 10s")  # fmt: skip


class Scene:
    """A server whose configuration holds the values, and all that came out of it."""

    def __init__(self, server: Running, admin: Admins, tell: Upstream, faults: Faulty) -> None:
        self.server, self.admin, self.tell, self.faults = server, admin, tell, faults

    async def ask(self, query: str, accept: str | None = None, *, honest: bool = False) -> Response:
        """The answer to a query, without a leak; where it is `honest`, its data may hold one."""
        response = await self.server.site.ask(query, accept=accept)
        clean(response, honest)
        return response

    async def streamed(self, query: str, accept: str) -> bytes:
        """All the bytes of an answer in pieces."""
        reader, writer = await self.server.site.connect()
        body = json.dumps({"query": query}).encode()
        writer.write(
            request_bytes("POST", "/apiql", body, {"Content-Type": JSON, "Accept": accept})
        )
        async with asyncio.timeout(20):
            found = await reader.read()
        writer.transport.abort()
        return found


def clean(response: Response, honest: bool = False) -> None:
    """Nothing of it tells a value."""
    body = response.body
    if honest and response.media == JSON:
        found = response.json()
        found.pop("data", None)
        body = json.dumps(found).encode()
    assert leaks(body) == [], body[:3000]
    assert leaks(json.dumps(dict(response.headers)).encode()) == []


@pytest.fixture(scope="module")
def faults() -> Iterator[Faulty]:
    with faulty() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def scene(
    faults: Faulty, shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    port = free_port()
    folder = Folder(tmp_path_factory.mktemp("t14") / "conf", faults.ports["main"])
    async with upstream(telling()) as tell:
        more = MORE.format(
            tell=tell.port, admin=port, redis=shared_redis.url, prefix=fresh_prefix(),
            basic="${private:leak/map.key}",
        )  # fmt: skip
        folder.settings(more)
        for name, value in (("leak/map", PLAIN), ("odd", ODD)):
            file = folder.path / "privates" / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"privates": [{"name": "key", "value": value}]}))
        folder.query("select * from kept as k")
        async with running(folder) as server:
            admin = Admins(server.site.__class__(f"http://127.0.0.1:{port}"), f"127.0.0.1:{port}")
            yield Scene(server, admin, tell, faults)


@pytest.fixture(autouse=True)
def no_line_of_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Everything is logged, and none of it tells a value."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.records:
        assert leaks(record.getMessage().encode()) == []
    assert leaks(caplog.text.encode()) == []


async def test_the_values_are_sent_where_they_belong(scene: Scene) -> None:
    scene.tell.forget()
    await scene.ask("select * from tell where kind = '500' and way = 'plain'")
    (seen,) = scene.tell.seen
    assert dict(seen.headers)["X-Key"] == f"Key {PLAIN}"
    assert "key=S3%20CRET%2F%2B%22%3C%26%2541%5C7d2c1f0a" in seen.target
    assert leaks(seen.target.encode())


@pytest.mark.parametrize("kind", KINDS)
async def test_an_upstream_that_tells_all_it_was_sent(scene: Scene, kind: str) -> None:
    asked = [
        scene.ask(f"select a.b from {source} as t where kind = '{kind}' and way = '{way}'")
        for way in WAYS
        for source in ("tell", "tell_post")
    ]
    assert all(response.status >= 400 for response in await asyncio.gather(*asked))


@pytest.mark.parametrize("clause", CLAUSES)
async def test_in_every_shape_of_a_query(scene: Scene, clause: str) -> None:
    call = "from tell as t where kind = '500' and way = 'object'"
    for accept in FORMS:
        await scene.ask(f"select * {call} {clause}", accept)
    for accept in ("application/x-ndjson", "text/event-stream"):
        told = await scene.streamed(f"select * {call} {clause}", accept)
        assert b"UPSTREAM" in told or clause == "cache 10s"
        assert leaks(told) == []
    if not clause.startswith(("within", "else")):
        each = "select * from tell as t where kind in ['500', 'cut'] and way = 'json'"
        await scene.ask(f"{each} {clause}")
    await scene.ask(f"use errors all or nothing; select * {call} {clause}")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.example)
async def test_an_upstream_with_a_fault(scene: Scene, fault: Any) -> None:
    honest = fault.expected == "data"
    await scene.ask(f"select * from {fault.example} as f timeout 200ms", honest=honest)


@pytest.mark.parametrize("accept", FORMS)
async def test_plans_and_analyses(scene: Scene, accept: str) -> None:
    for source in ("tell", "tell_post", "in_path", "kept"):
        slots = "where kind = '500' and way = 'json'" if source.startswith("tell") else ""
        for word in ("explain", "explain analyze"):
            response = await scene.ask(f"{word} select * from {source} as a {slots}", accept)
            assert response.status < 500 or word == "explain analyze"
    response = await scene.ask("explain select * from tell as a where kind = '1' and way = '2'")
    assert "***" in response.json()["extensions"]["plan"]["text"]


async def test_timings_traces_and_a_value_within_a_path(scene: Scene) -> None:
    body = {"query": "select * from in_path as a; select * from kept as k",
            "extensions": {"trace": True}}  # fmt: skip
    headers = {"Content-Type": JSON}
    response = await scene.server.site.send("POST", "/apiql", json.dumps(body).encode(), headers)
    assert response.json()["extensions"]["trace"]
    assert "server-timing" in response.headers
    clean(response)


async def test_what_a_caller_gets_wrong(scene: Scene) -> None:
    for query in (
        "select * from tell where key = 'mine' and kind = '500' and way = 'plain'",
        "select * from tell",
        "select * from tel",
        "select * from tell where kind = '../x' and way = 'plain'",
        "select * from tell where kind = $kind and way = '\t'",
        "select private('odd.key') from tell",
        "select ${private:odd.key} from tell",
        "select * from tell where kind = '${private:odd.key}' and way = 'plain'",
        "select * from http://127.0.0.1/${private:odd.key}",
    ):
        await scene.ask(query)


async def test_the_admin_listener(scene: Scene) -> None:
    await scene.server.asked()
    for path in ("/metrics", "/admin/state"):
        response = await scene.admin.get(path)
        assert response.status == 200
        assert leaks(response.body) == [], path
    settings = (await scene.admin.get("/admin/state")).json()["settings"]["upstreams"]
    assert settings["tell"]["sources"]["tell"]["query"]["key"] == "***"
    assert "***" in settings["path"]["sources"]["in_path"]["path"]
    for path in ("/readyz", "/livez", "/query/q", "/query/nothing"):
        clean(await scene.server.site.send("GET", path))


async def test_a_configuration_that_is_refused(scene: Scene) -> None:
    file = scene.server.folder.path / "apiql.toml"
    good = file.read_text()
    telling_log = NoticeLog()
    for wrong in (
        'timeout = "${private:odd.key}"', 'list_style = { private = "leak/map.key" }',
        'path = "${private:odd.key}"', 'url = "${private:leak/map.key}"',
        'headers = { "${private:odd.key}" = "x" }', 'retry = { on = ["${private:odd.key}"] }',
    ):  # fmt: skip
        file.write_text(good.replace("[upstreams.path]", f"[upstreams.path]\n{wrong}"))
        response = await scene.admin.post("/admin/reload", {})
        assert response.status == 409, wrong
        assert leaks(response.body) == []
        clean(await scene.server.site.send("GET", "/readyz"))
    file.write_text(good)
    private = scene.server.folder.path / "privates" / "odd.json"
    kept = private.read_text()
    for broken in (kept[:-3], kept.replace('"value": "', '"value": "enc:v1:'), kept + "x"):
        private.write_text(broken)
        response = await scene.admin.post("/admin/reload", {})
        assert response.status == 409
        assert leaks(response.body) == []
    private.write_text(kept)
    assert (await scene.admin.post("/admin/reload", {})).status == 200
    assert scene.server.told
    for notice in scene.server.told:
        telling_log(notice)
        assert leaks(repr(notice).encode()) == []


async def test_what_lies_in_redis(scene: Scene, shared_redis: RedisServer) -> None:
    await scene.server.asked()
    await scene.ask("select * from kept as k")
    async with raw(shared_redis) as client:
        keys = await client.keys("*")
        assert [key for key in keys if b":answers:" in key]
        for key in keys:
            assert leaks(key) == []
            if await client.type(key) == b"string":
                assert leaks(await client.get(key)) == []
            elif await client.type(key) == b"zset":
                assert leaks(b" ".join(await client.zrange(key, 0, -1))) == []


async def test_events_tell_none(scene: Scene) -> None:
    events: list[object] = []
    text = "select * from tell as t where kind = '500' and way = 'json'; select * from in_path as p"
    await scene.server.current.engine.answer(Query(text), events.append)
    assert [event for event in events if isinstance(event, CallMade)]
    assert leaks(repr(events).encode()) == []


async def test_nothing_in_the_process_shows_them_by_its_repr(scene: Scene) -> None:
    held = scene.server.current.held
    sources = held.engine.catalog.around.sources
    for value in (held.settings.upstreams["tell"], sources["tell"], sources["tell_post"],
                  held.settings.secrets, held.engine.redaction):  # fmt: skip
        assert leaks(repr(value).encode()) == []
        assert leaks(str(value).encode()) == []


async def test_the_search_itself_finds_every_way() -> None:
    for value in (PLAIN, ODD):
        for way in WAYS.values():
            assert leaks(way(f"you sent {value}").encode()), way
    assert leaks(b"nothing of it") == []

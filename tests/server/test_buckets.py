"""Buckets over real sockets: who gets which, and that nothing of one is found in another."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.events import CircuitMoved
from apiql.server import current as current_module
from apiql.server.admin import Admin
from apiql.server.admission import Overloaded
from apiql.server.bucket import Bucket
from apiql.server.counts import figures_in_force
from apiql.server.exposition import exposed
from apiql.server.guards import guards_of
from apiql.server.reload import Outcome
from apiql.server.visit import Visit
from apiql.settings import Limits, Settings
from apiql.stores.memory import MemoryStores
from tests.server.client import JSON, Site, read_response
from tests.server.tenants import KEPT, SAYS, Tenants, folder, served, who

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("a", "b", "c-1", "d_2", "e.3")
TEXT = "select n from /kept as it"


@pytest.fixture(autouse=True)
def believing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each configuration has the guard that believes a caller."""
    monkeypatch.setattr(current_module, "guards_of", lambda settings, around: (who,))


@pytest_asyncio.fixture(loop_scope="session")
async def empty(tmp_path: Path) -> AsyncIterator[Tenants]:
    """A folder without any bucket."""
    async with folder(tmp_path) as found:
        found.main()
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def tenants(empty: Tenants) -> AsyncIterator[Tenants]:
    """A server with five buckets, which paths name."""
    for name in NAMES:
        empty.bucket(name)
    async with served(empty) as found:
        yield found


# -- which bucket ---------------------------------------------------------------------------------


async def test_the_same_name_is_each_buckets_own_query(tenants: Tenants) -> None:
    assert [await tenants.here(name) for name in NAMES] == list(NAMES)
    assert await tenants.here() == "main"
    for name in NAMES:
        assert await tenants.here(x_who=name) == name
        assert await tenants.here(name, x_who=name) == name


async def test_a_query_by_post_goes_to_the_bucket_too(tenants: Tenants) -> None:
    assert tenants.site is not None
    tenants_own = json.dumps({"query": "select * from query.here as it"}).encode()
    for name in NAMES:
        path = f"/b/{name}/apiql"
        response = await tenants.site.send("POST", path, tenants_own, {"Content-Type": JSON})
        assert response.json() == {"data": {"it": name}}


async def bare(tenants: Tenants, path: str, method: str = "GET", who: str = "") -> str:
    """The whole answer, with `PATH` for what was asked."""
    assert tenants.site is not None
    reader, writer = await tenants.site.connect()
    lines = [f"{method} {path} HTTP/1.1", "Host: test", "Connection: close", "Content-Length: 0"]
    lines += [f"X-Who: {who}"] * bool(who)
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    found = (await reader.read()).decode("latin-1")
    writer.close()
    return re.sub(r"(?m)^date: .*\r\n", "", found).replace(path, "PATH")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("rest", ["apiql", "query/here", "query/nothing"])
async def test_what_is_not_there_and_what_is_anothers_answer_as_a_missing_route(
    tenants: Tenants, method: str, rest: str
) -> None:
    missing = await bare(tenants, f"/n/a/{rest}", method)
    assert missing.startswith("HTTP/1.1 404 ")
    assert "bucket" not in missing
    assert await bare(tenants, f"/b/x/{rest}", method) == missing
    assert await bare(tenants, f"/b/x/{rest}", method, "a") == missing
    assert await bare(tenants, f"/b/b/{rest}", method, "a") == missing
    assert await bare(tenants, f"/b/a/{rest}", method, "b") == missing
    assert await bare(tenants, f"/b/a/{rest}", method, "x") == missing


async def test_who_belongs_to_a_bucket_that_is_not_there_has_none(tenants: Tenants) -> None:
    missing = await bare(tenants, "/query_here")
    assert await bare(tenants, "/query/here", who="x") == missing


ODD = (
    "/b/../apiql", "/b/%2e%2e/apiql", "/b/a%2f..%2fb/apiql", "/b/a%00/apiql", "/b//apiql",
    "/b/apiql", "/b/a", "/b/a/", "/b/a/apiql/", "/b/a/query", "/b/A/apiql", "/b/%61%20/apiql",
    "/b/.hidden/apiql", "/b/a/apiql%0a", "/b/" + "a" * 5000 + "/apiql", "/b/%c3%a4/apiql",
    "/b/buckets/apiql",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD)
async def test_odd_names_are_no_routes(tenants: Tenants, path: str) -> None:
    assert tenants.site is not None
    request = f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    response = await tenants.site.raw(request.encode())
    assert response.status in (400, 404)
    assert response.json()["code"] in ("NOT_FOUND", "BAD_REQUEST")


async def test_no_folder_is_looked_at_for_a_request(tenants: Tenants) -> None:
    shutil.rmtree(tenants.path)
    assert await tenants.here("a") == "a"
    assert await tenants.here("x") == 404


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (None, {"path": 404, "header": "main", "host": "main"}),
        ("header:X-Bucket", {"path": 404, "header": "a", "host": "main"}),
        ("host:api.example", {"path": 404, "header": "main", "host": "a"}),
        ("path", {"path": "a", "header": "main", "host": "main"}),
    ],
)
async def test_how_a_request_names_its_bucket(
    empty: Tenants, by: str | None, expected: dict[str, Any]
) -> None:
    empty.main("enabled = true" + (f'\nby = "{by}"' if by else ""))
    empty.bucket("a")
    async with served(empty) as found:
        assert await found.here("a") == expected["path"]
        assert await found.here(x_bucket="a") == expected["header"]
        for host in ("a.api.example", "A.API.example.:8080"):
            assert await by_host(found, host) == expected["host"]
        assert await by_host(found, "api.example") == "main"
        assert await found.here(x_who="a") == "a"


async def test_headers_and_hosts_that_name_no_bucket(empty: Tenants) -> None:
    empty.bucket("a")
    for by in ("header:x-bucket", "host:api.example"):
        empty.main(f'enabled = true\nby = "{by}"')
        async with served(empty) as found:
            if by.startswith("host"):
                assert await by_host(found, "x.api.example") == 404
                assert await by_host(found, ".api.example") == "main"
                assert await by_host(found, "a.api.example.evil.example") == "main"
                continue
            assert await found.here(x_bucket="x") == 404
            assert await found.here(x_bucket="a", x_who="b") == 404
            assert await found.here(x_bucket="") == "main"
            assert await found.here(x_bucket="a", X_Bucket="a") == "a"
            assert await found.here(x_bucket="a", X_Bucket="x") == 404


async def by_host(found: Tenants, host: str) -> Any:
    assert found.site is not None
    request = f"GET /query/here HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    response = await found.site.raw(request.encode())
    return response.json() if response.status == 200 else response.status


async def test_without_buckets_a_caller_of_one_finds_nothing(empty: Tenants) -> None:
    empty.main("enabled = false")
    empty.bucket("a")
    async with served(empty) as found:
        assert await found.here() == "main"
        assert await found.here(x_who="a") == 404
        assert await found.here("a") == 404


# -- what is apart --------------------------------------------------------------------------------


async def test_the_same_url_is_a_call_of_each_bucket_and_no_answer_is_anothers(
    tenants: Tenants,
) -> None:
    """50 users, each 100 requests over all buckets, by the same URL: a number tells its call."""
    found: dict[tuple[str, int], set[int]] = defaultdict(set)

    async def user(number: int) -> None:
        for turn in range(100):
            name = NAMES[(number + turn) % len(NAMES)]
            body = await in_process(tenants, name, f"select n from /kept as it where u = {number}")
            found[name, number].add(body["data"]["it"]["n"])

    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(user(number))
    assert len(found) == 250
    assert all(len(numbers) == 1 for numbers in found.values()), "kept by each"
    assert len(set.union(*found.values())) == 250, "none is another's"
    assert tenants.hits.hits["/kept"] == 250


async def in_process(tenants: Tenants, bucket: str, text: str) -> Any:
    """A query past the sockets of the server."""
    body = json.dumps({"query": f"{text} cache 60s"}).encode()
    sent: list[Any] = []

    messages = [{"type": "http.request", "body": body}]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": f"/b/{bucket}/apiql", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    assert tenants.app is not None
    await tenants.app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    return json.loads(sent[1]["body"])


async def test_an_id_is_known_where_its_text_was_sent(tenants: Tenants) -> None:
    assert tenants.site is not None
    id = tenants.current.engine.id_of(TEXT)

    async def ask(path: str, **body: Any) -> Any:
        data = json.dumps({"id": id, **body}).encode()
        return await Site.send(tenants.site, "POST", path, data, {"Content-Type": JSON})  # type: ignore[arg-type]

    assert (await ask("/b/a/apiql", query=TEXT)).status == 200
    assert (await ask("/b/a/apiql")).status == 200
    for path in ("/b/b/apiql", "/apiql"):
        assert (await ask(path)).codes() == ["QUERY_NOT_FOUND"]


async def number(tenants: Tenants, name: str) -> int:
    """That of the answer which a bucket keeps."""
    response = await (tenants.ask(name, KEPT) if name else tenants.get(
        f"/apiql?query={KEPT.replace(' ', '%20')}"
    ))  # fmt: skip
    found: int = response.json()["data"]["it"]["n"]
    return found


async def test_an_operator_purges_one_bucket(tenants: Tenants) -> None:
    before = {name: await number(tenants, name) for name in (*NAMES, "")}
    assert len(set(before.values())) == 6
    admin = Admin(frozenset({"test"}), tenants.current, None, lambda: ())
    async with serving(admin) as url:

        async def purge(**asked: Any) -> Any:
            body = json.dumps(asked).encode()
            return await Site(url).send("POST", "/admin/purge", body, {"Content-Type": JSON})

        address = f"http://127.0.0.1:{tenants.port}/kept"
        tag = {"tag": f"url:{address}"}
        done = await purge(url=address, bucket="a")
        assert done.json() == tag | {"bucket": "a", "purged": 1}
        assert await number(tenants, "a") not in before.values()
        assert {name: await number(tenants, name) for name in NAMES[1:]} == {
            name: before[name] for name in NAMES[1:]
        }
        assert (await purge(url=address)).json() == tag | {"purged": 1}
        assert await number(tenants, "b") == before["b"]
        assert (await purge(url=address, bucket="x")).status == 404
        assert (await purge(url=address, bucket=["a"])).status == 404
        state = (await Site(url).send("GET", "/admin/state")).json()
    assert list(state["buckets"]) == list(NAMES)
    assert state["buckets"]["a"]["stored"] == ["here@1"]
    assert {figure["bucket"] for figure in state["figures"] if "bucket" in figure} == set(NAMES)


async def test_an_operator_is_shown_no_secret_of_a_bucket(empty: Tenants) -> None:
    empty.bucket("a", upstream='headers = { X-Key = "s3cret" }')
    async with served(empty) as found:
        async with serving(Admin(frozenset({"test"}), found.current, None, lambda: ())) as url:
            state = await Site(url).send("GET", "/admin/state")
    assert b"s3cret" not in state.body
    shown = state.json()["buckets"]["a"]["settings"]["upstreams"]["default"]
    assert shown["headers"] == {"X-Key": "***"}


async def test_figures_name_their_bucket_and_readiness_only_how_many(tenants: Tenants) -> None:
    await number(tenants, "a")
    assert tenants.reloader is not None
    text = exposed(figures_in_force(tenants.current, tenants.reloader.state)).decode()
    assert re.search(r'^apiql_cache_stored_total\{bucket="a"\} 1$', text, re.MULTILINE)
    assert re.search(r'^apiql_cache_stored_total\{bucket="b"\} 0$', text, re.MULTILINE)
    assert re.search(r"^apiql_cache_stored_total 0$", text, re.MULTILINE)
    assert 'apiql_queries_running{bucket="e.3"} 0' in text
    ready = await tenants.get("/readyz")
    assert ready.json()["buckets"] == 5
    assert "e.3" not in ready.body.decode()


async def test_a_full_bucket_leaves_the_others_their_places(empty: Tenants) -> None:
    empty.bucket("a", "[limits]\nqueries = 1\nqueries_waiting = 0")
    empty.bucket("b")
    async with served(empty) as found:
        held = found.current.held.buckets["a"]
        assert held.own is not None
        first = asyncio.create_task(found.ask("a", "select * from /hang as h"))
        async with asyncio.timeout(10):
            while not held.own.admission.running:  # noqa: ASYNC110  # it is somebody else's
                await asyncio.sleep(0.005)
        refused = await found.ask("a", "select * from /ok as o")
        assert (refused.status, refused.json()["code"]) == (503, "OVERLOADED")
        assert (await found.ask("b", "select * from /ok as o")).status == 200
        assert await found.here() == "main"
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        async with asyncio.timeout(10):
            while held.own.admission.running:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        assert found.app is not None
        assert found.app.door.admission.running == 0


async def test_a_stream_gives_both_places_back(tenants: Tenants) -> None:
    response = await tenants.get(
        "/b/a/apiql?query=select%20*%20from%20/ok%20as%20o", accept="application/x-ndjson"
    )
    assert response.status == 200
    own = tenants.current.held.buckets["a"].own
    assert own is not None
    assert tenants.app is not None
    assert (own.admission.running, tenants.app.door.admission.running) == (0, 0)


async def test_a_bucket_that_is_full_refuses_before_anything_is_read() -> None:
    settings = Settings(limits=Limits(queries=1, queries_waiting=0))
    bucket = Bucket("a", MemoryStores(), settings)
    visit = Visit({"headers": []}, unread, {})
    await bucket.let_in(visit)
    assert bucket.admission.enter()
    with pytest.raises(Overloaded):
        await bucket.let_in(visit)
    assert bucket.admission.refused == 1
    bucket.admission.leave()
    await bucket.let_in(visit)


async def unread() -> Any:
    raise AssertionError("nothing is read")


async def test_rates_are_each_buckets_own(empty: Tenants) -> None:
    for name in "ab":
        empty.bucket(name, '[clients]\nrate = "1/h"')
    empty.bucket("c")
    async with served(empty) as found:
        assert [await found.here(name) for name in "abacb"] == ["a", "b", 429, "c", 429]
        assert await found.here() == "main"
        limited = await found.get("/b/a/query/here")
        assert limited.headers["ratelimit-policy"] == '"bucket";q=1;w=3600'
        text = exposed(figures_in_force(found.current, None)).decode()
        assert 'apiql_rate_limited_total{bucket="a"} 2' in text


async def test_two_rates_that_an_answer_tells_have_two_names(
    empty: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current_module, "guards_of", guards_of)
    empty.main(more='[clients]\nrate = "9/h"')
    empty.bucket("a", '[clients]\nrate = "5/h"')
    async with served(empty) as found:
        assert found.site is not None
        reader, writer = await found.site.connect()
        writer.write(b"GET /b/a/query/here HTTP/1.1\r\nHost: t\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
    told = [line for line in head.lower().splitlines() if line.startswith("ratelimit")]
    assert [line.rpartition(";t=")[0] or line for line in told] == [
        'ratelimit-policy: "client";q=9;w=3600', 'ratelimit: "client";r=8',
        'ratelimit-policy: "bucket";q=5;w=3600', 'ratelimit: "bucket";r=4',
    ]  # fmt: skip


async def test_a_circuit_that_opens_in_a_bucket_is_its_own(empty: Tenants) -> None:
    for name in "ab":
        empty.bucket(name, upstream="breaker = { failures = 1 }\nretry = { times = 0 }")
    async with served(empty) as found:
        await found.ask("a", "select * from /close as o")
        assert (await found.ask("a", "select * from /ok as o")).codes() == ["CIRCUIT_OPEN"]
        assert (await found.ask("b", "select * from /ok as o")).status == 200
        moved = [(each.state, each.bucket) for each in found.told if isinstance(each, CircuitMoved)]
        assert moved == [("open", "a")]


# -- what changes ---------------------------------------------------------------------------------


async def test_buckets_come_change_and_go_and_no_request_is_lost(tenants: Tenants) -> None:
    lost: list[int] = []
    over = asyncio.Event()

    async def asking(name: str) -> None:
        assert tenants.site is not None
        reader, writer = await tenants.site.connect()
        while not over.is_set():
            writer.write(f"GET /b/{name}/query/here HTTP/1.1\r\nHost: t\r\n\r\n".encode())
            response = await read_response(reader)
            if (response.status, response.body) != (200, f'"{name}"'.encode()):
                lost.append(response.status)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for name in NAMES[:2]:
            group.create_task(asking(name))
        try:
            await changes(tenants)
        finally:
            over.set()
    assert lost == []


async def changes(tenants: Tenants) -> None:
    kept = await number(tenants, "a")
    tenants.bucket("new")
    assert await tenants.looked() is Outcome.LOADED
    assert await tenants.here("new") == "new"
    assert await number(tenants, "a") == kept, "what is kept stays"
    shutil.rmtree(tenants.path / "buckets" / "c-1")
    tenants.query("new", "here", SAYS.format("changed"))
    assert await tenants.looked() is Outcome.LOADED
    assert (await tenants.here("c-1"), await tenants.here("new")) == (404, "changed")
    file = tenants.path / "buckets" / "d_2" / "apiql.toml"
    good = file.read_text()
    for broken in ("[limits]\ncalls = -1", "[server]\nport = 1", "nonsense"):
        file.write_text(broken)
        tenants.query("new", "here", SAYS.format("not in force"))
        assert await tenants.looked() is Outcome.REFUSED
        assert tenants.reloader is not None
        refusal = tenants.reloader.state.refused
        assert refusal is not None
        assert refusal.lines[0].startswith("buckets/d_2/apiql.toml:")
        assert (await tenants.here("new"), await tenants.here("d_2")) == ("changed", "d_2")
    file.write_text(good)
    assert await tenants.looked() is Outcome.LOADED
    assert await tenants.here("new") == "not in force"
    assert await number(tenants, "a") == kept


async def test_a_bucket_that_comes_again_begins_anew(tenants: Tenants) -> None:
    kept = await number(tenants, "a")
    place, aside = tenants.path / "buckets" / "a", tenants.path.parent / "aside"
    place.rename(aside)
    assert await tenants.looked() is Outcome.LOADED
    aside.rename(place)
    assert await tenants.looked() is Outcome.LOADED
    assert await number(tenants, "a") != kept


async def test_limits_and_rates_of_a_bucket_follow(tenants: Tenants) -> None:
    own = tenants.current.held.buckets["a"].own
    assert own is not None
    assert own.admission.most == 32, "its part of 512"
    tenants.bucket("a", '[limits]\nqueries = 3\n[clients]\nrate = "1/h"')
    assert await tenants.looked() is Outcome.LOADED
    assert tenants.current.held.buckets["a"].own is own
    assert own.admission.most == 3
    assert [await tenants.here("a") for _ in range(2)] == ["a", 429]
    tenants.bucket("a")
    assert await tenants.looked() is Outcome.LOADED
    assert await tenants.here("a") == "a"


async def test_a_broken_query_of_a_bucket_is_told_with_its_place(tenants: Tenants) -> None:
    tenants.query("b", "here", "select frm")
    assert await tenants.looked() is Outcome.REFUSED
    assert tenants.reloader is not None
    refusal = tenants.reloader.state.refused
    assert refusal is not None
    assert re.match(r"buckets/b/queries/here\.apiql:1:\d+: SYNTAX", refusal.lines[0])
    assert await tenants.here("b") == "b"


async def test_buckets_are_turned_off_and_on(tenants: Tenants) -> None:
    tenants.main("enabled = false")
    assert await tenants.looked() is Outcome.LOADED
    assert (await tenants.here("a"), await tenants.here()) == (404, "main")
    tenants.main()
    assert await tenants.looked() is Outcome.LOADED
    assert await tenants.here("a") == "a"

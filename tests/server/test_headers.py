"""Headers of requests and answers: ids, timings, deadlines, what is forwarded."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.server.client import JSON, Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_request_id_is_echoed(site: Site) -> None:
    response = await site.ask("select * from /ok", X_Request_Id="abc-123.x:7")
    assert response.headers["x-request-id"] == "abc-123.x:7"


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, "<script>", "gr\u00fc\u00df"])
async def test_a_strange_request_id_is_replaced(site: Site, given: str) -> None:
    response = await site.ask("select * from /ok", X_Request_Id=given)
    assert re.fullmatch(r"[A-Za-z0-9._:-]+", response.headers["x-request-id"])
    assert response.headers["x-request-id"] != given


async def test_every_request_gets_an_id_of_its_own(site: Site) -> None:
    queries = [
        "select * from /ok",
        "select",
        "explain select * from /ok",
        "select * from /ok hidden",
    ]
    found = [(await site.ask(query)).headers["x-request-id"] for query in queries]
    assert len(set(found)) == len(queries)
    refused = await site.send("PUT", "/apiql")
    assert refused.headers["x-request-id"]


async def test_prefer_wait_shortens(patient: Site) -> None:
    loop = asyncio.get_running_loop()
    query = "use timeout 3s; select * from /hang as h timeout 3s; select * from /ok"
    start = loop.time()
    response = await patient.ask(query, Prefer="respond-async, wait=1")
    assert 0.5 < loop.time() - start < 1.5
    assert response.codes() == ["QUERY_TIMEOUT"]
    assert response.json()["data"]["ok"] == {"ok": True}


@pytest.mark.parametrize("given", ["wait=99999999", "wait=x", "wait=-1", "nothing", "wait"])
async def test_prefer_never_lengthens(site: Site, given: str) -> None:
    response = await site.ask("use timeout 100ms; select * from /hang as h", Prefer=given)
    assert (response.status, response.codes()) == (504, ["QUERY_TIMEOUT"])


async def test_server_timing_only_where_allowed(site: Site, dev: Site) -> None:
    query = "select * from /ok; select * from /status/500 as s"
    assert "server-timing" not in (await site.ask(query)).headers
    timing = (await dev.ask(query)).headers["server-timing"]
    assert re.search(r'desc="ok 200";dur=\d+', timing)
    assert re.search(r'desc="s 500";dur=\d+', timing)
    assert re.match(r"plan;dur=\d+", timing)
    assert re.search(r"shape;dur=[\d.]+, total;dur=\d+", timing)


async def test_trace_only_where_allowed(site: Site, dev: Site) -> None:
    body = json.dumps({"query": "select * from /list as l", "extensions": {"trace": True}}).encode()
    headers = {"Content-Type": JSON}
    assert "extensions" not in (await site.send("POST", "/apiql", body, headers)).json()
    found = (await dev.send("POST", "/apiql", body, headers)).json()["extensions"]["trace"]
    (entry,) = found
    assert (entry["task"], entry["method"], entry["status"]) == ("l", "GET", 200)
    assert entry["duration"] >= 0
    assert "extensions" not in (await dev.ask("select * from /ok")).json()


SENT = {"host", "accept", "user-agent", "accept-encoding", "x_planted", "x-apiql-depth"}


async def test_nothing_of_the_caller_is_forwarded_unasked(site: Site, up: Upstream) -> None:
    await site.ask(
        "select * from /ok", Authorization="Bearer T0KEN", Cookie="sid=5", X_Api_Key="K", Te="x"
    )
    names = {name.lower() for name, _ in up.seen[0].headers}
    assert names <= SENT


async def test_what_is_asked_for_is_forwarded(listing: Site, up: Upstream) -> None:
    await listing.ask(
        "select * from /ok headers Authorization = header('authorization') "
        "cookies sid = cookie('sid')",
        Authorization="Bearer T0KEN", Cookie="a=1; sid=5",
    )  # fmt: skip
    headers = {name.lower(): value for name, value in up.seen[0].headers}
    assert headers["authorization"] == "Bearer T0KEN"
    assert headers["cookie"] == "sid=5"


async def test_what_is_listed_is_forwarded_by_itself(listing: Site, up: Upstream) -> None:
    response = await listing.ask(
        "select * from /ok", Authorization="Bearer T0KEN", Cookie="a=1; größe=5", X_Api_Key="K"
    )
    headers = {name.lower(): value for name, value in up.seen[0].headers}
    assert headers["authorization"] == "Bearer T0KEN"
    assert headers["cookie"] == "a=1; größe=5"
    assert headers.keys() <= SENT | {"authorization", "cookie"}
    vary = "Accept, Accept-Language, Authorization, Cookie"
    assert response.headers["vary"] == vary


async def test_what_a_query_says_itself_is_not_forwarded_too(listing: Site, up: Upstream) -> None:
    await listing.ask(
        "select * from /ok headers AUTHORIZATION = 'mine', Accept-Language = null "
        "cookies sid = cookie('sid')",
        Authorization="Bearer T0KEN", Cookie="a=1; sid=5", Accept_Language="de",
    )  # fmt: skip
    headers = [(name.lower(), value) for name, value in up.seen[0].headers]
    assert [value for name, value in headers if name == "authorization"] == ["mine"]
    assert [value for name, value in headers if name == "cookie"] == ["sid=5"]
    assert "accept-language" not in dict(headers)


COMPUTED = (
    "select * from /ok headers X-A = header($name)",
    "select * from /ok query a = header($name)?",
    "select * from /ok where a = upper(coalesce(header($name)?, 'x'))",
    'select * post from /ok body {"a": [header($name)]}',
    "select * from /ok where a in [header($name)]",
    "select * from /ok else select * from /ok query a = header($name)",
)


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "Proxy-Authorization", "X-Api-Key"])
@pytest.mark.parametrize("query", COMPUTED)
@pytest.mark.parametrize("computed", [False, True])
async def test_credentials_go_to_nobody_who_does_not_list_them(
    site: Site, up: Upstream, query: str, name: str, computed: bool
) -> None:
    text = query if computed else query.replace("$name", f"'{name}'")
    given = {"Authorization": "s3cret", "Cookie": "s3cret=1", "X_Api_Key": "s3cret",
             "Proxy_Authorization": "s3cret"}  # fmt: skip
    response = await site.ask(text, {"name": name} if computed else {}, **given)
    assert response.status == 403, response.body
    assert set(response.codes()) == {"FORBIDDEN_UPSTREAM"}
    assert not up.seen


async def test_a_cookie_goes_to_nobody_who_does_not_list_cookies(site: Site, up: Upstream) -> None:
    for query in (
        "select * from /ok cookies sid = cookie('sid')",
        "select * from /ok query s = cookie(lower('SID'))?",
    ):
        response = await site.ask(query, Cookie="sid=5")
        assert (response.status, response.codes()) == (403, ["FORBIDDEN_UPSTREAM"])
    assert not up.seen


async def test_a_computed_name_of_another_header_is_let_through(site: Site, up: Upstream) -> None:
    query = "select * from /ok headers X-A = header($name)"
    response = await site.ask(query, {"name": "X-User"}, X_User="me")
    assert response.status == 200
    assert dict(up.seen[0].headers)["X-A"] == "me"


async def test_a_name_that_an_upstream_tells_is_looked_at_too(site: Site, up: Upstream) -> None:
    name = "replace(concat('authorization', string(a.ok)), 'true', '')"
    query = f"select * from /ok as a; select * from /ok as b query x = header({name})"
    response = await site.ask(query, Authorization="s3cret")
    assert "FORBIDDEN_UPSTREAM" in response.codes(), response.body
    assert len(up.seen) == 1


async def test_credentials_may_be_looked_at_here(site: Site, up: Upstream) -> None:
    query = "select * from /ok when header('authorization') = 'x'; return cookie('sid')"
    response = await site.ask(query, Authorization="x", Cookie="sid=5")
    assert response.json()["data"] == "5"


async def test_headers_of_upstreams_do_not_come_back(site: Site) -> None:
    response = await site.ask("select * from /redirect as r; select * from /ok")
    assert "location" not in response.headers
    assert "set-cookie" not in response.headers


async def test_a_connection_is_kept(site: Site) -> None:
    reader, writer = await site.connect()
    request = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 17"
    for _ in range(3):
        writer.write(request + b"\r\n\r\nselect * from /ok")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
        assert await reader.readexactly(length) == b'{"data":{"ok":{"ok":true}}}'
    writer.transport.abort()
    await asyncio.sleep(0)


@pytest.mark.parametrize("other", ['b={"x":1}', "b=a b", "größe=1", "=1", "b[]=1"])
async def test_other_cookies_hide_none(listing: Site, up: Upstream, other: str) -> None:
    response = await listing.ask(
        "select * from /ok query s = cookie('sid')", Cookie=f"a=1; {other}; sid=5"
    )
    assert response.status == 200
    assert up.seen[0].target == "/ok?s=5"

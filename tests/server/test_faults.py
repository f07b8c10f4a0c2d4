"""A broken upstream: one error that says what happened, and everything else as if nothing had."""

from __future__ import annotations

import pytest

from tests.server.client import Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAULTS = [
    ("/reset", "UPSTREAM_CONNECT", "before an answer"),
    ("/close", "UPSTREAM_CONNECT", "before an answer"),
    ("/hang", "UPSTREAM_TIMEOUT", "did not answer in 400ms"),
    ("/stall", "UPSTREAM_TIMEOUT", "did not answer in 400ms"),
    ("/garbage", "BAD_PAYLOAD", "not valid HTTP"),
    ("/short", "BAD_PAYLOAD", "1000 bytes, 7 came"),
    ("/two-lengths", "BAD_PAYLOAD", "not valid HTTP"),
    ("/broken", "BAD_PAYLOAD", "no usable body"),
    ("/nan", "BAD_PAYLOAD", "no usable body"),
    ("/not-utf8", "BAD_PAYLOAD", "not UTF-8"),
    ("/html", "UPSTREAM_STATUS", "answered 500"),
    ("/html-200", "BAD_PAYLOAD", "text/html"),
    ("/bomb", "UPSTREAM_TOO_LARGE", "unfolds"),
    ("/redirect", "UPSTREAM_STATUS", "answered 302"),
    ("/redirect-away", "UPSTREAM_STATUS", "answered 302"),
]


@pytest.mark.parametrize(("path", "code", "words"), FAULTS, ids=[row[0] for row in FAULTS])
@pytest.mark.parametrize("projection", ["*", "a", "*, (z)", "a as b"])
async def test_fault(
    site: Site, up: Upstream, path: str, code: str, words: str, projection: str
) -> None:
    query = f"select * from /users/1 as u; select {projection} from {path} as f; select * from /big"
    response = await site.ask(query)
    found = response.json()
    assert response.status == 200
    assert response.headers["x-apiql-completed"] == "false"
    assert found["data"]["u"] == {"id": 1, "name": "Ada", "secret": "S"}
    assert found["data"]["f"] is None
    assert b"12345678901234567890.1234567890" in response.body
    (error,) = found["errors"]
    assert (error["code"], error["task"]) == (code, "f")
    assert words in error["message"]
    assert up.hits["/ok"] == 0  # where a redirect points


async def test_no_content_is_null(site: Site) -> None:
    response = await site.ask("select * from /204 as n; select * from /ok")
    assert response.json() == {"data": {"n": None, "ok": {"ok": True}}}


async def test_plain_text_is_a_text(site: Site) -> None:
    response = await site.ask("select * from /text as t")
    assert response.json() == {"data": {"t": "grüß"}}


async def test_a_forged_second_answer_reaches_nobody(site: Site) -> None:
    for _ in range(20):
        first = await site.ask("select * from /forged as f")
        second = await site.ask("select * from /ok")
        assert b'forged":' not in first.body + second.body
        assert second.json() == {"data": {"ok": {"ok": True}}}


async def test_reads_that_become_equal_while_running_are_one_call(site: Site, up: Upstream) -> None:
    query = """select * from /list as c; select name from /users/{id} as a where id = c[0].id;
               select id from /users/{id} as b where id = c[0].id;
               select id from /users/{id} as d where id = c[1].id"""
    response = await site.ask(query)
    data = response.json()["data"]
    assert (data["a"], data["b"], data["d"]) == ({"name": "Ada"}, {"id": 1}, {"id": 2})
    assert (up.hits["/users/1"], up.hits["/users/2"]) == (1, 1)


async def test_equal_reads_are_one_call(site: Site, up: Upstream) -> None:
    query = "select name from /users/1 as a; select id from /users/1 as b; select * from /ok"
    response = await site.ask(query)
    assert response.json()["data"] == {"a": {"name": "Ada"}, "b": {"id": 1}, "ok": {"ok": True}}
    assert up.hits == {"/users/1": 1, "/ok": 1}


async def test_what_fails_stops_only_its_readers(site: Site, up: Upstream) -> None:
    query = """select * from /reset as a; select * from /users/{id} as b where id = a.id;
               select * from /list as c; select * from /users/{id} as d where id = c[1].id"""
    response = await site.ask(query)
    data = response.json()["data"]
    assert (data["a"], data["b"]) == (None, None)
    assert data["d"]["name"] == "Bo"
    assert response.codes() == ["UPSTREAM_CONNECT", "DEPENDENCY_FAILED"]
    assert up.hits["/users/2"] == 1

"""Every status of an answer, for both media types."""

from __future__ import annotations

import pytest

from tests.server.client import ANSWER, JSON, Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARTLY = "select * from /ok; select * from /status/503 as s"


@pytest.mark.parametrize("accept", [None, JSON, "*/*", "application/*", "text/html, */*;q=0.1"])
async def test_partial_as_json(site: Site, accept: str | None) -> None:
    response = await site.ask(PARTLY, accept=accept)
    assert (response.status, response.media) == (200, JSON)
    assert response.headers["x-apiql-completed"] == "false"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"].lower() == "accept"
    assert response.json()["data"] == {"ok": {"ok": True}, "s": None}
    assert response.codes() == ["UPSTREAM_STATUS"]


@pytest.mark.parametrize("accept", [ANSWER, f"{JSON};q=0.5, {ANSWER}", ANSWER.upper()])
async def test_partial_as_answer(site: Site, accept: str) -> None:
    response = await site.ask(PARTLY, accept=accept)
    assert (response.status, response.media) == (294, ANSWER)
    assert "x-apiql-completed" not in response.headers
    assert response.json()["data"] == {"ok": {"ok": True}, "s": None}


async def test_whole_as_answer(site: Site) -> None:
    response = await site.ask("select * from /ok", accept=ANSWER)
    assert (response.status, response.media) == (200, ANSWER)
    assert response.json() == {"data": {"ok": {"ok": True}}}


OK = {"ok": {"ok": True}}
NONE = {"a": None, "b": None}
STATUSES = [
    # a warning changes nothing
    ("select * from /ok; select * from /status/503 as s optional", 200, OK | {"s": None}),
    ("select * from /status/404 as s optional", 200, {"s": None}),
    # a required task fails the whole answer
    ("select * from /ok; select * from /status/503 as s required", 502, None),
    ("select * from /ok; select * from /hang as s required", 504, None),
    ("use errors all or nothing; select * from /ok; select * from /status/500 as s", 502, None),
    # every output that is not optional failed
    ("select * from /status/503 as a; select * from /status/404 as b", 502, {"a": None, "b": None}),
    ("select * from /status/503 as a; select * from /ok optional", 502, {"a": None} | OK),
    ("select * from /hang as a; select * from /stall as b", 504, {"a": None, "b": None}),
    ("select * from /hang as a; select * from /status/500 as b", 502, {"a": None, "b": None}),
    ("select * from /hang as a; select * from /ok as b where x = a.id", 504, NONE),
    ("use timeout 100ms; select * from /hang as a", 504, {"a": None}),
    # a query of one call mirrors 4xx
    ("select * from /status/404 as a", 404, {"a": None}),
    ("select * from /status/401 as a", 401, {"a": None}),
    ("select * from /status/429 as a", 429, {"a": None}),
    ("select * from /status/404 as a required", 404, None),
    ("select * from /status/407 as a", 502, {"a": None}),
    ("select * from /status/500 as a", 502, {"a": None}),
    ("select * from /status/302 as a", 502, {"a": None}),
    # `use status max`: the highest of all tasks but optional ones
    ("use status max; select * from /ok; select * from /status/503 as s", 503, None),
    ("use status max; select * from /ok; select * from /status/404 as s", 404, None),
    ("use status max; select * from /ok; select * from /hang as s", 408, None),
    ("use status max; select * from /ok; select * from /status/503 as s optional", 200, None),
    ("use status max; select * from /ok; select * from /reset as s", 502, None),
    ("use status max; select * from /status/201 as a; select * from /ok", 201, None),
    ("use status max; select * from /ok; select * from /echo as b where x = ok.id", 400, None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status", "data"), STATUSES, ids=[row[0] for row in STATUSES])
@pytest.mark.parametrize("accept", [JSON, ANSWER])
async def test_status(site: Site, query: str, status: int, data: object, accept: str) -> None:
    response = await site.ask(query, accept=accept)
    assert response.status == status, response.body
    assert response.media == accept
    if "status max" not in query:
        assert response.json()["data"] == data


REFUSED = [
    ("select * frm /ok", 400, ["SYNTAX"]),
    ("", 400, ["SYNTAX"]),
    ("select ; select * from /ok where = 1", 400, ["SYNTAX", "SYNTAX"]),
    ("select * from nosuch", 422, ["UNKNOWN_SOURCE"]),
    ("select * from /ok where a = b.id", 422, ["UNKNOWN_NAME"]),
    ("select * from /ok as a where x = b.y; select * from /ok as b where x = a.y", 422, ["CYCLE"]),
    ("select * from /ok as a; select * from /ok as a", 422, ["DUPLICATE_NAME"]),
    ("select * from /users/{id}", 422, ["MISSING_PARAMETER"]),
    ("select * from /ok where a = $b and c = $d", 422, ["MISSING_VARIABLE"]),
    ("set $b integer; select * from /ok where a = $b", 422, ["MISSING_VARIABLE"]),
    ("select * from /ok where a = header('X-Nosuch')", 422, ["MISSING_VARIABLE"]),
    ("select * from /users/{id} where id = '../x'", 422, ["BAD_VALUE"]),
    ("select * from /ok headers X = \"a\\r\\nb\"", 422, ["BAD_VALUE"]),
    ("select * from http://127.0.0.1:9/x", 403, ["FORBIDDEN_UPSTREAM"]),
    ("select * from /ok; " * 1000, 422, ["LIMIT_EXCEEDED"]),
    ("select * from /ok --" + "x" * 70_000, 422, ["LIMIT_EXCEEDED"]),
    ("select * from /ok where a = " + "[" * 100 + "]" * 100, 422, ["LIMIT_EXCEEDED"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "status", "codes"), REFUSED, ids=[row[0][:60] for row in REFUSED]
)
@pytest.mark.parametrize("accept", [JSON, ANSWER])
async def test_refused(
    site: Site, up: Upstream, query: str, status: int, codes: list[str], accept: str
) -> None:
    response = await site.ask(query, accept=accept)
    assert response.status == status, response.body
    assert response.codes() == codes
    assert set(response.json()) == {"errors"}
    assert response.media == accept
    assert all(error["message"] for error in response.json()["errors"])
    assert not up.seen


async def test_wrong_type_of_a_parameter(site: Site, up: Upstream) -> None:
    response = await site.ask("set $a integer; select * from /ok where x = $a", {"a": "one"})
    assert (response.status, response.codes()) == (422, ["VARIABLE_TYPE"])
    assert not up.seen


async def test_everything_hidden(site: Site, up: Upstream) -> None:
    response = await site.ask("select * from /ok hidden; select * from /big as b hidden")
    assert (response.status, response.body) == (204, b"")
    assert "content-length" not in response.headers
    assert up.hits == {"/ok": 1, "/big": 1}


async def test_errors_of_hidden_selects_are_told(site: Site) -> None:
    response = await site.ask(
        "select * from /status/500 as h hidden; select * from /ok", accept=ANSWER
    )
    assert response.status == 294
    assert response.json()["data"] == {"ok": {"ok": True}}
    assert response.json()["errors"][0]["task"] == "h"

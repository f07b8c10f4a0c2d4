"""What describes the service is behind the guards of queries, and what guards refuse is counted."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from apiql.access.minting import key_hash
from apiql.access.rights import Granted, Rights, Word
from apiql.server.query_route import QueryRoute
from tests.server.client import PROBLEM
from tests.server.guarded import Guarded, guarded

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/openapi.json"
KEY = "apiql_" + "a" * 43
DOCS = {"SERVER__DOCS": "true"}
KEYS = {"ACCESS__KEYS__SHOP__HASHES": key_hash(KEY)}
HERE = {"ADDRESSES__DENY": "127.0.0.0/8"}
CORS = {"CORS__ORIGINS": "https://shop.example"}
EVIL = {"Origin": "https://evil.example"}
PREFLIGHT = {"Access-Control-Request-Method": "GET"}
RATE = {"CLIENTS__RATE": "1/h"}


def refused_by(found: Guarded) -> dict[tuple[str, str], float]:
    """What is counted, by code and guard."""
    route = found.app.hot["/apiql"]
    assert isinstance(route, QueryRoute)
    figures = [each for each in route.counts.figures() if each.name == "apiql_refused_total"]
    assert all(each.counter for each in figures)
    return {(each.labels["code"], each.labels["guard"]): each.value for each in figures}


REFUSED: list[tuple[Mapping[str, str], str, Mapping[str, str], int, tuple[str, str]]] = [
    (HERE, "GET", {}, 403, ("FORBIDDEN", "addresses")),
    (CORS, "OPTIONS", EVIL | PREFLIGHT, 403, ("FORBIDDEN", "origins")),
    ({"FORGERY__COOKIES": "true"}, "GET", {"Cookie": "a=b"}, 403, ("FORBIDDEN", "forgery")),
    (KEYS, "GET", {}, 401, ("UNAUTHENTICATED", "none")),
    (KEYS, "GET", {"X-Api-Key": KEY[:-1]}, 401, ("UNAUTHENTICATED", "key")),
    (KEYS | RATE, "GET", {}, 401, ("UNAUTHENTICATED", "none")),
]


@pytest.mark.parametrize(("settings", "method", "headers", "status", "counted"), REFUSED)
@pytest.mark.parametrize("path", [
    PATH, "/apiql", "/query/x", "/template/x", "/api/x", "/httpapi/x", "/flow/x", "/schedule/x",
])  # fmt: skip
async def test_whom_the_guards_refuse(
    settings: Mapping[str, str], method: str, headers: Mapping[str, str], status: int,
    counted: tuple[str, str], path: str,
) -> None:  # fmt: skip
    async with guarded(**DOCS, **settings) as found:
        response = await found.site.send(method, path, headers=headers)
        assert (response.status, response.media) == (status, PROBLEM)
        assert response.json()["code"] == counted[0]
        assert response.json()["instance"] == path
        assert b"paths" not in response.body
        assert ("www-authenticate" in response.headers) == (status == 401)
        assert refused_by(found) == {counted: 1}


@pytest.mark.parametrize("path", [PATH, "/query/x"])
async def test_over_the_rate(path: str) -> None:
    async with guarded(**DOCS, **RATE) as found:
        first = await found.site.send("GET", path)
        assert first.headers["ratelimit"].startswith('"client";r=0;')
        assert not refused_by(found)
        response = await found.site.send("GET", path)
        assert (response.status, response.json()["code"]) == (429, "RATE_LIMITED")
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["ratelimit"].startswith('"client";r=0;')
        assert refused_by(found) == {("RATE_LIMITED", "rates"): 1}
        assert found.app.door.limited == 1


async def test_whoever_is_let_in_reads_it() -> None:
    async with guarded(**DOCS, **KEYS, **CORS) as found:
        headers = {"X-Api-Key": KEY, "Origin": "https://shop.example"}
        response = await found.site.send("GET", PATH, headers=headers)
        assert response.status == 200
        assert "/apiql" in response.json()["paths"]
        assert response.headers["access-control-allow-origin"] == "https://shop.example"
        assert "X-Api-Key" in response.headers["vary"]
        before = await found.site.send("OPTIONS", PATH, headers=headers | PREFLIGHT)
        assert (before.status, before.body) == (204, b"")
        assert not refused_by(found)
        assert (await found.site.send("POST", PATH, headers=headers)).status == 405
        assert found.current.held.requests == 0


async def test_who_need_not_say_who_it_is_need_not_here() -> None:
    async with guarded(**DOCS, **KEYS, ACCESS__REQUIRED="false") as found:
        assert (await found.site.send("GET", PATH)).status == 200


async def test_where_it_is_off_nobody_is_told_that_it_could_be_there() -> None:
    async with guarded(**KEYS, **HERE) as found:
        off = await found.site.send("GET", PATH)
        nowhere = await found.site.send("GET", "/nothing.json")
        assert off.status == nowhere.status == 404
        assert off.json() | {"instance": ""} == nowhere.json() | {"instance": ""}
        assert not refused_by(found)


@pytest.mark.parametrize(
    ("rights", "key", "counted"),
    [
        (Rights(Word.KNOWN), "", ("UNAUTHENTICATED", "rights")),
        (Rights(scopes={"s": Granted(texts=False)}), KEY, ("QUERY_NOT_ALLOWED", "rights")),
        (Rights(scopes={"s": Granted(methods=frozenset({"post"}))}), KEY, None),
        (Rights(Word.KNOWN), KEY, None),
    ],
)
async def test_what_rights_refuse_is_counted_too(
    rights: Rights, key: str, counted: tuple[str, str] | None
) -> None:
    some = {"ACCESS__REQUIRED": "false", "ACCESS__KEYS__SHOP__SCOPES": "s"}
    async with guarded(**KEYS, **some) as found:
        found.current.held.rights = rights
        headers = {"Content-Type": "text/plain"} | ({"X-Api-Key": key} if key else {})
        response = await found.site.send("POST", "/apiql", b"select * from /a", headers)
        assert refused_by(found) == ({} if counted is None else {counted: 1})
        assert counted is None or response.json()["code"] == counted[0]

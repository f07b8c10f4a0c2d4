"""What answers say about their use again: Cache-Control, ETag, 304, Vary, Cache-Status."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from apiql.demo.serving import serving
from apiql.query_files import QueryFile, QueryFiles
from apiql.server.app import create_app
from tests.server.client import ANSWER, Response, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


def caching(value: str, name: str) -> str:
    """A select whose upstream answers with this Cache-Control."""
    return f"select * from /caching?Cache-Control={quote(value)} as {name}"


async def got(site: Site, query: str, **headers: str) -> Response:
    """The answer to a query in the URL."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await site.send("GET", f"/apiql?query={quote(query)}", headers=fields)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (caching("max-age=60", "a"), "max-age=60"),
        (f"{caching('max-age=60', 'a')}; {caching('max-age=30', 'b')}", "max-age=30"),
        (f"{caching('max-age=60', 'a')} max-age 40s", "max-age=40"),
        (f"use max-age 20s; {caching('max-age=60', 'a')}", "max-age=20"),
        ("use max-age 20s; select * from /ok", "max-age=20"),
        (f"{caching('max-age=60', 'a')}; {caching('no-store', 'b')}", "no-store"),
        (caching("private, max-age=9", "b"), "private, max-age=9"),
        (f"{caching('max-age=6', 'a')}; {caching('private', 'b')}", "private"),
        (f"{caching('max-age=60', 'a')}; select * from /ok", None),
        ("select * from /ok", None),
        ("select * from /ok cache 50s", "max-age=50"),
        (f"{caching('max-age=60', 'a')}; select * from /status/500 as b", "no-store"),
        (f"{caching('max-age=60', 'a')}; select * from /status/500 as b optional", "no-store"),
    ],
)  # fmt: skip
async def test_cache_control_is_that_of_the_parts(
    site: Site, query: str, wanted: str | None
) -> None:
    assert (await site.ask(query)).headers.get("cache-control") == wanted


async def test_an_answer_that_writes_is_not_kept(site: Site) -> None:
    response = await site.ask("select * post from /caching?Cache-Control=max-age=60 as a")
    assert response.headers["cache-control"] == "no-store"


async def test_what_a_client_has_is_not_sent_again(site: Site, up: Upstream) -> None:
    query = caching("max-age=60", "a")
    first = await got(site, query)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    again = await got(site, query, If_None_Match=f'"x", {tag}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["cache-control"] == "max-age=59"  # it was kept for some moments
    assert again.headers["vary"] == "Accept"
    assert "content-length" not in again.headers
    other = await got(site, query, If_None_Match=tag, Accept=ANSWER)
    assert (other.status, other.json()) == (200, first.json())
    assert other.headers["etag"] != tag
    assert up.hits["/caching"] == 1


async def test_answers_in_part_have_no_etag(site: Site) -> None:
    response = await got(site, "select * from /ok; select * from /status/500 as b")
    assert response.headers["x-apiql-completed"] == "false"
    assert "etag" not in response.headers


async def test_a_posted_query_is_never_not_modified(site: Site) -> None:
    response = await site.ask("select * from /ok", If_None_Match="*")
    assert response.status == 200
    assert "etag" not in response.headers


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("select * from /ok", "Accept"),
        ("select * from /ok headers X = header('x-user')", "Accept, X-User"),
        ("select * from /ok hidden; return cookie('sid')?", "Accept, Cookie"),
        ("select * from /ok hidden; return header('x-user')", "Accept, X-User"),
        ("select * from /ok when header('b') = 'x'", "Accept, B"),
        ("set $n = 'b'; select * from /ok query n = header($n)", "*"),
        ("select * from /status/500 as a else select header('b') as b from /ok", "Accept, B"),
    ],
)  # fmt: skip
async def test_vary_names_what_was_looked_at(site: Site, query: str, wanted: str) -> None:
    response = await site.ask(query, X_User="u", B="x", Accept_Language="de")
    assert response.headers["vary"] == wanted


async def test_a_kept_answer_makes_no_call(dev: Site, up: Upstream) -> None:
    query = "select * from /ok?kept as k cache 60s; select * from /list as l"
    first = (await dev.ask(query)).headers["cache-status"]
    again = (await dev.ask(query)).headers["cache-status"]
    assert up.hits == {"/ok": 1, "/list": 2}
    assert 'apiql; fwd=uri-miss; stored; fwd-status=200; detail="k"' in first
    assert "apiql; hit; ttl=" in again
    assert 'detail="l"' in again


async def test_cache_status_only_where_allowed(site: Site) -> None:
    assert "cache-status" not in (await site.ask("select * from /ok")).headers


async def test_times_of_a_stored_query_are_its_own(up: Upstream) -> None:
    text = f"set $t = '40s'; {caching('max-age=60', 'a')} max-age $t"
    queries = QueryFiles((QueryFile("kept", 1, "kept.apiql", text),))
    async with serving(create_app(settings_for(up), queries)) as url:
        response = await Site(url).ask("select * from query.kept as k")
    assert response.json() == {"data": {"k": {"a": {"ok": True}}}}
    assert response.headers["cache-control"] == "max-age=40"

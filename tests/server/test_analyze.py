"""`explain analyze` over HTTP: the query runs, and where its time went is the answer."""

from __future__ import annotations

import pytest

from apiql.demo.serving import serving
from apiql.server.app import create_app
from apiql.server.configuration import developing
from tests.server.client import ANSWER, JSON, PROBLEM, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = (
    "explain analyze select id from /list as l; select name from /users/{id} as u where id in l.id"
)


@pytest.mark.parametrize("media", [JSON, ANSWER, "application/x-ndjson"])
async def test_json(dev: Site, up: Upstream, media: str) -> None:
    response = await dev.ask(QUERY, accept=media)
    assert (response.status, response.media) == (200, media if media == ANSWER else JSON)
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"extensions"}
    analysis = response.json()["extensions"]["analysis"]
    assert [(task["name"], task["calls"]) for task in analysis["tasks"]] == [("l", 1), ("u", 2)]
    assert analysis["criticalPath"] == ["l", "u"]
    first, then = analysis["tasks"]
    assert 0 <= first["start"] <= first["end"] <= then["start"] <= analysis["total"]
    assert analysis["text"].startswith("analysis: ")
    assert sorted(up.hits) == ["/list", "/users/1", "/users/2"]


async def test_text(dev: Site, up: Upstream) -> None:
    response = await dev.ask(QUERY, accept="text/plain")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "critical path: l -> u" in response.body.decode()


async def test_mermaid(dev: Site, up: Upstream) -> None:
    response = await dev.ask(QUERY, accept="text/vnd.mermaid")
    assert response.headers["content-type"] == "text/vnd.mermaid; charset=utf-8"
    assert response.body.decode().startswith("gantt\n")


async def test_errors_are_told_without_data(dev: Site, up: Upstream) -> None:
    response = await dev.ask("explain analyze select * from /status/500 as s")
    assert (response.status, response.codes()) == (200, ["UPSTREAM_STATUS"])
    assert response.json()["extensions"]["analysis"]["status"] == 502
    assert "data" not in response.json()


async def test_parameters_are_needed(dev: Site, up: Upstream) -> None:
    query = "explain analyze select * from /ok where a = $a"
    assert (await dev.ask(query)).codes() == ["MISSING_VARIABLE"]
    assert (await dev.ask(query, {"a": 1})).status == 200


async def test_get_reads_only(dev: Site, up: Upstream) -> None:
    response = await dev.url_ask("explain analyze select * post from /echo where a = 1")
    assert response.status == 405
    assert not up.seen
    assert (await dev.url_ask("explain analyze select * from /ok")).status == 200


async def test_it_tells_timings(site: Site, up: Upstream) -> None:
    response = await site.ask(QUERY)
    assert (response.status, response.media, response.json()["code"]) == (403, PROBLEM, "FORBIDDEN")
    assert "timings" in response.json()["detail"]
    assert not up.seen


async def test_and_the_plan(up: Upstream) -> None:
    told = settings_for(up, ANSWER__PLAN="false", ANSWER__TIMINGS="true")
    async with serving(create_app(told)) as url:
        response = await Site(url).ask(QUERY)
    assert (response.status, response.json()["code"]) == (403, "FORBIDDEN")
    assert not up.seen


async def test_both_are_enough(up: Upstream) -> None:
    async with serving(create_app(settings_for(up, ANSWER__TIMINGS="true"))) as url:
        assert (await Site(url).ask(QUERY)).status == 200
    assert developing(settings_for(up)).answer.timings

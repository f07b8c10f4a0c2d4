"""`explain` over HTTP: nothing is called, and the plan comes in the form that is asked for."""

from __future__ import annotations

import pytest

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import ANSWER, JSON, PROBLEM, Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = "explain select id from /list as l; select * from /users/{id} as u where id = l[0].id"


@pytest.mark.parametrize("media", [JSON, ANSWER])
async def test_json(site: Site, up: Upstream, media: str) -> None:
    response = await site.ask(QUERY, accept=media)
    assert (response.status, response.media) == (200, media)
    plan = response.json()["extensions"]["plan"]
    assert "data" not in response.json()
    assert [task["name"] for task in plan["tasks"]] == ["l", "u"]
    assert plan["tasks"][1]["needs"] == ["l"]
    assert "GET default /users/{id}" in plan["text"]
    assert not up.seen


async def test_text(site: Site, up: Upstream) -> None:
    response = await site.ask(QUERY, accept="text/plain")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "/users/{id}" in response.body.decode()
    assert not up.seen


async def test_mermaid(site: Site, up: Upstream) -> None:
    response = await site.ask(QUERY, accept="text/vnd.mermaid")
    assert response.headers["content-type"] == "text/vnd.mermaid; charset=utf-8"
    assert response.body.decode().startswith(("flowchart", "graph"))
    assert not up.seen


async def test_explain_of_a_text_that_is_wrong(site: Site) -> None:
    response = await site.ask("explain select * from nosuch", accept="text/plain")
    assert (response.status, response.codes()) == (422, ["UNKNOWN_SOURCE"])
    assert response.media == JSON


async def test_get_explains_a_text_that_writes(site: Site, up: Upstream) -> None:
    response = await site.url_ask("explain select * post from /echo where a = 1")
    assert response.status == 200
    assert not up.seen


async def test_explain_needs_no_parameters(site: Site) -> None:
    assert (await site.ask("explain select * from /ok where a = $a")).status == 200


async def test_switched_off(up: Upstream) -> None:
    async with serving(create_app(settings_for(up, ANSWER__PLAN="false"))) as url:
        response = await Site(url).ask(QUERY)
    assert (response.status, response.media, response.json()["code"]) == (403, PROBLEM, "FORBIDDEN")

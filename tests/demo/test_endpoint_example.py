"""conf/endpoints: every endpoint of the example answers in front of the shop."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from apiql.demo import show
from apiql.demo.serving import serving
from apiql.demo.together import together
from apiql.server.configuration import Place
from apiql.server.worker import worker

CONF = Path(__file__).resolve().parent.parent.parent / "conf"


async def test_every_endpoint_answers() -> None:
    async with together(delay=0) as running:
        environ = {"SHOP_URL": running.shop, "APIQL_UPSTREAMS__DEFAULT__URL": running.shop}
        app, _ = worker(Place(CONF, environ), lambda notice: None)
        async with (
            serving(app) as url,
            httpx.AsyncClient(base_url=url, trust_env=False) as client,
        ):
            user = await client.get("/shop/users/8")
            again = await client.get("/shop/users/8")
            order = await client.get("/shop/orders/7")
            version = await client.get("/version")
    assert user.json()["name"] == "Farah"
    assert [found.headers["x-gopen-cache"] for found in (user, again)] == ["false", "true"]
    assert order.headers["x-gopen-complete"] == "true"
    assert (order.json()["order"]["id"], order.json()["customer"]["name"]) == (7, "Farah")
    assert version.text == "v1.0.0"


async def test_the_demo_serves_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "SHOP_PORT", 0)
    async with show._served(0, CONF) as running:
        patterns = [way.pattern for way in running.engine.definitions.gateways.served]
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            version = await client.get("/version")
    assert patterns == ["GET /shop/users/:id", "GET /shop/orders/:id"]
    assert version.text == "v1.0.0"

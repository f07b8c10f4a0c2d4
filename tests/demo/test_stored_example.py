"""conf/queries: every stored query of the example answers in front of the shop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from apiql.demo.together import together
from apiql.query_files import read_query_files
from tests.server.client import JSON

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
USER = {"id": 3, "name": "李雷", "city": "Lagos"}


@pytest.fixture
async def answers() -> dict[str, Any]:
    """What is answered, by the path."""
    paths = [
        "user?id=3", "shop/cart?user=3", "shop/cart/1?user=3", "shop/home?user=3",
        "shop/home?user=3&orders=false",
    ]  # fmt: skip
    async with together(delay=0, queries=read_query_files(CONF)) as running:
        async with httpx.AsyncClient(base_url=running.url, trust_env=False) as client:
            found = {path: await client.get(f"/query/{path}") for path in paths}
    assert {(r.status_code, r.headers["content-type"]) for r in found.values()} == {(200, JSON)}
    return {path: response.json() for path, response in found.items()}


async def test_every_stored_query_answers(answers: dict[str, Any]) -> None:
    assert answers["user?id=3"] == USER
    cart = answers["shop/cart?user=3"]["data"]
    assert set(cart) == {"items", "total"}
    before = answers["shop/cart/1?user=3"]["data"]["items"]
    assert [item["name"] for item in cart["items"]] == [item["name"] for item in before]
    home = answers["shop/home?user=3"]["data"]
    assert home.pop("orders")["data"]["items"]
    assert home == {"user": USER, "cart": cart}
    shorter = answers["shop/home?user=3&orders=false"]["data"]
    assert shorter == {**home, "orders": None}

"""The demo shop's answers, without their waits, and how it is served over a real socket."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import httpx
import pytest

from apiql.demo.serving import serving
from apiql.demo.upstream import Route, _routes, _wait, shop

pytestmark = pytest.mark.asyncio


def _client() -> httpx.AsyncClient:
    inside = httpx.ASGITransport(app=shop(delay=0))
    return httpx.AsyncClient(transport=inside, base_url="http://shop.example")


async def _ask(method: str, path: str, **more: Any) -> httpx.Response:
    async with _client() as client:
        return await client.request(method, path, **more)


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/users/3", 200, {"name": "李雷", "age": 40}),
        ("/users/7", 200, {"name": "Eve 🦊", "nick": "eve_7"}),
        ("/users/99", 404, {"error": {"code": "NOT_FOUND", "message": "no user 99", "id": 99}}),
        ("/posts?page=10", 200, {"page": 10, "pages": 10, "total": 100}),
        ("/posts?page=x", 400, {}),
        ("/posts/1", 200, {"authorId": 8}),
        ("/orders?userId=1", 200, {"total": 3}),
        ("/orders/7", 200, {"userId": 8}),
        ("/items/1", 200, {"sku": "SKU-001", "price": 4.0}),
        ("/recommendations/1", 200, {"userId": 1}),
        ("/slow/1", 200, {"waitedMs": 1}),
        ("/stock/SKU-001", 200, {"available": 3}),
        ("/stock/SKU-007", 503, {}),
        ("/status/418", 418, {"status": 418}),
        ("/weather?city=上海", 200, {"sky": "rain"}),
        ("/weather", 400, {}),
        ("/nowhere", 404, {}),
    ],
)
async def test_an_object_has_these_members(
    path: str, status: int, expected: dict[str, Any]
) -> None:
    answer = await _ask("GET", path)
    assert answer.status_code == status
    assert answer.json() | expected == answer.json()


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/users?ids=2,1,99", [2, 1]),
        ("/users?ids=2&ids=1", [2, 1]),
        ("/items?ids=30", [30]),
        ("/posts/3/comments", [30, 31, 32]),
        ("/comments?postIds=1,2", [10, 20, 21]),
    ],
)
async def test_a_list_holds_what_was_asked_for(path: str, ids: list[int]) -> None:
    assert [record["id"] for record in (await _ask("GET", path)).json()] == ids


async def test_all_tables_have_their_size() -> None:
    async with _client() as client:
        assert len((await client.get("/users")).json()) == 20
        assert len((await client.get("/items")).json()) == 30
        assert len((await client.get("/posts?page=1")).json()["data"]["items"]) == 10
        assert (await client.get("/posts?page=11")).json()["data"]["items"] == []
        assert (await client.get("/cart/1")).json() == [6, 17]


async def test_writes_are_echoed_digit_by_digit_and_not_kept() -> None:
    async with _client() as client:
        made = await client.post(
            "/orders", content=b'{"userId":1,"total":12.340,"n":9007199254740993}'
        )
        assert made.status_code == 201
        assert made.headers["location"] == "/orders/61"
        assert made.content == (
            b'{"id":61,"status":"new","userId":1,"total":12.340,"n":9007199254740993}'
        )
        assert (await client.get("/orders/61")).status_code == 404
        put = await client.put("/orders/7", json={"status": "paid", "id": 8})
        assert put.json() == {"status": "paid", "id": 7}
        gone = await client.delete("/orders/7")
        assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/orders", b"{", 400),
        ("POST", "/orders", b"[1]", 422),
        ("POST", "/orders", b'"' + b"x" * (1 << 20) + b'"', 413),
        ("PATCH", "/orders", b"{}", 405),
        ("PUT", "/orders/999", b"{}", 404),
        ("POST", "/soa/10225/getHealth", b"{}", 422),
        ("POST", "/soa/10225/getHealth", b'{"id":99}', 404),
    ],
)
async def test_a_request_that_cannot_be_answered_gets_a_json_error(
    method: str, path: str, body: bytes, status: int
) -> None:
    answer = await _ask(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize("body", [{"id": 15}, {"id": "15"}, {"name": "Ray"}])
async def test_the_seeds_service_finds_a_user_by_id_or_name(body: dict[str, Any]) -> None:
    found = (await _ask("POST", "/soa/10225/getHealth", json=body)).json()
    assert (found["id"], found["name"], found["user"]["name"]) == (15, "Ray", "Ray")


async def test_bodies_that_are_hard_to_carry() -> None:
    broken = await _ask("GET", "/broken")
    assert (broken.status_code, broken.headers["content-type"]) == (500, "text/html")
    prices = (await _ask("GET", "/prices")).text
    assert "12345678901234567890.123456789012345678" in prices
    assert "9007199254740993" in prices
    assert '"price":10.20' in (await _ask("GET", "/items/3")).text
    head = await _ask("HEAD", "/users/1")
    assert (head.content, int(head.headers["content-length"]) > 0) == (b"", True)


async def test_the_waits_are_realistic_and_the_same_every_time() -> None:
    for route in _routes():
        wait = _wait_of(route)
        assert wait == _wait_of(route)
        assert 0.010 <= wait < 0.040 or route.path in ("/recommendations/{userId}", "/slow/{ms}")


async def test_it_is_served_for_a_block_and_the_process_keeps_its_signal_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    async with serving(shop(delay=0)) as url, httpx.AsyncClient(trust_env=False) as client:
        assert signal.getsignal(signal.SIGINT) is before
        assert (await client.get(f"{url}/users/3")).json()["name"] == "李雷"
        assert (await client.delete(f"{url}/orders/7")).status_code == 204
        assert (await client.get(f"{url}/status/304")).status_code == 304
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))


async def test_an_app_that_does_not_start_is_an_error_of_the_block() -> None:
    async def lame(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError):
        async with serving(lame):
            raise AssertionError("never reached")


def _wait_of(route: Route) -> float:
    words = {"ms": "5"}
    return _wait(route, words, route.path.encode(), 1.0)

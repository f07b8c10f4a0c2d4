"""What each route of the demo shop answers: records and a request in, a reply out; no waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from apiql.demo.shop_data import Record, Stock, Table

PAGE_SIZE = 10
MOST_WAIT_MS = 60_000

_PRICES = b"""{"items": [
  {"sku": "SKU-001", "price": 19.90, "exact": 0.1000000000000000055511151231257827},
  {"sku": "SKU-002", "price": 12345678901234567890.123456789012345678, "exact": 1.10},
  {"sku": "SKU-003", "price": 9999999999999999.99, "exact": 3E+2}
], "views": 9007199254740993, "currency": "EUR"}"""
_BROKEN = b"<!doctype html><html><body><h1>500 Internal Server Error</h1></body></html>"


@dataclass(frozen=True)
class Request:
    """What an answer is made from: the path's words, the query's pairs, the body's members.

    The members stay as they were sent: what is echoed keeps every digit.
    """

    words: dict[str, str]
    pairs: list[tuple[str, str]]
    body: dict[str, msgspec.Raw]

    def texts(self, *names: str) -> list[str]:
        """All values of a parameter, repeated (`ids=1&ids=2`) or in one (`ids=1,2`)."""
        found = (value for name, value in self.pairs if name in names)
        return [text for value in found for text in value.split(",") if text]


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


class Refused(Exception):
    """The request cannot be answered; carries the reply that says why."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.reply = json_reply({"error": {"code": code, "message": message, **more}}, status)


Answer = Callable[[Stock, Request], Reply]


def _one(table: Table, request: Request, kind: str) -> Reply:
    return json_reply(_record(table, request.words["id"], kind))


def _record(table: Table, text: str, kind: str) -> Record:
    number = whole(text, "number")
    if number not in table:
        raise Refused(404, "NOT_FOUND", f"no {kind} {number}", id=number)
    return table[number]


def whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(400, "BAD_NUMBER", f"not a {what}: {text[:40]}")
    return int(text)


def _listed(table: Table, texts: list[str]) -> list[Record]:
    """The records asked for, in that order, unknown ones left out; all of them if none is named."""
    numbers = [whole(text, "number") for text in texts] or list(table)
    return [table[number] for number in numbers if number in table]


def user(shelves: Stock, request: Request) -> Reply:
    return _one(shelves.users, request, "user")


def post(shelves: Stock, request: Request) -> Reply:
    return _one(shelves.posts, request, "post")


def order(shelves: Stock, request: Request) -> Reply:
    return _one(shelves.orders, request, "order")


def item(shelves: Stock, request: Request) -> Reply:
    return _one(shelves.items, request, "item")


def users(shelves: Stock, request: Request) -> Reply:
    return json_reply(_listed(shelves.users, request.texts("ids", "id")))


def posts(shelves: Stock, request: Request) -> Reply:
    page = whole((request.texts("page") or ["1"])[0], "page")
    posts = list(shelves.posts.values())
    items = posts[max(page - 1, 0) * PAGE_SIZE : page * PAGE_SIZE]
    pages = -(-len(posts) // PAGE_SIZE)
    return json_reply({"data": {"items": items}, "page": page, "pages": pages, "total": len(posts)})


def comments_of(shelves: Stock, request: Request) -> Reply:
    post = _record(shelves.posts, request.words["id"], "post")
    return json_reply(shelves.comments_of[post["id"]])


def comments(shelves: Stock, request: Request) -> Reply:
    posts = [whole(text, "number") for text in request.texts("postIds", "postId")]
    chosen = posts or list(shelves.comments_of)
    return json_reply([c for post in chosen for c in shelves.comments_of.get(post, [])])


def orders(shelves: Stock, request: Request) -> Reply:
    users = {whole(text, "number") for text in request.texts("userId")}
    items = [o for o in shelves.orders.values() if not users or o["userId"] in users]
    return json_reply({"data": {"items": items}, "total": len(items)})


def create_order(shelves: Stock, request: Request) -> Reply:
    number = len(shelves.orders) + 1
    created = {"id": number, "status": "new", **request.body}
    return json_reply(created, 201, {"Location": f"/orders/{number}"})


def replace_order(shelves: Stock, request: Request) -> Reply:
    known = _record(shelves.orders, request.words["id"], "order")
    return json_reply({**request.body, "id": known["id"]})


def delete_order(shelves: Stock, request: Request) -> Reply:
    _record(shelves.orders, request.words["id"], "order")
    return Reply(204, b"")


def items(shelves: Stock, request: Request) -> Reply:
    return json_reply(_listed(shelves.items, request.texts("ids", "id")))


def cart(shelves: Stock, request: Request) -> Reply:
    user = whole(request.words["userId"], "number")
    if user not in shelves.carts:
        raise Refused(404, "NOT_FOUND", f"no user {user}", id=user)
    return json_reply(shelves.carts[user])


def recommendations(shelves: Stock, request: Request) -> Reply:
    user = _record(shelves.users, request.words["userId"], "user")["id"]
    picks = [1 + (user * 13 + place * 7) % len(shelves.items) for place in range(5)]
    scored = [
        {"itemId": item, "score": Decimal(95 - 8 * n).scaleb(-2)} for n, item in enumerate(picks)
    ]
    return json_reply({"userId": user, "items": scored})


def slow(shelves: Stock, request: Request) -> Reply:
    return json_reply({"waitedMs": min(int(request.words["ms"]), MOST_WAIT_MS)})


def stock(shelves: Stock, request: Request) -> Reply:
    sku = request.words["sku"]
    number = next((i["id"] for i in shelves.items.values() if i["sku"] == sku), None)
    if number is None:
        raise Refused(404, "NOT_FOUND", f"no item {sku}", sku=sku)
    if number % 7 == 0:  # one warehouse in seven is always down
        raise Refused(503, "WAREHOUSE_DOWN", f"the warehouse of {sku} does not answer", sku=sku)
    return json_reply({"sku": sku, "available": number * 3 % 17})


def status(shelves: Stock, request: Request) -> Reply:
    code = whole(request.words["code"], "status")
    if not 200 <= code <= 599:
        raise Refused(400, "BAD_NUMBER", f"not a status to answer with: {code}")
    return Reply(code, b"") if code in (204, 304) else json_reply({"status": code}, code)


def prices(shelves: Stock, request: Request) -> Reply:
    return Reply(200, _PRICES)


def broken(shelves: Stock, request: Request) -> Reply:
    return Reply(500, _BROKEN, kind="text/html")


def health(shelves: Stock, request: Request) -> Reply:
    """The seed's example service: a user by `id`, or by `name` where no id is given."""
    key = next((key for key in ("id", "name") if key in request.body), None)
    if key is None:
        raise Refused(422, "MISSING_PARAMETER", "the body has neither id nor name")
    value = msgspec.json.decode(request.body[key])
    user = next((u for u in shelves.users.values() if str(u[key]) == str(value)), None)
    if user is None:
        raise Refused(404, "NOT_FOUND", f"no user with {key} {value}", **{key: value})
    inner = {k: user[k] for k in ("name", "email", "tags")} | {"city": user["address"]["city"]}
    known = {k: user[k] for k in ("id", "name", "age")} | {"user": inner}
    return json_reply(known | {"health": {"pulse": 58 + user["id"], "ok": True}})


def weather(shelves: Stock, request: Request) -> Reply:
    city = next(iter(request.texts("city")), None)
    if city is None:
        raise Refused(400, "MISSING_PARAMETER", "which city? /weather?city=Berlin")
    if city not in shelves.weather:
        raise Refused(404, "NOT_FOUND", f"no weather for {city}", city=city)
    return json_reply(shelves.weather[city], headers={"Cache-Control": "public, max-age=30"})


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    encoder = msgspec.json.Encoder(decimal_format="number")
    return Reply(status, encoder.encode(value), headers or {})

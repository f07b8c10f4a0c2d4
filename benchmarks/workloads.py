"""The workloads: the query of each, the upstream calls it may cost, and the upstream's bodies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

FIRST_ID = 1_000_000  # ids have seven digits, so that every request and answer has a fixed length
_MARK = "@ID@"
_ITEMS = 2_300
_FEW, _MANY = 10, 100  # ids in the first answer of w4, posts in that of N+1


@dataclass(frozen=True)
class Workload:
    """`calls` is what one request has to cost upstream; `rate` (requests/s) makes a steady load.

    `settings` is what APIQL's configuration needs for the query.
    """

    name: str
    what: str
    route: str
    query: str
    calls: int
    clients: int = 50
    rate: int = 0
    settings: str = ""


@dataclass(frozen=True)
class Body:
    """The pieces of a body, which are joined by the id that was asked for, of so many digits."""

    pieces: list[bytes]
    digits: int = len(str(FIRST_ID))

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces)) + self.digits * (len(self.pieces) - 1)

    def of(self, number: bytes) -> bytes:
        return number.join(self.pieces)


def _three(route: str) -> str:
    picked = "select name, age, user.name from"
    return "; ".join(f"{picked} /{route}{x}/{{id}} as {x} where id = $id" for x in "abc")


_CHAIN = (
    "select name from /w3b/{id} as b where id = a.next "
    "join select name from /w3a/{id} as a where id = $id"
)
_FAN_OUT = (
    "select ids from /w4a/{id} as a where id = $id; select * from /w4b/{id} as b where id in a.ids"
)


def _posts(users: str) -> str:
    return (
        "select id, title, authorId from /posts/{id} as posts where id = $id "
        f"join select name from {users} as author where id in posts.authorId into posts.author"
    )


_BULK = """
[upstreams.default.sources.user]
path = "/users/{id}"
bulk = { path = "/users", param = "ids", key = "id", max = 100, style = "csv" }
"""

WORKLOADS = (
    Workload(
        "w1", "one call, 300 B, projected", "w1",
        "select name, age, user.name from /w1/{id} as a where id = $id", 1,
    ),
    Workload(
        "w1b", "one call, 10 KB, projected", "w1b",
        "select name, age, user.name from /w1b/{id} as a where id = $id", 1,
    ),
    Workload("w2", "three calls side by side", "w2", _three("w2"), 3),
    Workload("w2c1", "w2 from one client", "w2", _three("w2"), 3, clients=1),
    Workload("w3", "chain of two calls", "w3", _CHAIN, 2),
    Workload("w4", "10 ids, then a call for each", "w4", _FAN_OUT, 1 + _FEW, clients=16),
    Workload(
        "n1", "100 posts, then a call for the author of each", "n1", _posts("/users/{id}"),
        1 + _MANY, clients=8,
    ),
    Workload(
        "n1-bulk", "100 posts, then one call for their authors", "n1_bulk", _posts("user"),
        2, clients=8, settings=_BULK,
    ),
    Workload(
        "w5", "one call of 1 MB, 3 fields of each item", "w5",
        "select items.id, items.name, items.price from /w5/{id} as a where id = $id", 1, clients=8,
    ),
    Workload("w6", "three calls of 20 ms at 50/s", "w6", _three("w6"), 3, rate=50),
)  # fmt: skip


def bodies() -> dict[bytes, Body]:
    """By upstream route. Ids of items and users begin with the id of the request that led to them:
    no two requests ask for the same one.
    """
    small, large = _person(300), _person(10_000)
    routes: dict[str, Any] = {"w1": small, "w1b": large, "w3a": small, "w3b": small, "w5": _items()}
    routes |= {f"{name}{x}": small for name in ("w2", "w6") for x in "abc"}
    routes |= {"w4a": _ids(), "posts": [_post(n) for n in range(_MANY)]}
    made = {f"/{route}".encode(): Body(_pieces(body)) for route, body in routes.items()}
    pieces, digits = _pieces(small), len(str(FIRST_ID))
    return made | {b"/w4b": Body(pieces, digits + 1), b"/users": Body(pieces, digits + 2)}


def _pieces(body: Any) -> list[bytes]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return re.sub(rf'"{_MARK}(\d*)"', rf"{_MARK}\1", text).encode().split(_MARK.encode())


def _ids() -> dict[str, Any]:
    return {"id": _MARK, "name": f"List {_MARK}", "ids": [f"{_MARK}{n}" for n in range(_FEW)]}


def _post(number: int) -> dict[str, Any]:
    return {
        "id": f"{_MARK}{number:02}",
        "title": f"Post {number} of {_MARK}",
        "body": "Some words about a matter of interest. " * 4,
        "authorId": f"{_MARK}{_MANY - 1 - number:02}",
        "tags": ["news", "long read"],
        "published": True,
    }


def _person(size: int) -> dict[str, Any]:
    person = {
        "id": _MARK,
        "name": f"Person {_MARK}",
        "age": 41,
        "next": _MARK,
        "user": {"name": f"user-{_MARK}", "roles": ["reader", "author"], "active": True},
        "tags": ["a", "b", "c"],
        "visits": _visits((size - 300) // 100),
    }
    missing = size - sum(map(len, _pieces(person))) - 7 * (len(_pieces(person)) - 1)
    return person | {"about": "x" * max(missing - len(',"about":""'), 0)}


def _visits(count: int) -> list[dict[str, Any]]:
    return [
        {"page": f"/products/{n}", "seconds": n * 1.25, "from": None, "device": {"os": "linux"}}
        for n in range(count)
    ]


def _items() -> dict[str, Any]:
    first = {"id": 0, "name": f"Item of {_MARK}", "price": 9.95}
    return {"items": [first, *(_item(n) for n in range(1, _ITEMS))], "total": _ITEMS}


def _item(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "sku": f"SKU-{number:06}",
        "name": f"Item {number} 商品",
        "description": "A thing of some use, described at the usual length. " * 4,
        "price": number + 0.99,
        "stock": {"berlin": number % 7, "lyon": number % 11},
        "tags": ["new", "sale", "gift"],
        "images": [f"/img/{number}/{n}.webp" for n in range(3)],
        "rating": {"stars": 4.5, "votes": number * 3},
    }

"""The workloads: the query of each, the upstream calls it may cost, and the upstream's bodies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

FIRST_ID = 1_000_000  # ids have seven digits, so that every request and answer has a fixed length
_MARK = "@ID@"
_ITEMS = 2_300


@dataclass(frozen=True)
class Workload:
    """`calls` is what one request has to cost upstream; `rate` (requests/s) makes a steady load."""

    name: str
    what: str
    route: str
    query: str
    calls: int
    clients: int = 50
    rate: int = 0


def _three(route: str) -> str:
    picked = "select name, age, user.name from"
    return "; ".join(f"{picked} /{route}{x}/{{id}} as {x} where id = $id" for x in "abc")


_CHAIN = (
    "select name from /w3b/{id} as b where id = a.next "
    "join select name from /w3a/{id} as a where id = $id"
)

# w4 (10 ids, then 10 calls) and N+1 take their place between w3 and w5 once they are measured.
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
    Workload(
        "w5", "one call of 1 MB, 3 fields of each item", "w5",
        "select items.id, items.name, items.price from /w5/{id} as a where id = $id", 1, clients=8,
    ),
    Workload("w6", "three calls of 20 ms at 50/s", "w6", _three("w6"), 3, rate=50),
)  # fmt: skip


def bodies() -> dict[bytes, list[bytes]]:
    """Upstream route -> the pieces of its body, which are joined by the id that was asked for."""
    small, large = _person(300), _person(10_000)
    routes = {"w1": small, "w1b": large, "w3a": small, "w3b": small, "w5": _items()}
    routes |= {f"{name}{x}": small for name in ("w2", "w6") for x in "abc"}
    return {f"/{route}".encode(): _pieces(body) for route, body in routes.items()}


def _pieces(body: Any) -> list[bytes]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.replace(f'"{_MARK}"', _MARK).encode().split(_MARK.encode())


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

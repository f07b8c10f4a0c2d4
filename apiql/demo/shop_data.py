"""The demo shop's records, made by rule from short word lists: the same on every start.

Knows nothing of HTTP. Prices are `Decimal` so that `19.90` keeps its last zero in the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Record = dict[str, Any]
Table = dict[int, Record]

USERS = 20
POSTS = 100
ITEMS = 30
ORDERS = 60

_NAMES = (
    "Ada", "Bruno", "李雷", "Chloé", "韩梅梅", "Dmitri", "Eve 🦊", "Farah", "王小明", "Goran",
    "Hana", "Ines", "José", "Kofi", "Ray", "张伟", "Lars", "Mia 🌸", "Nils", "Olga",
)  # fmt: skip
_CITIES = ("Berlin", "上海", "Lyon", "Lagos", "São Paulo")
_GOODS = (
    "Teapot", "青花瓷碗", "Notebook", "Lamp 💡", "Chair",
    "竹筷", "Backpack", "Clock", "Kite 🪁", "Mug",
)  # fmt: skip
_TOPICS = ("tea", "travel", "code", "美食", "music")
_REMARKS = ("Lovely!", "谢谢分享", "I disagree.", "👍👍", "More of this, please.", "Why?")
_STATES = ("new", "paid", "shipped", "cancelled")


@dataclass(frozen=True)
class Stock:
    """Every table of the shop, by number; `comments_of` and `carts` are keyed by post and user."""

    users: Table
    posts: Table
    comments: Table
    items: Table
    orders: Table
    comments_of: dict[int, list[Record]]
    carts: dict[int, list[int]]
    weather: dict[str, Record]


def stock() -> Stock:
    posts = _table(POSTS, _post)
    comments_of = {number: _comments(number) for number in posts}
    items = _table(ITEMS, _item)
    return Stock(
        users=_table(USERS, _user),
        posts=posts,
        comments={c["id"]: c for several in comments_of.values() for c in several},
        items=items,
        orders={number: _order(number, items) for number in range(1, ORDERS + 1)},
        comments_of=comments_of,
        carts={user: _picks(user, 1 + user % 4) for user in range(1, USERS + 1)},
        weather={city: _weather(place, city) for place, city in enumerate(_CITIES)},
    )


def _table(size: int, record: Any) -> Table:
    return {number: record(number) for number in range(1, size + 1)}


def _user(number: int) -> Record:
    name = _NAMES[number - 1]
    place = number % len(_CITIES)
    user: Record = {
        "id": number,
        "name": name,
        "email": f"user{number}@shop.example",
        "age": 19 + number * 7 % 50,
        "avatar": f"/avatars/{number}.png",
        "password": f"not-for-you-{number}",
        "address": {
            "city": _CITIES[place],
            "street": f"{number * 3} Market Street",
            "geo": {"lat": Decimal("31.230") + place, "lng": Decimal("121.470") - place},
        },
        "tags": [_TOPICS[number % 5], _TOPICS[(number + 2) % 5]],
        "friends": [(number + step - 1) % USERS + 1 for step in (1, 4)],
    }
    if number % 3:  # some have a nickname, for some it is null, some have no such member
        user["nick"] = f"{name.split()[0].lower()}_{number}" if number % 3 == 1 else None
    return user


def _post(number: int) -> Record:
    topic = _TOPICS[number % 5]
    return {
        "id": number,
        "title": f"On {topic}, part {1 + number // 5}",
        "authorId": 1 + number * 7 % USERS,
        "body": f"Some thoughts about {topic}. " * (1 + number % 3),
        "topic": topic,
        "likes": number * 37 % 101,
        "published": number % 9 != 0,
    }


def _comments(post: int) -> list[Record]:
    return [
        {
            "id": post * 10 + place,
            "postId": post,
            "authorId": 1 + (post + place * 3) % USERS,
            "text": _REMARKS[(post + place) % len(_REMARKS)],
        }
        for place in range(post % 4)
    ]


def _item(number: int) -> Record:
    return {
        "id": number,
        "sku": f"SKU-{number:03}",
        "name": f"{_GOODS[number % len(_GOODS)]} {'SML'[number % 3]}",
        "price": Decimal(number * 310 + 90).scaleb(-2),
        "cost": Decimal(number * 200 + 35).scaleb(-2),
        "currency": "EUR",
        "tags": [["kitchen", "gift"], ["office"], []][number % 3],
        "weightGrams": 100 + number * 45,
    }


def _order(number: int, items: Table) -> Record:
    user = 1 + number % USERS
    lines = [
        {"itemId": item, "sku": items[item]["sku"], "qty": 1 + item % 3, "price": price}
        for item in _picks(number, 1 + number % 3)
        for price in (items[item]["price"],)
    ]
    return {
        "id": number,
        "userId": user,
        "status": _STATES[number % len(_STATES)],
        "placed": f"2024-{1 + number % 12:02}-{1 + number % 28:02}T08:30:00Z",
        "lines": lines,
        "total": sum((line["qty"] * line["price"] for line in lines), Decimal("0.00")),
    }


def _picks(seed: int, count: int) -> list[int]:
    return [1 + (seed * 5 + place * 11) % ITEMS for place in range(count)]


def _weather(place: int, city: str) -> Record:
    sky = ("clear", "rain", "cloudy", "storm", "fog")[place]
    return {"city": city, "celsius": Decimal("21.5") - 3 * place, "sky": sky}

"""Bodies of upstreams are let go once they are read: a fan-out holds those that are under way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.observing import Happened
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

JSON = (("content-type", "application/json"), ("cache-control", "max-age=60"))
ENVIRON = {
    "APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9",
    "APIQL_LIMITS__QUERY_CONCURRENCY": "4",
}
MANY = [*range(30)]


class Body(bytes):
    """Counts those of its kind that are still there."""

    alive = most = 0

    def __new__(cls, data: bytes) -> Body:
        Body.alive += 1
        Body.most = max(Body.most, Body.alive)
        return super().__new__(cls, data)

    def __del__(self) -> None:
        Body.alive -= 1


async def upstream(call: Call) -> Reply:
    await asyncio.sleep(0)
    return Reply(200, JSON, Body(b'{"id": 1, "rest": "%s"}' % call.target.encode()))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("select id from /a/{id} as a where id in $ids", MANY),
        ("select id from /a as a where id in $ids", [str(one) for one in MANY]),
        ("select id post from /a as a where id in $ids", MANY),
        ("select id from /a/{id} as a where id in $ids optional retry 1", MANY),
        ("select id from /a as a where id in $ids else select * from /b where id in $ids", MANY),
        ("select ids from /l as l; select id from /a as a where id in $ids and x = l.id", MANY),
    ],
)
async def test_of_a_fan_out_those_under_way_are_held(query: str, ids: list[Any]) -> None:
    engine = Engine(load_settings(None, ENVIRON), upstream)
    for happened in (None, Happened()):
        Body.alive = Body.most = 0
        answer = await engine.answer(Query(query, {"ids": ids}), happened)
        assert answer.status == 200
        assert Body.most <= 6
        assert not Body.alive

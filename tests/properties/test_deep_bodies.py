"""Bodies nested as deeply as a decoder lets them be: every query answers, whatever walks them."""

from __future__ import annotations

import asyncio

import pytest

from apiql.engine import Query
from apiql.errors import Code
from apiql.sources.call import Call, Reply
from tests.harness.run_case import Rig, rig_of
from tests.harness.script import Exchange, key_of
from tests.harness.stage import Answering

QUERIES = [
    "select * from /a as a; select * from /b as b into a.x.z",
    "select * from /a as a; select * from /b as b into a.x[] on id = a.id",
    "select * from /b as b inner join select * from /a as a into b.x on id = b.id",
    "select * from /a as a; select * from /b as b into a.x on id = a.id; select * from /c into b.y",
    'select * from /a as a; return {"q": a.id, "m": count(a), "s": [...a.id], "k": json(a)}',
    "select * from /a as a having id > 1 order by id limit 3 distinct",
    "select id, count(*) as n from /a as a group by id",
    "select *, id as z from /a as a rows id",
    "select * from /b/{id} as b where id in a.id join select * from /a as a",
    "select * from /b as b where k in a.id batch 10 as csv join select * from /a as a",
    "select * from /b as b where x = a join select * from /a as a",
]  # fmt: skip
SHAPES = {
    "lists": ("[", '{"id": 1, "x": {"y": 1}}', "]"),
    "objects": ('{"id":', "1", "}"),
    "both": ('[{"id":', "1", "}]"),
}
HONEST = {"BAD_PAYLOAD", "BAD_VALUE", "DEPENDENCY_FAILED", "MISSING_DEPENDENCY", "ZIP_LENGTH"}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", [70, 350, 600, 950, 1500])
def test_every_query_answers(query: str, shape: str, depth: int) -> None:
    opening, core, closing = SHAPES[shape]
    rig = rig_of("")
    rig.begin(_answering(rig, opening * depth + core + closing * depth))
    answer = asyncio.run(rig.engine.answer(Query(query)))
    assert {error["code"] for error in answer.errors} <= HONEST | {Code.UPSTREAM_STATUS}


def _answering(rig: Rig, deep: str) -> Answering:
    bodies = {"/a": deep, "/b": '[{"id": 1}]', "/c": "{}"}

    def answering(call: Call) -> Exchange:
        body = bodies.get(call.target.partition("?")[0], "{}")
        reply = Reply(200, (("content-type", "application/json"),), body.encode())
        return Exchange(call.method, call.target, None, reply, 0, line=key_of(call, rig.home))

    return answering

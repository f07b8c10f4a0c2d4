"""A stored plan as the work of a task: its own time, and what those who listen are told of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.events import CallMade
from apiql.query_files import QueryFile, QueryFiles
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply

SETTINGS = load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"})


@pytest.mark.parametrize(
    ("head", "until"),
    [("", 5.0), ("use timeout 1s;", 1.0), ("use timeout $t;", 2.0), ("use timeout 9s;", 5.0)],
)
def test_a_stored_plan_has_its_own_time_within_that_of_the_query(head: str, until: float) -> None:
    calls: list[Call] = []
    events: list[Any] = []

    async def upstream(call: Call) -> Reply:
        calls.append(call)
        return Reply(200, (("content-type", "application/json"),), b"{}")

    text = f"{head} select * from /users as u"
    queries = QueryFiles((QueryFile("inner", 1, "inner.apiql", text),))
    engine = Engine(SETTINGS, upstream, queries, clock=lambda: 0.0)
    given = " where t = '2s'" if "$t" in head else ""
    asked = Query(f"select * from query.inner as i{given}")
    answer = asyncio.run(engine.answer(asked, events.append))
    assert answer.complete
    assert [call.deadline for call in calls] == [until]
    assert [event.task for event in events if isinstance(event, CallMade)] == ["i/u"]

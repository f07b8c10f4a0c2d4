"""Failures of calls that the flows around a request are told: noted, in the same plan."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_state import number_of
from apiql.ir.works import Nested, Send
from tests.apihub.test_v2_gateway import FILES
from tests.apihub.traces import Got
from tests.apihub.written import Folder, call, created, flow, httpapi, respond, step, text, value

AROUND = {
    "flows/_APIGATEWAY_POST_NOK": flow(
        created("why", {"code": "{{.stats.code}}", "msg": "{{.stats.msg}}", "seen": "{{.a.k}}"}),
        respond("why", code=text("418")),
    ),
    "httpapis/broken": httpapi("/json", ("query", "x", value("jsonRaw", {"x": 1}))),
}


def folder_of(root: Path, **flows: Any) -> Folder:
    named = {f"flows/{name}": found for name, found in flows.items()}
    return Folder(root, {**FILES, **AROUND, **named})


def told(got: Got) -> Any:
    assert got.status == 418
    return json.loads(got.body)


def test_a_request_of_an_httpapi_is_one_task_of_one_plan(tmp_path: Path) -> None:
    plan = folder_of(tmp_path).lowered(Kind.API, "arr").plan
    assert [type(task.work) for task in plan.tasks] == [Send]


def test_two_calls_are_tasks_of_the_same_plan(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, f=flow(call("arr", "a"), call("arr", "b"), respond("b")))
    works = [type(task.work) for task in folder.lowered(Kind.FLOW, "f").plan.tasks]
    assert works.count(Send) == 2
    assert Nested not in works
    assert asyncio.run(folder.ask("flow/f")).status == 200
    assert [seen.path for seen in folder.sent] == ["/arr", "/arr"]


def test_behind_a_call_that_fails_nothing_is_called_or_answered(tmp_path: Path) -> None:
    """What steps before it wrote and found is gone: the flow behind sees the state of before."""
    steps = (created("a", {"k": "1"}), respond("a"), call("gone", "b"), call("arr", "c"))
    folder = folder_of(tmp_path, f=flow(*steps, respond("c")))
    found = told(asyncio.run(folder.ask("flow/f")))
    assert found["seen"] == "<no value>"
    assert [seen.path for seen in folder.sent] == ["/status/404"]


@pytest.mark.parametrize("first", [True, False])
def test_a_request_that_cannot_be_made_is_a_failure_as_others(first: bool, tmp_path: Path) -> None:
    before = () if first else (call("arr", "b"),)
    folder = folder_of(tmp_path, f=flow(*before, call("broken", "a"), call("arr", "c")))
    found = told(asyncio.run(folder.ask("flow/f")))
    assert found["code"] == "500"
    assert "jsonRaw" in found["msg"]
    assert len(folder.sent) == (0 if first else 1)


def test_an_answer_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, f=flow(call("arr", "a"), respond("none")))
    assert told(asyncio.run(folder.ask("flow/f")))["code"] == "400"


def test_an_act_that_fails_before_a_request_keeps_it_from_its_call(tmp_path: Path) -> None:
    loads = step("storageLoad", "x", index=text("nothing"), content=text("json"))
    folder = folder_of(tmp_path, _APIGATEWAY_PRE=flow(loads, step("apiSleep", second=text("1"))))
    found = told(asyncio.run(folder.ask("httpapi/arr")))
    assert found["code"] == "500"
    assert (folder.sent, folder.pauses) == ([], [])


def test_the_number_of_a_request_is_made_once_and_random() -> None:
    drawn: list[int] = []

    def random_bits(count: int) -> int:
        drawn.append(count)
        return (1 << count) - 1

    fresh = number_of(None, random_bits)
    assert drawn == []
    assert {fresh(), fresh()} == {"ffffffff-ffff-4fff-bfff-ffffffffffff"}
    assert drawn == [128]
    assert UUID(fresh()).version == 4
    assert number_of("own", random_bits)() == "own"

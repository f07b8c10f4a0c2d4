"""The analysis of a run: from events alone, and of plans that run on a stage with its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from msgspec import structs

from apiql.engine import Engine, Query, all_functions
from apiql.events import CallMade, ElseTaken, Event, Queued, Retried, TaskEnded
from apiql.ir.plan import Plan
from apiql.ir.values import Items, Literal
from apiql.ir.works import Axis, Nested, Repeat
from apiql.observing import between_ticks
from apiql.runtime.analysis import Analysis, TaskAnalysis, analysis_of
from apiql.runtime.analysis_forms import as_json, as_mermaid, as_text
from apiql.runtime.compile import compile_plan
from apiql.settings import load_settings
from apiql.sources.addresses import parse_url
from tests.harness.script import parse_script
from tests.harness.stage import Stage, by_script

HOME, _ = parse_url("http://upstream.test")
ENVIRON = {"APIQL_UPSTREAMS__DEFAULT__URL": "http://upstream.test"}


def engine_on(stage: Stage) -> Engine:
    return Engine(load_settings(None, ENVIRON), stage.layer, clock=stage.clock)


def stage_of(script: str = "") -> Stage:
    return Stage(by_script(parse_script(script), HOME), HOME)


@cache
def planner() -> Engine:
    """An engine that calls nothing."""
    return engine_on(stage_of())


def plan_of(text: str) -> Plan:
    return planner().plan(text)


def ended(task: str, start: float, end: float, ending: str = "done") -> TaskEnded:
    return TaskEnded(task, start, end, ending, None if ending == "done" else "BAD_PAYLOAD")


def call(task: str, start: float, end: float, **more: Any) -> CallMade:
    made = CallMade(task, "default", "GET", "/", start, end, 200, 10, None)
    return structs.replace(made, **more)


def analyzed(text: str, events: Iterable[Event], end: float = 10.0) -> Analysis:
    return analysis_of(plan_of(text), events, 0.0, end, 200)


def slacks(analysis: Analysis) -> dict[str, float | None]:
    return {task.name: task.slack for task in analysis.tasks}


def only(analysis: Analysis) -> TaskAnalysis:
    (task,) = analysis.tasks
    return task


CHAIN = (
    "select * from /a as a; select * from /b as b where x = a.id;"
    "select * from /c as c; select * from /d as d where x = b.id and y = c.id"
)


def test_slack_goes_up_the_chain() -> None:
    events: list[Event] = [ended("a", 0, 2), ended("b", 2, 5), ended("c", 0, 9), ended("d", 9, 10)]
    analysis = analyzed(CHAIN, events)
    assert slacks(analysis) == {"a": 4.0, "b": 4.0, "c": 0.0, "d": 0.0}
    assert analysis.path == ("c", "d")


def test_what_a_task_takes_to_begin_is_no_slack() -> None:
    """A reader begins a little after what it needs: that little is nobody's to use."""
    events: list[Event] = [
        ended("a", 0, 2),
        ended("b", 2.5, 5),
        ended("c", 0, 1),
        ended("d", 5.25, 10),
    ]
    analysis = analyzed(CHAIN, events)
    assert slacks(analysis) == {"a": 0.0, "b": 0.0, "c": 4.0, "d": 0.0}
    assert analysis.path == ("a", "b", "d")


def test_the_end_of_the_answer_is_not_the_end_of_the_last_task() -> None:
    analysis = analyzed("select * from /a as a", [ended("a", 1, 2)], 3.0)
    assert (analysis.total, only(analysis).start, only(analysis).end) == (3.0, 1.0, 2.0)
    assert only(analysis).slack == 0.0


def test_times_count_from_the_start_of_the_query() -> None:
    plan = plan_of("select * from /a as a")
    analysis = analysis_of(plan, [ended("a", 101, 102)], 100.0, 103.0, 200)
    assert (only(analysis).start, only(analysis).end, analysis.total) == (1.0, 2.0, 3.0)


def test_calls() -> None:
    events: list[Event] = [
        call("a", 0, 1), call("a", 0, 3, status=404, code="UPSTREAM_STATUS", size=5),
        Retried("a", 3), call("a", 3, 5), call("a", 0, 0.5, age=7.0), call("a", 0, 0.5, age=9.0),
        call("a", 0, 4, status=None, code="UPSTREAM_CONNECT", size=0), ended("a", 0, 5),
    ]  # fmt: skip
    task = only(analyzed("select * from /a as a", events))
    assert (task.calls, task.retries, task.size) == (4, 1, 45)
    assert (task.hits, task.age) == (2, 9.0)
    assert task.statuses == {200: 4, 404: 1}
    assert task.codes == {"UPSTREAM_STATUS": 1, "UPSTREAM_CONNECT": 1}
    assert task.times is not None
    assert (task.times.least, task.times.median, task.times.most) == (1, 2.5, 4)


def test_a_call_over_the_budget_was_not_made() -> None:
    events: list[Event] = [
        call("a", 0, 0, status=None, code="BUDGET_EXCEEDED"),
        ended("a", 0, 1, "failed"),
    ]
    task = only(analyzed("select * from /a as a", events))
    assert (task.calls, task.ending, task.code) == (0, "failed", "BAD_PAYLOAD")


TWO = "select * from /a as a; select * from /b as b; select * from /c as c where x = a.id"


def test_who_has_a_place_that_others_wait_for_has_no_slack_to_tell() -> None:
    """Neither has what it needs; what had no place then is as it was."""
    calls: list[Event] = [call("a", 0, 1), call("c", 1, 3), Queued("b", 2, 3), call("b", 3, 9)]
    ends: list[Event] = [ended("a", 0, 1), ended("c", 1, 3), ended("b", 0, 9)]
    analysis = analyzed(TWO, [*calls, *ends])
    assert slacks(analysis) == {"a": None, "b": 0.0, "c": None}
    assert {task.name: task.queued for task in analysis.tasks} == {"a": 0, "b": 1, "c": 0}
    earlier: list[Event] = [call("a", 0, 1), call("c", 1, 2), Queued("b", 2, 3), call("b", 3, 9)]
    assert slacks(analyzed(TWO, [*earlier, *ends])) == {"a": 6.0, "b": 0.0, "c": 6.0}


def test_nor_has_what_that_needs_in_turn() -> None:
    text = f"{TWO}; select * from /z as z".replace("/a as a", "/a as a where x = z.id")
    events: list[Event] = [call("c", 2, 3), Queued("b", 2, 3), call("b", 3, 9)]
    events += [ended("z", 0, 1), ended("a", 1, 2), ended("c", 2, 3), ended("b", 0, 9)]
    assert slacks(analyzed(text, events)) == {"z": None, "a": None, "b": 0.0, "c": None}


def test_a_task_is_not_in_its_own_way() -> None:
    calls: list[Event] = [call("c", 1, 3), Queued("c", 1, 2), call("b", 3, 9)]
    ends: list[Event] = [ended("a", 0, 1), ended("c", 1, 3), ended("b", 0, 9)]
    assert slacks(analyzed(TWO, [*calls, *ends])) == {"a": 6.0, "b": 0.0, "c": 6.0}


ELSE = "select * from /a as a else select * from /b where x = c.id; select * from /c as c"


@pytest.mark.parametrize(
    ("failed", "begun", "path", "slack"),
    [(1.0, 4.0, ("c", "a"), 0.0), (4.0, 4.0, ("a",), 0.0), (6.0, 6.0, ("a",), 2.0)],
)
def test_else_waits_for_what_it_reads(
    failed: float, begun: float, path: tuple[str, ...], slack: float
) -> None:
    events: list[Event] = [ended("c", 0, 4), ElseTaken("a", failed, begun), ended("a", 0, 8)]
    analysis = analyzed(ELSE, events)
    assert analysis.path == path
    assert slacks(analysis) == {"c": slack, "a": 0.0}


def test_what_else_alone_reads_holds_up_nobody_where_it_is_not_taken() -> None:
    analysis = analyzed(ELSE, [ended("c", 0, 4), ended("a", 0, 8)])
    assert (analysis.path, slacks(analysis)) == (("a",), {"c": 4.0, "a": 0.0})


def test_what_came_before_else_had_the_time_that_else_waited() -> None:
    text = f"{ELSE}; select * from /z as z hidden".replace("/a as a", "/a as a where x = z.id")
    events: list[Event] = [
        ended("z", 0, 1),
        ended("c", 0, 6),
        ElseTaken("a", 3, 6),
        ended("a", 1, 8),
    ]
    assert slacks(analyzed(text, events)) == {"z": 3.0, "c": 0.0, "a": 0.0}


# -- nested plans --------------------------------------------------------------------------------


INNER = "select * from /x as x; select * from /y as y; select * from /z as z where x = x.id"
SCRIPT = """
GET /x -> 200 {"id": 1} in 10ms
GET /y -> 200 {"id": 1} in 30ms
GET /z?x=1 -> 200 {"id": 1} in 50ms
"""


def nested(times: int = 0) -> Plan:
    """A plan whose task `a` runs another one (for each of some elements), beside `b`."""
    plan = plan_of("select * from /a as a; select * from /b as b")
    first, second = plan.tasks
    inner = Nested("inner", plan_of(INNER))
    axis = Axis((Items(tuple(map(Literal, range(times)))),))
    work = Repeat(inner, (axis,)) if times else inner
    return Plan.of((replace(first, work=work), second), plan.outputs)


def run(plan: Plan, script: str) -> Analysis:
    executable = compile_plan(plan, all_functions(), 5.0)
    stage = stage_of(script)
    analysis, answer = asyncio.run(engine_on(stage).analyze(executable, Query("")))
    assert (stage.fault, answer.status, answer.errors) == (None, 200, ())
    return analysis


def test_the_tasks_of_a_nested_plan() -> None:
    analysis = run(nested(), SCRIPT + "GET /b -> 200 1 in 80ms")
    found = {name: round((slack or 0) * 1000) for name, slack in slacks(analysis).items()}
    assert found == {"a": 20, "a/x": 20, "a/y": 50, "a/z": 20, "b": 0}
    assert [task.name for task in analysis.tasks] == ["a", "a/x", "a/y", "a/z", "b"]
    assert analysis.path == ("b",)
    assert (analysis.calls, analysis.size) == (4, 28)


def test_a_nested_plan_that_runs_for_each_element() -> None:
    analysis = run(nested(2), SCRIPT * 2 + "GET /b -> 200 1 in 80ms")
    tasks = {task.name: task for task in analysis.tasks}
    assert (tasks["a/z"].runs, tasks["a/z"].calls, tasks["a/z"].slack) == (2, 2, None)
    assert (tasks["a"].runs, tasks["a"].calls) == (1, 0)
    assert "2 runs" in as_text(analysis)


# -- forms ---------------------------------------------------------------------------------------


def test_json_has_all_of_it() -> None:
    events: list[Event] = [call("a", 0, 1), ended("a", 0, 1), call("b", 0, 4)]
    events += [ended("b", 0, 4, "failed"), ended("c", 1, 1, "skipped")]
    found = as_json(analyzed(TWO, events, 5.0))
    assert (found["total"], found["criticalPath"], found["calls"]) == (5000.0, ["b"], 2)
    a, b, c = found["tasks"]
    assert a == {
        "name": "a", "needs": [], "start": 0.0, "end": 1000.0, "duration": 1000.0, "queued": 0.0,
        "slack": 3000.0, "critical": False, "ending": "done", "code": None, "runs": 1, "calls": 1,
        "retries": 0, "elseTaken": False, "bytes": 10, "statuses": {"200": 1}, "failures": {},
        "cache": {"hits": 0, "age": None},
        "callTime": {"min": 1000.0, "median": 1000.0, "max": 1000.0},
    }  # fmt: skip
    assert (b["critical"], b["ending"], b["code"]) == (True, "failed", "BAD_PAYLOAD")
    assert (c["needs"], c["callTime"], c["ending"]) == (["a"], None, "skipped")


def test_text_tells_of_caches() -> None:
    events: list[Event] = [call("a", 0, 0, age=12.0), ended("a", 0, 1)]
    assert "1 kept, up to 12 s old" in as_text(analyzed("select * from /a as a", events))


def test_a_run_that_took_no_time() -> None:
    analysis = analyzed("select * from /a as a", [ended("a", 0, 0)], 0.0)
    assert "█" in as_text(analysis)
    assert "a 0.0 ms :crit, t0, 0, 1" in as_mermaid(analysis)


def test_names_mean_nothing_to_mermaid() -> None:
    plan = plan_of("select * from /a as a")
    (task,) = plan.tasks
    odd = replace(plan, tasks=(replace(task, name="x:y;#z, w"),))
    analysis = analysis_of(odd, [ended("x:y;#z, w", 0, 1)], 0.0, 1.0, 200)
    assert "    x_y__z_ w 1000.0 ms :crit, t0, 0, 1000" in as_mermaid(analysis)


async def test_without_an_observer_nothing_is_told() -> None:
    """And with one each task is told of, once."""
    events: list[Event] = []
    stage = stage_of("GET /a -> 200 1\nGET /a -> 200 1")
    engine = engine_on(stage)
    await engine.answer(Query("select * from /a as a"))
    await engine.answer(Query("select * from /a as a"), events.append)
    assert [type(event) for event in events] == [CallMade, TaskEnded]


def test_a_clock_between_the_ticks_of_another() -> None:
    clock = between_ticks(lambda: 1000.0)
    times = [clock() for _ in range(1000)]
    assert 1000.0 <= times[0] < times[-1] < 1010.0
    assert times == sorted(times)

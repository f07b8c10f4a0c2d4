"""Schedules of the first generation: calls, switches, loops, and what they leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.frontends.definitions.kinds import Kind
from apiql.query import Query
from tests.apihub.made import Made
from tests.apihub.test_v1_flows import APIS, CONCURRENT, echo, made_of, sent, step, template
from tests.virtual import virtually

SEEN = "{{.origin.v}}|{{.loop.loop}}|{{.loop.k}}|{{.x.echo.query}}"
TWO = {"v": "{{.origin.v}}", "a": "{{.a.echo.query}}"}
FLOWS = {
    "flows/two": {"steps": [step("a", "x"), made_of(TWO)]},
    "flows/lost": {"steps": [step("nosuch", "x")]},
    "apis/all": echo(("v", template(SEEN))),
    "apis/checked": {"url": APIS["apis/raw"]["url"],
                     "respStatus": {"from": {"from": "result", "name": "i"}, "expected": "0"}},
}  # fmt: skip


def job(kind: str, name: str, key: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "resultKey": key, **more}


def switch(text: str, *cases: Any, **more: Any) -> dict[str, Any]:
    found = [{"value": value, "tasks": jobs} for value, jobs in cases]
    return {"type": "control", "name": "switch", "key": template(text), "cases": found, **more}


def loop(text: str, *jobs: Any, **more: Any) -> dict[str, Any]:
    return {"type": "control", "name": "loop", "key": template(text), "tasks": jobs, **more}


def schedule(root: Path, *jobs: Any, strict: bool = False, **more: Any) -> Made:
    """A schedule s over some apis and flows."""
    return Made(root, {**APIS, **FLOWS, "schedules/s": {"tasks": list(jobs), **more}}, strict)


V = {"parameters": [{"name": "v", "value": "given"}]}


@virtually
async def test_parameters_take_the_place_of_the_origin(tmp_path: Path) -> None:
    other: dict[str, Any] = {"parameters": [{"name": "w", "value": "1"}]}
    made = schedule(
        tmp_path, job("flow", "two", "f", **V), job("api", "a", "g"), job("api", "a", **other)
    )
    await made.data("/schedule/s", {"v": "own"})
    assert sent(made) == ["given", "own", ""]


@virtually
async def test_what_is_called_sees_results_and_leaves_only_its_own(tmp_path: Path) -> None:
    made = schedule(tmp_path, job("api", "a", "a"), job("flow", "two", "f"), job("api", "all"))
    await made.data("/schedule/s", {"v": "1"})
    assert sent(made) == ["1", "1", "1|||"]
    made = schedule(tmp_path, job("api", "a", "a"), job("flow", "two", "f"))
    assert await made.data("/schedule/s", {"v": "1"}) == {"v": "1", "a": "v=1"}


@virtually
async def test_the_last_job_answers_with_a_key_or_without(tmp_path: Path) -> None:
    made = schedule(tmp_path, job("api", "raw", "a"), job("api", "list"))
    assert await made.data("/schedule/s") == [{"id": 1}, {"id": 2}]
    assert await schedule(tmp_path).data("/schedule/s") is None


@pytest.mark.parametrize("lost", [job("api", "down"), job("api", "checked"), switch("x"),
                                  switch("a", ("a", [job("api", "down")]))])  # fmt: skip
@virtually
async def test_what_fails_is_null_but_at_the_end_an_error(lost: Any, tmp_path: Path) -> None:
    made = schedule(tmp_path, {**lost, "resultKey": "x"}, job("api", "list"))
    assert await made.data("/schedule/s") == [{"id": 1}, {"id": 2}]
    got = await schedule(tmp_path, job("api", "list"), lost).ask("/schedule/s")
    assert (got.status, got.media) == (500, "application/problem+json")


LOST = [
    job("api", "nosuch"), job("flow", "nosuch"), job("flow", "lost"), switch(""), loop("{{.no}}"),
    switch("a", ("a", [job("api", "nosuch")])), loop("2", job("flow", "lost")),
    loop("2", job("flow", "lost"), concurrentLoopNum=2), loop("1000000000", job("api", "raw")),
]  # fmt: skip


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("more", [{}, CONCURRENT, {"resultKey": "k"}])
@virtually
async def test_mistakes_end_the_schedule(lost: Any, more: Any, tmp_path: Path) -> None:
    made = schedule(tmp_path, {**lost, **more}, job("api", "list"), concurrentNum=2)
    got = await made.ask("/schedule/s")
    assert (got.status, json.loads(got.body)["status"]) == (500, 500)
    assert made.paths() == []


@virtually
async def test_a_switch_goes_by_its_key(tmp_path: Path) -> None:
    cases = [("a", [job("api", "raw")]), ("b", [job("api", "list")]), ("b", [job("api", "raw")])]
    chosen = switch("{{.origin.k}}", *cases)
    made = schedule(tmp_path, chosen)
    assert await made.data("/schedule/s", {"k": "b"}) == [{"id": 1}, {"id": 2}]
    assert (await made.ask("/schedule/s", {"k": "c"})).status == 500
    chosen["cases"].append({"default": True, "tasks": [job("api", "a")]})
    made = schedule(tmp_path, chosen)
    assert (await made.data("/schedule/s", {"k": "c", "v": "1"}))["echo"]["query"] == "v=1"
    assert await made.data("/schedule/s", {"k": "b"}) == [{"id": 1}, {"id": 2}]
    assert (await made.data("/schedule/s", {"v": "2"}))["echo"]["query"] == "v=2"


@virtually
async def test_what_a_switch_does_is_there_behind_it_unless_it_is_concurrent(
    tmp_path: Path,
) -> None:
    inner = switch("a", ("a", [job("api", "a", "x"), job("api", "down", "y")]))
    made = schedule(tmp_path, inner, job("api", "all"))
    await made.data("/schedule/s", {"v": "1"})
    assert sent(made) == ["1", "1|||v=1"]
    made = schedule(tmp_path, {**inner, **CONCURRENT}, job("api", "all"), concurrentNum=2)
    await made.data("/schedule/s", {"v": "1"})
    assert sent(made) == ["1", "1|||"]


@pytest.mark.parametrize("width", [0, 2])
@virtually
async def test_both_spellings_of_the_index_are_there(width: int, tmp_path: Path) -> None:
    made = schedule(tmp_path, loop("3", job("api", "all"), resultKey="k", concurrentLoopNum=width))
    assert len(await made.data("/schedule/s", {"v": "1"})) == 3
    assert sorted(sent(made)) == ["1|0|0|", "1|1|1|", "1|2|2|"]


@virtually
async def test_rounds_in_a_row_hand_on_and_rounds_beside_each_other_do_not(tmp_path: Path) -> None:
    jobs = [job("api", "all"), job("api", "a", "x")]
    made = schedule(tmp_path, loop("2", *jobs), job("api", "all"))
    await made.data("/schedule/s", {"v": "1"})
    assert sent(made) == ["1|0||", "1", "1|1||v=1", "1", "1|1||v=1"]
    made = schedule(tmp_path, loop("2", *jobs, concurrentLoopNum=2), job("api", "all"))
    await made.data("/schedule/s", {"v": "1"})
    assert sorted(sent(made)) == ["1", "1", "1|0||", "1|1||", "1|||"]


@pytest.mark.parametrize(
    ("count", "rounds"),
    [("0", 0), ("-1", 0), ("x", 0), ("1.5", 0), ("+2", 2), ("02", 2), (" 2", 0), ("9" * 30, 0)],
)
@virtually
async def test_counts_of_rounds(count: str, rounds: int, tmp_path: Path) -> None:
    found = await schedule(tmp_path, loop(count, job("api", "list"))).data("/schedule/s")
    assert len(found) == rounds


@virtually
async def test_a_round_that_fails_is_null(tmp_path: Path) -> None:
    by_turn = switch("{{.loop.loop}}", ("1", [job("api", "list")]))
    for width in (0, 3):
        made = schedule(tmp_path, loop("3", by_turn, concurrentLoopNum=width))
        assert await made.data("/schedule/s") == [None, [{"id": 1}, {"id": 2}], None]


@virtually
async def test_loops_in_loops(tmp_path: Path) -> None:
    text = "{{.loop.k}}{{.loop.loop}}"
    inner = loop("2", job("flow", "two", parameters=[{"name": "v", "from": template(text)}]))
    made = schedule(tmp_path, loop("2", inner, resultKey="k"))
    found = await made.data("/schedule/s")
    assert [[one["v"] for one in row] for row in found] == [["00", "01"], ["10", "11"]]


@virtually
async def test_as_many_rounds_and_jobs_at_a_time_as_is_said(tmp_path: Path) -> None:
    made = schedule(tmp_path, loop("5", job("api", "short"), concurrentLoopNum=3))
    await made.data("/schedule/s")
    assert made.upstream.drained()[1] == 3
    three = [job("api", "short", f"k{n}", **CONCURRENT) for n in range(3)]
    made = schedule(
        tmp_path, loop("2", *three, concurrentNum=2), switch("a", ("a", three), concurrentNum=3)
    )
    await made.data("/schedule/s")
    assert made.upstream.drained()[1] == 3
    made = schedule(tmp_path, loop("2", *three, concurrentNum=2, concurrentLoopNum=2))
    await made.data("/schedule/s")
    assert made.upstream.drained()[1] == 2


@virtually
async def test_no_more_calls_at_a_time_than_a_query_may_make(tmp_path: Path) -> None:
    jobs = loop("6", job("api", "short"), concurrentLoopNum=6)
    made = Made(tmp_path, {**APIS, "schedules/s": {"tasks": [jobs]}}, query_concurrency=2)
    assert len(await made.data("/schedule/s")) == 6
    assert made.upstream.most == 2


@virtually
async def test_no_more_calls_than_a_query_may_make(tmp_path: Path) -> None:
    jobs = loop("6", job("api", "raw"))
    made = Made(tmp_path, {**APIS, "schedules/s": {"tasks": [jobs]}}, calls=4)
    assert [one is None for one in await made.data("/schedule/s")] == [False] * 4 + [True] * 2
    assert len(made.paths()) == 4


@virtually
async def test_of_concurrent_jobs_alone_the_last_with_a_key_answers(tmp_path: Path) -> None:
    jobs = [job("api", "long", "a", **CONCURRENT), job("api", "short", "b", **CONCURRENT)]
    made = schedule(tmp_path, *jobs, concurrentNum=2)
    assert (await made.data("/schedule/s"))["echo"]["query"] == "sleep=0.3"
    made = schedule(tmp_path, *[{**one, "resultKey": ""} for one in jobs], concurrentNum=2)
    assert await made.data("/schedule/s") is None
    made = schedule(tmp_path, job("api", "down", **CONCURRENT), concurrentNum=2)
    assert await made.data("/schedule/s") is None


@virtually
async def test_a_flow_that_is_called_twice_is_one_plan(tmp_path: Path) -> None:
    made = schedule(tmp_path, job("flow", "two", "f"), loop("2", job("flow", "two")))
    await made.data("/schedule/s", {"v": "1"})
    ((lowered, _),) = made.gateway.plans.values()
    first, looped = lowered.plan.tasks
    inner = looped.work.each.plan.tasks[0]  # type: ignore[union-attr]
    assert first.work.plan is inner.work.plan  # type: ignore[union-attr]


@virtually
async def test_names_inside_a_bucket_go_before(tmp_path: Path) -> None:
    files = {
        **APIS, "flows/bk/f": {"steps": [step("raw", "x")]}, "apis/bk/raw": APIS["apis/list"],
        "schedules/bk/s": {"tasks": [job("flow", "f")]}, "flows/f": {"steps": [step("raw", "x")]},
    }  # fmt: skip
    made = Made(tmp_path, files)
    lowered = made.gateway.lower(Kind.SCHEDULE, "bk/s")
    await made.engine.outcome(made.engine.defined(lowered.plan), Query("", {"origin": {}}))
    assert made.paths() == ["/arr"]
    await made.data("/flow/f")
    assert made.paths() == ["/json"]

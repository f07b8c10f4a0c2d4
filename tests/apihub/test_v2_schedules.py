"""Schedules of the second generation: rows, neighbours, switches, loops, what nobody waits for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from apiql.events import AsideFailed
from tests.apihub.traces import Got
from tests.apihub.written import (
    UUID,
    Folder,
    call,
    created,
    flow,
    httpapi,
    job,
    json_of,
    respond,
    step,
    text,
    value,
)
from tests.virtual import virtually

FILES = {
    "httpapis/arr": httpapi("/arr"),
    "httpapis/raw": httpapi("/json"),
    "httpapis/gone": httpapi("/status/404"),
    "httpapis/late": httpapi("/status/404?sleep=0.05"),
    "httpapis/slow": httpapi("/echo?sleep=1"),
    "httpapis/echo": httpapi("/echo", ("query", "n", value("origin", "n"))),
}


def schedule(*jobs: Any, **more: Any) -> dict[str, Any]:
    return {"name": "s", "steps": list(jobs), **more}


def control(kind: str, mode: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "mode": mode, "control": {"name": "c", **more}}


def case(name: str, *jobs: Any, **more: Any) -> dict[str, Any]:
    return {"value": name, "steps": list(jobs), **more}


def folder_of(root: Path, made: Any, **more: Any) -> Folder:
    return Folder(root, {**FILES, "schedules/s": made, **more})


def asked(root: Path, made: Any, body: Any = None, **more: Any) -> Got:
    return asyncio.run(folder_of(root, made, **more).ask("schedule/s", body))


def nok(code: int) -> dict[str, str]:
    return {"uuid": UUID, "root": "s", "type": "schedule", "code": str(code)}


ANSWER = job(respond("r"))


def test_errors_are_swallowed_and_the_status_of_the_last_job_counts(tmp_path: Path) -> None:
    got = asked(tmp_path, schedule(job(call("gone", "g")), job(call("arr")), ANSWER))
    assert (got.status, json_of(got)) == (200, [{"id": 1}, {"id": 2}])
    got = asked(tmp_path, schedule(job(call("arr")), job(call("gone"))))
    assert (got.status, json_of(got)) == (404, nok(404))


def test_values_that_cannot_be_made_are_swallowed_too(tmp_path: Path) -> None:
    bad = call("arr", "x", origin_a=value("template", "{{index .origin.l 9}}"))
    assert asked(tmp_path, schedule(job(bad), job(call("arr")), ANSWER)).status == 200
    assert asked(tmp_path, schedule(job(call("arr")), job(bad))).status == 500


def test_the_body_that_a_job_changes_stays_changed(tmp_path: Path) -> None:
    made = schedule(job(call("arr", "x", origin_n=text("N"))), job(call("echo")), ANSWER)
    assert json_of(asked(tmp_path, made))["echo"]["query"] == "n=N"


@virtually
async def test_jobs_go_side_by_side_up_to_the_width() -> None:
    await _side_by_side(2, 2)


@virtually
async def test_without_a_width_they_go_in_a_row() -> None:
    await _side_by_side(1, 1)


async def _side_by_side(width: int, most: int) -> None:
    jobs = [job(call("slow", f"k{n}"), "concurrent") for n in range(4)]
    last = (job(created("all", ["{{len .k3}}", "{{.k0.echo.path}}"])), job(respond("all")))
    made = schedule(*jobs, *last, concurrentNum=width)
    with TemporaryDirectory() as root:
        folder = folder_of(Path(root), made)
        began = asyncio.get_running_loop().time()
        got = await folder.ask("schedule/s")
    assert asyncio.get_running_loop().time() - began == pytest.approx(4 / width, abs=0.1)
    assert folder.upstream.most == most
    if width > 1:
        assert json_of(got) == ["1", "/echo"]
    else:  # what is in a row against its word has no result that others see
        assert json_of(got) == nok(400)


def test_neighbours_do_not_see_each_other_and_leave_the_body_alone(tmp_path: Path) -> None:
    made = schedule(
        job(call("echo", "a", origin_n=text("A")), "concurrent"),
        job(call("echo", "b"), "concurrent"),
        job(created("all", ["{{.a.echo.query}}", "{{.b.echo.query}}", "{{.origin.n}}"])),
        job(respond("all")), concurrentNum=2,
    )  # fmt: skip
    assert json_of(asked(tmp_path, made, {"n": "0"})) == ["n=A", "n=0", "0"]


def test_neighbours_answer_in_their_order(tmp_path: Path) -> None:
    late = {"name": "f", "steps": [call("late2"), created("a", 1), respond("a")]}
    files = {"flows/late": late, "httpapis/late2": httpapi("/echo?sleep=0.05"),
             "flows/soon": flow(created("a", 2), respond("a"))}  # fmt: skip
    jobs = [job(step("flowApi", name=text(name)), "concurrent") for name in ("late", "soon")]
    made = schedule(*jobs, job(created("a", 3)), job(respond("a")), concurrentNum=2)
    assert asked(tmp_path, made, **files).body == b"123"


def test_a_failed_neighbour_is_null(tmp_path: Path) -> None:
    made = schedule(
        job(call("gone", "a"), "concurrent"), job(call("arr", "b"), "concurrent"),
        job(created("all", ["{{.a}}", "{{len .b}}"])), job(respond("all")), concurrentNum=2,
    )  # fmt: skip
    assert json_of(asked(tmp_path, made)) == ["<no value>", "2"]
    before = schedule(job(call("arr")), *made["steps"], concurrentNum=2)
    assert json_of(asked(tmp_path, before)) == ["<no value>", "2"]


def test_a_schedule_of_neighbours_alone_has_the_status_0(tmp_path: Path) -> None:
    got = asked(tmp_path, schedule(job(call("arr"), "concurrent"), concurrentNum=2))
    assert (got.status, json_of(got)) == (200, nok(0))


@pytest.mark.parametrize(
    ("key", "status"), [("a", 200), ("b", 404), ("c", 400), ("", 400)],
)  # fmt: skip
def test_a_switch_takes_its_case(tmp_path: Path, key: str, status: int) -> None:
    switch = control(
        "switch", key=value("origin", "k"),
        cases=[case("a", job(call("arr"))), case("b", job(call("gone", "g")))],
    )  # fmt: skip
    jobs = (switch, ANSWER) if key != "b" else (switch,)
    assert asked(tmp_path, schedule(*jobs), {"k": key}).status == status


def test_a_switch_has_a_default(tmp_path: Path) -> None:
    switch = control(
        "switch", key=value("origin", "k"),
        cases=[case("a", job(call("raw"))), {"default": True, "steps": [job(call("arr"))]}],
    )  # fmt: skip
    assert json_of(asked(tmp_path, schedule(switch, ANSWER), {"k": "?"})) == [{"id": 1}, {"id": 2}]
    switch["control"]["cases"].append({"default": True, "steps": [job(call("gone"))]})
    assert json_of(asked(tmp_path, schedule(switch, ANSWER), {"k": "?"})) == [{"id": 1}, {"id": 2}]


def loop(count: str, *jobs: Any, **more: Any) -> dict[str, Any]:
    return control("loop", key=text(count), steps=list(jobs), resultKey="r", **more)


@pytest.mark.parametrize("index", ["c", "r"])
@pytest.mark.parametrize("width", [0, 2])
def test_a_loop_counts_under_both_names(tmp_path: Path, index: str, width: int) -> None:
    echo = call("echo", "x", origin_n=value("template", f"{{{{.loop.{index}}}}}"))
    made = schedule(loop("3", job(echo), concurrentLoopNum=width), ANSWER)
    assert [one["echo"]["query"] for one in json_of(asked(tmp_path, made))] == ["n=0", "n=1", "n=2"]


@virtually
async def test_jobs_in_rounds_that_go_side_by_side_are_in_a_row() -> None:
    jobs = [job(call("slow", f"k{n}"), "concurrent") for n in range(2)]
    for width, most in ((2, 2), (0, 2), (3, 3)):
        made = schedule(loop("3", *jobs, concurrentLoopNum=width, concurrentNum=2), ANSWER)
        with TemporaryDirectory() as root:
            folder = folder_of(Path(root), made)
            assert (await folder.ask("schedule/s")).status == 200
        assert folder.upstream.most == most


@pytest.mark.parametrize("count", ["x", "<no value>", "-1", "0"])
def test_what_is_no_number_is_no_round(tmp_path: Path, count: str) -> None:
    assert asked(tmp_path, schedule(loop(count, job(call("arr"))), ANSWER)).body == b"[]"


def test_a_loop_of_a_billion_is_not_begun(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, schedule(loop("1000000000", job(call("arr")))))
    assert asyncio.run(folder.ask("schedule/s")).status == 500
    assert folder.sent == []


def test_rounds_in_a_row_hand_on_the_heap_and_those_beside_do_not(tmp_path: Path) -> None:
    more = created("n", {"was": "{{if .n}}yes{{else}}no{{end}}"})
    for width, said in ((0, ["no", "yes"]), (2, ["no", "no"])):
        made = schedule(loop("2", job(more), concurrentLoopNum=width), ANSWER)
        assert [one["was"] for one in json_of(asked(tmp_path, made))] == said


def test_a_failed_round_is_null(tmp_path: Path) -> None:
    made = schedule(loop("2", job(call("gone"))), ANSWER)
    assert asked(tmp_path, made).body == b"[null,null]"


def test_loops_stand_in_each_other(tmp_path: Path) -> None:
    inner = {"type": "loop", "control": {
        "name": "in", "key": text("2"), "resultKey": "row",
        "steps": [job(created("x", "{{.loop.out}}{{.loop.in}}"))],
    }}  # fmt: skip
    made = schedule(
        {"type": "loop", "control": {"name": "out", "key": text("2"), "resultKey": "r",
                                     "steps": [inner]}}, ANSWER,
    )  # fmt: skip
    assert json_of(asked(tmp_path, made)) == [["00", "01"], ["10", "11"]]


@pytest.mark.parametrize(("deep", "value_inside"), [(8, 1), (9, None)])
def test_loops_stand_eight_deep(tmp_path: Path, deep: int, value_inside: int | None) -> None:
    """What goes deeper fails, which those around swallow."""
    inner = job(created("x", 1))
    for _ in range(deep):
        inner = loop("1", inner)
    found = json_of(asked(tmp_path, schedule(inner, ANSWER)))
    for _ in range(8):
        (found,) = found
    assert found == value_inside


def test_what_is_hidden_leaves_what_was_there_before(tmp_path: Path) -> None:
    """A concurrent job that goes in a row."""
    made = schedule(
        job(created("k", "old")), job(created("k", "new"), "concurrent"), job(respond("k"))
    )
    assert asked(tmp_path, made).body == b'"old"'


def test_what_nobody_waits_for_is_awaited_at_the_end_and_told_of(tmp_path: Path) -> None:
    made = schedule(
        job(call("late", "bg", origin_n=text("B")), "background"),
        job(created("a", ["{{.bg}}", "{{.origin.n}}"])), job(respond("a")),
    )  # fmt: skip

    async def used() -> None:
        folder = folder_of(tmp_path, made)
        got = await folder.ask("schedule/s", {"n": "0"})
        assert json_of(got) == ["<no value>", "0"]
        assert (folder.engine.asides.count, folder.told) == (1, [])
        await folder.engine.asides.aclose(5)
        assert [seen.path for seen in folder.sent] == ["/status/404"]
        assert [type(notice) for notice in folder.told] == [AsideFailed]

    asyncio.run(used())


def test_a_schedule_is_called_by_flows(tmp_path: Path) -> None:
    inner = schedule(job(created("seen", {"n": 1})))
    outer = flow(step("scheduleApi", "got", name=text("s")), respond("got"), respond("seen"))
    folder = folder_of(tmp_path, inner, **{"flows/f": outer})
    assert asyncio.run(folder.ask("flow/f")).body == b'{"n":1}{"n":1}'
    folder = folder_of(tmp_path, schedule(job(call("gone"))), **{"flows/f": outer})
    assert asyncio.run(folder.ask("flow/f")).status == 404

"""Flows of the first generation: what steps see and leave, what fails, what goes side by side."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from apiql.ir.explain import as_text
from tests.apihub.made import BROKEN, ECHO, LIST, RAW, Made, sleeping
from tests.virtual import virtually


def echo(*sources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """An api that sends these values back to us."""
    return {**ECHO, "parameters": [{"in": "query", "name": n, "from": s} for n, s in sources]}


def template(text: str) -> dict[str, Any]:
    return {"from": "template", "name": text}


def step(api: str, key: str = "", **more: Any) -> dict[str, Any]:
    call = {"id": api, "parameters": more.pop("parameters", [])}
    return {"name": f"{api} {key}", "resultKey": key, "api": call, **more}


def made_of(text: Any, key: str = "m", kind: str = "json") -> dict[str, Any]:
    source = {"from": "template", "template" if kind == "json" else "name": text}
    return {"resultKey": key, "response": {"type": kind, "from": source}}


APIS = {
    "apis/raw": RAW, "apis/list": LIST, "apis/down": BROKEN, "apis/short": sleeping(0.1),
    "apis/long": sleeping(0.3), "apis/seen": echo(("v", template("{{.}}"))),
    "apis/a": echo(("v", template("{{.origin.v}}"))),
    "apis/r": echo(("v", template("{{.a.echo.query}}"))),
}  # fmt: skip


def flow(root: Path, *steps: Any, strict: bool = False, **more: Any) -> Made:
    """A flow f over some apis."""
    return Made(root, {**APIS, "flows/f": {"steps": list(steps), **more}}, strict)


def sent(made: Made) -> list[str]:
    """The values v that were sent."""
    return [parse_qs(path.partition("?")[2]).get("v", [""])[0] for path in made.paths()]


@virtually
async def test_a_step_sees_results_before_it(tmp_path: Path) -> None:
    made = flow(tmp_path, step("a", "a"), step("r", "r"))
    found = await made.data("/flow/f", {"v": "1"})
    assert sent(made) == ["1", "v=1"]
    assert found["echo"]["query"] == "v=v%3D1"


@virtually
async def test_what_a_step_puts_into_the_origin_stays(tmp_path: Path) -> None:
    values = [{"name": "v", "value": "2"}, {"name": "w", "from": {"from": "origin", "name": "v"}}]
    made = flow(tmp_path, step("a", "a", parameters=values), step("a", "b"))
    body = {"v": "1"}
    await made.data("/flow/f", body)
    assert sent(made) == ["2", "2"]
    assert body == {"v": "1"}


@pytest.mark.parametrize("body", ["[1]", '"text"', "5"])
@virtually
async def test_there_is_nothing_to_put_into_what_is_no_object(body: str, tmp_path: Path) -> None:
    made = flow(tmp_path, step("a", "a"), step("a", "b", parameters=[{"name": "v", "value": "2"}]))
    assert (await made.ask("/flow/f", body)).status == 500
    assert len(made.paths()) == 1


@virtually
async def test_the_last_key_is_the_answer(tmp_path: Path) -> None:
    made = flow(tmp_path, step("list", "x"), step("raw"))
    assert await made.data("/flow/f") == [{"id": 1}, {"id": 2}]
    assert made.paths() == ["/arr", "/json"]


@pytest.mark.parametrize("steps", [[], [step("raw")], [{"name": "nothing", "resultKey": "x"}]])
@virtually
async def test_without_a_result_the_answer_is_null(steps: Any, tmp_path: Path) -> None:
    assert await flow(tmp_path, *steps).data("/flow/f") is None


@pytest.mark.parametrize(("last", "answer"), [("list", [{"id": 1}, {"id": 2}]), ("down", None)])
@virtually
async def test_a_failed_step_is_null_and_the_flow_goes_on(
    last: str, answer: Any, tmp_path: Path
) -> None:
    checked = {"json": {"a": "{{.a}}", "b": "{{.missing}}"}}
    made = flow(
        tmp_path, step("down", "a"), {"resultKey": "m", "response": checked}, step(last, "b")
    )
    assert await made.data("/flow/f") == answer


@pytest.mark.parametrize(
    "broken",
    [
        step("nosuch", "x"),
        {"resultKey": "x", "api": {"id": "raw", "private": "nosuch"}},
        step("raw", "x", parameters=[{"name": "k", "from": {"from": "private", "name": "k"}}]),
    ],
)
@virtually
async def test_what_is_not_there_ends_the_flow(broken: Any, tmp_path: Path) -> None:
    for steps, calls in (([broken, step("raw", "y")], []), ([step("list"), broken], ["/arr"])):
        made = flow(tmp_path, *steps)
        got = await made.ask("/flow/f")
        assert (got.status, json.loads(got.body)["status"]) == (500, 500)
        assert made.paths() == calls


@virtually
async def test_variables_are_gone_behind_their_call_and_the_last_result_is_not(
    tmp_path: Path,
) -> None:
    text = {"r": "{{(index .result 0).id}}"}
    made = flow(tmp_path, step("a"), step("list"), made_of(text), step("a", "b"), made_of(
        {"v": "{{.vars}}"}, "v"))  # fmt: skip
    assert await made.data("/flow/f") == {"v": "<no value>"}
    assert await flow(tmp_path, step("a"), step("list"), made_of(text)).data("/flow/f") == {
        "r": "1"
    }


@virtually
async def test_json_of_results(tmp_path: Path) -> None:
    numbers = "{{range $i,$e := .r.arr}}{{if $i}},{{end}}{{$e}}{{end}}"
    rules = {"s": "{{.r.s}}", "n": "{{.r.i}}", "l": [numbers],
             "if": "{{if .r.b}}yes{{end}}"}  # fmt: skip
    found = {"s": "a\"b<c>&'d", "n": "1534054924618786784", "l": [1, 2, 3], "if": "yes"}
    assert await flow(tmp_path, step("raw", "r"), made_of(rules)).data("/flow/f") == found
    older = {"resultKey": "m", "response": {"json": rules}}
    assert await flow(tmp_path, step("raw", "r"), older).data("/flow/f") == found
    strict = flow(tmp_path, step("raw", "r"), made_of(rules), strict=True)
    assert await strict.data("/flow/f") is None


@virtually
async def test_pages(tmp_path: Path) -> None:
    page = made_of('<p class="x">{{.r.s}}</p>{{.origin.v}}', kind="html")
    got = await flow(tmp_path, step("raw", "r"), page).ask("/flow/f", {"v": "<script>"})
    assert got.media == "text/html; charset=utf-8"
    assert got.body == b'<p class="x">a&#34;b&lt;c&gt;&amp;&#39;d</p>&lt;script&gt;'
    got = await flow(tmp_path, step("raw", "r"), page, strict=True).ask("/flow/f")
    assert (got.media, got.body) == ("text/html; charset=utf-8", b"%!s(<nil>)")
    behind = await flow(tmp_path, step("raw", "r"), page, step("list", "l")).ask("/flow/f")
    assert behind.media == "application/json; charset=utf-8"
    empty = await flow(tmp_path, made_of("{{index .origin.l 3}}", kind="html")).ask("/flow/f")
    assert (empty.status, empty.media) == (500, "application/problem+json")


CONCURRENT: dict[str, Any] = {"concurrent": True}


@virtually
async def test_steps_side_by_side_do_not_see_each_other_but_who_comes_after_does(
    tmp_path: Path,
) -> None:
    made = flow(
        tmp_path, step("long", "a", **CONCURRENT), step("r", "b", **CONCURRENT), step("r", "c"),
        concurrentNum=2,
    )  # fmt: skip
    loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    await made.data("/flow/f")
    assert sent(made)[1:] == ["", "sleep=0.3"]
    assert loop.time() - began == pytest.approx(0.3)


@pytest.mark.parametrize(("width", "most"), [(0, 1), (1, 1), (2, 2), (3, 3), (9, 5)])
@virtually
async def test_no_more_than_so_many_at_a_time(width: int, most: int, tmp_path: Path) -> None:
    steps = [step("short", f"k{number}", **CONCURRENT) for number in range(5)]
    made = flow(tmp_path, *steps, concurrentNum=width)
    await made.data("/flow/f")
    assert (made.upstream.most, len(made.paths())) == (most, 5)


@virtually
async def test_of_steps_side_by_side_at_the_end_the_last_to_end_answers(tmp_path: Path) -> None:
    steps = [
        step("long", "a", **CONCURRENT),
        step("short", "b", **CONCURRENT),
        step("raw", **CONCURRENT),
    ]
    made = flow(tmp_path, *steps, concurrentNum=3)
    assert (await made.data("/flow/f"))["echo"]["query"] == "sleep=0.3"
    made = flow(tmp_path, *steps, step("list"), concurrentNum=3)
    assert (await made.data("/flow/f"))["echo"]["query"] == "sleep=0.3"


@virtually
async def test_what_concurrent_steps_put_into_the_origin_is_there_behind_them(
    tmp_path: Path,
) -> None:
    given = [{"name": "v", "value": "2"}]
    made = flow(
        tmp_path, step("a", "a", parameters=given, **CONCURRENT), step("a", "b", **CONCURRENT),
        step("a", "c"), concurrentNum=2,
    )  # fmt: skip
    await made.data("/flow/f", {"v": "1"})
    assert sent(made) == ["2", "1", "2"]


@virtually
async def test_a_mistake_among_concurrent_steps_ends_the_flow(tmp_path: Path) -> None:
    made = flow(tmp_path, step("raw", "a", **CONCURRENT), step("nosuch", "b", **CONCURRENT),
                step("list", "c"), concurrentNum=2)  # fmt: skip
    assert (await made.ask("/flow/f")).status == 500
    assert made.paths() == ["/json"]


@virtually
async def test_serial_steps_are_a_chain_and_explained(tmp_path: Path) -> None:
    made = flow(tmp_path, step("raw", "a"), step("list", "b"), made_of({"x": "{{.a.i}}"}))
    await made.data("/flow/f")
    ((lowered, executable),) = made.gateway.plans.values()
    assert executable.chain
    assert lowered.data.gathered == "origin"
    text = as_text(executable.plan)
    assert "3 tasks, at most 2 upstream calls" in text
    assert 'json {"x":"{{.a.i}}"}(state)' in text

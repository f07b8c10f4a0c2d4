"""The commands of the second generation, each by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.apihub.traces import Got
from tests.apihub.written import (
    UUID,
    Folder,
    call,
    created,
    flow,
    httpapi,
    json_of,
    main,
    respond,
    step,
    text,
    value,
)

FILES = {
    "httpapis/arr": httpapi("/arr"),
    "httpapis/raw": httpapi("/json"),
    "httpapis/gone": httpapi("/status/404"),
    "httpapis/text": httpapi("/text"),
    "httpapis/down": httpapi("/", url="http://127.0.0.1:9"),
}


def asked(root: Path, made: Any, body: Any = None, **more: Any) -> Got:
    """The answer of a flow."""
    folder = Folder(root, {**FILES, "flows/f": made, **more})
    return asyncio.run(folder.ask("flow/f", body))


def nok(code: int, name: str = "f", kind: str = "flow") -> dict[str, str]:
    return {"uuid": UUID, "root": name, "type": kind, "code": str(code)}


def test_a_call_and_its_answer(tmp_path: Path) -> None:
    got = asked(tmp_path, flow(call("arr"), respond("r")))
    assert got.status == 200
    assert got.media == "application/json; charset=utf-8"
    assert json_of(got) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (call("gone"), 404), (call("down"), 500), (call("nosuch"), 403), (call("text"), 200),
        (step("httpApi", "r"), 403), (step("flowApi", name=text("nosuch")), 403),
        (step("scheduleApi", name=text("nosuch")), 500), (step("pressureSleep"), 403),
        (step("checkStringsEqual", a=text("b")), 500),
        (step("checkStringsNotEqual", a=text("a")), 500),
        (step("checkStringsEqual", a=text("a")), 200),
        (step("checkRight", user=text("x"), name=text("f")), 403),
        (step("httpResponse", type=text("json"), key=text("nothing")), 400),
        (step("storageLoad", index=text("none"), content=text("json")), 500),
        (step("storageStore", index=text("i"), key=text("k"), content=text("json")), 500),
        (step("apiSleep", second=text("soon")), 500), (step("dump"), 200), (step("welcome"), 200),
        (call("arr", origin_a=value("template", "{{index .origin.l 3}}")), 500),
        (call("arr", origin_a=value("private", "k")), 403),
        (step("createHtml", "h", type=text("resource"), content=text("none.tmpl")), 500),
    ],
)  # fmt: skip
def test_a_step_that_fails_ends_the_flow(tmp_path: Path, first: Any, code: int) -> None:
    folder = Folder(tmp_path, {**FILES, "flows/f": flow(first, call("raw", "q"), respond("q"))})
    got = asyncio.run(folder.ask("flow/f"))
    assert got.status == code
    paths = [call.path for call in folder.sent]
    assert ("/json" in paths) is (code == 200)
    if code != 200:
        assert json_of(got) == nok(code)


def test_what_no_json_answers_is_null(tmp_path: Path) -> None:
    assert asked(tmp_path, flow(call("text"), respond("r"))).status == 400


def test_a_flow_without_an_answer_answers_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, flow(call("arr"))) == Got(200, "", b"")


def test_two_answers_stand_behind_each_other_with_the_status_of_the_first(tmp_path: Path) -> None:
    made = flow(created("a", {"n": 1}), respond("a", code=text("202")), respond("a"))
    got = asked(tmp_path, made)
    assert (got.status, got.body) == (202, b'{"n":1}{"n":1}')


def test_what_is_created_is_taken_out_of_the_body(tmp_path: Path) -> None:
    made = flow(created("a", {"s": "{{.origin.x}}", "n": 1}), created("b", ["{{.origin.a}}"]),
                created("c", ["{{.a.s}}", "{{.b}}"]), respond("c"))  # fmt: skip
    assert json_of(asked(tmp_path, made, {"x": "X"})) == ["X", "[<no value>]"]


def test_html_is_escaped_and_knows_no_functions(tmp_path: Path) -> None:
    page = step("createHtml", "h", type=text("local"), content=text("<p>{{.origin.s}}</p>"))
    got = asked(tmp_path, flow(page, respond("h", "html")), {"s": "<b>"})
    assert (got.media, got.body) == ("text/html; charset=utf-8", b"<p>&lt;b&gt;</p>")
    page = step("createHtml", "h", type=text("local"), content=text("{{utc}}"))
    assert asked(tmp_path, flow(page, respond("h", "html"))).status == 500


def test_html_of_a_file_whose_name_a_run_knows(tmp_path: Path) -> None:
    page = step("createHtml", "h", type=text("resource"), content=value("origin", "page"))
    files = {"templates/p.tmpl": "<i>{{.base.root}}</i>"}
    made = flow(page, respond("h", "text/plain"))
    got = asked(tmp_path, made, {"page": "p.tmpl"}, **files)
    assert (got.media, got.body) == ("text/plain", b"<i>f</i>")


def test_a_flow_goes_on_in_the_heap_of_its_caller(tmp_path: Path) -> None:
    inner = flow(call("arr", "inner"), created("last", {"n": "{{(index .inner 0).id}}"}))
    outer = flow(step("flowApi", "got", name=text("inner"), origin_x=text("X")),
                 created("c", ["{{.got.n}}", "{{len .inner}}", "{{.origin.x}}"]),
                 respond("c"))  # fmt: skip
    assert json_of(asked(tmp_path, outer, **{"flows/inner": inner})) == ["1", "2", "X"]


def test_a_flow_whose_steps_fail_fails_in_its_caller(tmp_path: Path) -> None:
    outer = flow(step("flowApi", "got", name=text("inner")), respond("got"))
    assert asked(tmp_path, outer, **{"flows/inner": flow(call("gone"))}).status == 404


def test_a_flow_that_calls_itself_ends(tmp_path: Path) -> None:
    again = flow(call("arr"), step("flowApi", name=text("f")))
    assert asked(tmp_path, again).status == 500


def test_names_that_only_a_run_knows(tmp_path: Path) -> None:
    by_name = step("httpApi", "r", name=value("origin", "which"))
    made = flow(by_name, respond("r"))
    assert json_of(asked(tmp_path, made, {"which": "arr"})) == [{"id": 1}, {"id": 2}]
    assert asked(tmp_path, made, {"which": "gone"}).status == 404
    assert asked(tmp_path, made, {"which": "other"}).status == 403
    flows = {"flows/a": flow(created("x", {"n": 1})), "flows/b": flow(call("gone"))}
    by_name = step("flowApi", "r", name=value("origin", "which"))
    made = flow(by_name, respond("r"))
    assert json_of(asked(tmp_path, made, {"which": "a"}, **flows)) == {"n": 1}
    assert asked(tmp_path, made, {"which": "b"}, **flows).status == 404
    assert asked(tmp_path, made, {"which": "f"}, **flows).status == 500


def test_what_is_stored_is_there_for_the_next_request(tmp_path: Path) -> None:
    index = value("origin", "task")
    files = {
        "flows/put": flow(
            step("storageStore", key=text("k"), index=index, content=text("json"),
                 origin_k=value("jsonRaw", {"tenant": "{{.base.user}}", "n": 1.50}))
        ),
        "flows/text": flow(step("storageStore", index=index, content=value("origin", "t"))),
        "flows/take": flow(
            step("storageLoad", "l", index=index, content=text("json")), respond("l")
        ),
        "flows/word": flow(step("storageLoad", "l", index=index, content=text("-")), respond("l")),
        "flows/clear": flow(step("storageClear", index=index)),
    }  # fmt: skip
    folder = Folder(tmp_path, files)

    async def used() -> None:
        assert (await folder.ask("flow/put", {"task": "1"}, appID="tenant A")).status == 200
        assert (
            await folder.ask("flow/take", {"task": "1"})
        ).body == b'{"n":1.5,"tenant":"tenant A"}'
        assert (await folder.ask("flow/take", {"task": "2"})).status == 500
        assert (await folder.ask("flow/word", {"task": "2"})).body == b'"-"'
        assert (await folder.ask("flow/text", {"task": "2", "t": "T"})).status == 200
        assert (await folder.ask("flow/word", {"task": "2"})).body == b'"T"'
        await folder.ask("flow/clear", {"task": "1"})
        assert (await folder.ask("flow/take", {"task": "1"})).status == 500
        assert (await folder.ask("flow/take", {"task": "x" * 600})).status == 400

    asyncio.run(used())


def test_pauses_and_counters_are_the_engines(tmp_path: Path) -> None:
    count = step("promHttpCounterInc", httpInOut=text("httpOut"), root=text("r"), code=text("200"),
                 other=text("x"))  # fmt: skip
    sleep = step("apiSleep", minute=text("0"), second=text("7"))
    backwards = step("apiSleep", second=text("-61"))
    folder = Folder(tmp_path, {"flows/f": flow(count, sleep, step("apiSleep"), backwards)})
    assert asyncio.run(folder.ask("flow/f")).status == 200
    assert folder.pauses == [7.0, 60.0, 0.0]
    assert folder.counted == [{"httpInOut": "httpOut", "root": "r", "code": "200"}]


def test_private_values_of_a_step_go_before_those_of_the_httpapi(tmp_path: Path) -> None:
    api = httpapi("/echo", ("query", "k", value("private", "key")), private="own")
    files = {
        "httpapis/p": api, "privates/own": {"privates": [{"name": "key", "value": "OWN"}]},
        "privates/other": {"privates": [{"name": "key", "value": "OTHER"}]},
    }  # fmt: skip
    folder = Folder(tmp_path, {**files, "flows/f": flow(call("p")),
                               "flows/g": flow({**call("p"), "private": "other"}),
                               "flows/h": flow({**call("p"), "private": "none"}),
                               "flows/i": flow(call("p", private=text("other"))),
                               "flows/j": flow(call("p", private=value("query", "file"))),
                               })  # fmt: skip

    async def used() -> list[int]:
        return [(await folder.ask(f"flow/{name}")).status for name in "fghij"]

    assert asyncio.run(used()) == [200, 200, 403, 200, 500]
    assert [seen.query for seen in folder.sent] == ["k=OWN", "k=OTHER", "k=OTHER"]


def test_what_is_told_behind_each_call(tmp_path: Path) -> None:
    names = {name: value("heap", f"stats.{name}") for name in ("child", "code")}
    ok = flow(step("promHttpCounterInc", httpInOut=text("ok"), **names))
    bad = flow(step("promHttpCounterInc", httpInOut=text("nok"), **names))
    files = {**FILES, "flows/_HTTPOK": ok, "flows/_HTTPNOK": bad,
             "flows/f": flow(call("arr"), call("arr", internal=text("true")), call("gone")),
             "main.json": main(postNOK="none")}  # fmt: skip
    folder = Folder(tmp_path, files)
    assert asyncio.run(folder.ask("flow/f")).status == 404
    assert folder.counted == [
        {"httpInOut": "ok", "child": "x", "code": "200"},
        {"httpInOut": "nok", "child": "x", "code": "404"},
    ]


@pytest.mark.parametrize("behind", ["none", "usual"])
def test_a_step_behind_a_call_that_fails_is_not_told_as_the_failure_of_the_call(
    tmp_path: Path, behind: str
) -> None:
    told = {"flows/_HTTPOK": flow(step("promHttpCounterInc", httpInOut=text("ok"))),
            "flows/_HTTPNOK": flow(step("promHttpCounterInc", httpInOut=text("nok")))}  # fmt: skip
    around = {"main.json": main(**({} if behind == "usual" else {"postNOK": "none"}))}
    files = {**FILES, **told, **around, "flows/f": flow(call("arr"), respond("nothing"))}
    folder = Folder(tmp_path, files)
    assert asyncio.run(folder.ask("flow/f")).status == 400
    assert folder.counted == [{"httpInOut": "ok"}]


def test_flows_that_are_told_may_fail_and_call_others(tmp_path: Path) -> None:
    count = step("promHttpCounterInc", httpInOut=text("ok"))
    for told in (flow(count, respond("nothing"), count), flow(count, call("arr", "t"))):
        folder = Folder(tmp_path / str(len(told["steps"])), {
            **FILES, "flows/_HTTPOK": told, "flows/f": flow(call("arr", "r"), respond("r")),
        })  # fmt: skip
        assert json_of(asyncio.run(folder.ask("flow/f"))) == [{"id": 1}, {"id": 2}]
        assert folder.counted == [{"httpInOut": "ok"}]

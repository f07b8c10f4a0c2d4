"""The way of a request of the second generation: rights, the flows around it, its values."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.engine import Engine
from apiql.frontends.definitions.kinds import Kind
from apiql.gotemplate.calls import Function
from apiql.ir.explain import as_text
from apiql.runtime import invoking
from apiql.settings import Settings
from tests.apihub.traces import Got
from tests.apihub.upstream import PLACE, keeping
from tests.apihub.written import (
    NOW,
    UUID,
    Folder,
    call,
    created,
    flow,
    httpapi,
    job,
    json_of,
    main,
    respond,
    step,
    text,
    value,
)

FILES = {"httpapis/arr": httpapi("/arr"), "httpapis/gone": httpapi("/status/404")}
RIGHTS: dict[str, dict[str, Any]] = {
    "public": {"right": "public"}, "internal": {"right": "internal"},
    "white": {"right": "whitelist", "list": [{"user": "a"}]},
    "black": {"right": "blacklist", "list": [{"user": "a"}]}, "odd": {"right": "odd"},
}  # fmt: skip


def folder_of(root: Path, **more: Any) -> Folder:
    return Folder(root, {**FILES, **more})


def asked(root: Path, path: str, body: Any = None, files: Any = None, **query: Any) -> Got:
    return asyncio.run(folder_of(root, **(files or {})).ask(path, body, **query))


# -- rights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "users"),
    [("public", "ab-"), ("internal", ""), ("white", "a"), ("black", "b-"), ("odd", "")],
)
def test_who_may_call(tmp_path: Path, right: str, users: str) -> None:
    found = {**RIGHTS[right], "type": "httpapi"}
    folder = folder_of(tmp_path, **{"rights/httpapi/arr": found})

    async def statuses() -> str:
        names: dict[str, Any] = {"a": {"appID": "a"}, "b": {"appID": "b"}, "-": {}}
        return "".join(
            [n for n, q in names.items() if (await folder.ask("httpapi/arr", **q)).status == 200]
        )

    assert asyncio.run(statuses()) == users
    assert len(folder.sent) == len(users)


def test_what_is_internal_may_be_used_by_others(tmp_path: Path) -> None:
    files = {"rights/httpapi/arr": {"type": "httpapi", "right": "internal"},
             "flows/f": flow(call("arr"), respond("r"))}  # fmt: skip
    assert asked(tmp_path, "flow/f", files=files).status == 200
    assert asked(tmp_path, "httpapi/arr", files=files).status == 403


@pytest.mark.parametrize(("usual", "status"), [("deny", 403), ("access", 200), ("open", 403)])
def test_what_has_no_rights_file(tmp_path: Path, usual: str, status: int) -> None:
    """Every word but `access` keeps all out; the last step counts."""
    before = "deny" if usual == "access" else "access"
    steps = [step("setDefaultAccessRight", default=text(word)) for word in (before, usual)]
    files = {"main.json": {"name": "main", "steps": steps}}
    assert asked(tmp_path, "httpapi/arr", files=files).status == status


def test_a_broken_rights_file_keeps_all_out(tmp_path: Path) -> None:
    assert asked(tmp_path, "httpapi/arr", files={"rights/httpapi/arr": "{"}).status == 403


def test_what_is_not_there_is_answered_as_what_may_not_be_called(tmp_path: Path) -> None:
    files = {"rights/httpapi/arr": {"type": "httpapi", "right": "internal"}}
    folder = folder_of(tmp_path, **files)

    async def bodies() -> list[Any]:
        paths = ("httpapi/arr", "httpapi/none", "flow/none", "schedule/none")
        return [await folder.ask(path) for path in paths]

    found = asyncio.run(bodies())
    assert [got.status for got in found] == [403] * 4
    names = [json_of(got)["root"] for got in found]
    assert names == ["arr", "none", "none", "none"]
    bare = folder_of(tmp_path, **{"main.json": main(postNOK="none")})
    denied = asyncio.run(bare.ask("httpapi/arr"))
    assert denied == asyncio.run(bare.ask("httpapi/none"))


# -- the flows around a request --------------------------------------------------------------------


def test_the_flows_of_main_json_are_carried_out(tmp_path: Path) -> None:
    def counting(word: str) -> Any:
        return flow(step("promHttpCounterInc", httpInOut=text(word),
                         code=value("heap", "stats.code")))  # fmt: skip

    bad = flow(
        created("n", {"why": "{{.stats.code}} {{.base.uuid}}"}), respond("n", code=text("418"))
    )
    files = {
        "main.json": main(pre="p", httpApi="h", postOK="ok", postNOK="bad"),
        "flows/p": flow(step("fillBaseInfo", uuid=value("header", "uuid"))),
        "flows/h": flow(step("httpApi", "r", name=value("heap", "base.root")),
                        respond("r", code=text("202"))),
        "flows/ok": counting("ok"), "flows/bad": bad,
    }  # fmt: skip
    folder = folder_of(tmp_path, **files)

    async def both() -> list[Got]:
        return [await folder.ask("httpapi/arr"),
                await folder.ask("httpapi/gone", headers={"uuid": "mine"})]  # fmt: skip

    good, gone = asyncio.run(both())
    assert good.status == 202
    assert folder.counted == [{"httpInOut": "ok", "code": "200"}]
    assert (gone.status, json_of(gone)) == (418, {"why": "404 mine"})


def test_a_flow_before_a_request_keeps_it_out(tmp_path: Path) -> None:
    guard = flow(step("fillBaseInfo"), step("httpApi", "auth", name=text("gone")))
    files = {"main.json": main(pre="guard"), "flows/guard": guard}
    folder = folder_of(tmp_path, **files)
    got = asyncio.run(folder.ask("httpapi/arr"))
    assert (got.status, json_of(got)["uuid"]) == (404, UUID)
    assert [seen.path for seen in folder.sent] == ["/status/404"]


def test_a_named_flow_that_is_not_there_keeps_all_out(tmp_path: Path) -> None:
    assert asked(tmp_path, "httpapi/arr", files={"main.json": main(pre="none_such")}).status == 403


def test_without_flows_behind_it_a_failure_is_a_problem(tmp_path: Path) -> None:
    files = {"main.json": main(postNOK="none"), "flows/f": flow(step("nosuch"))}
    got = asked(tmp_path, "httpapi/gone", files=files)
    assert (got.status, got.media) == (404, "application/problem+json")
    assert json_of(got)["code"] == "UPSTREAM_STATUS"


def test_how_the_flows_behind_fare_does_not_matter(tmp_path: Path) -> None:
    bad = flow(created("n", {"n": 1}), respond("n"), call("gone"))
    files = {"flows/_APIGATEWAY_POST_NOK": bad, "flows/_APIGATEWAY_POST_OK": flow(call("gone"))}
    assert asked(tmp_path, "httpapi/arr", files=files).status == 200
    assert asked(tmp_path, "httpapi/gone", files=files).body == b'{"n":1}'
    late = (created("n", {"n": 1}), respond("n"))
    files = {"flows/_APIGATEWAY_POST_NOK": flow(call("gone"), *late)}
    got = asked(tmp_path, "httpapi/gone", files=files)
    assert (got.status, got.media) == (404, "application/problem+json")


def test_a_failure_of_which_nobody_writes_is_a_problem(tmp_path: Path) -> None:
    got = asked(tmp_path, "httpapi/gone", files={"flows/_APIGATEWAY_POST_NOK": flow(call("arr"))})
    assert (got.status, got.media) == (404, "application/problem+json")


def test_a_flow_that_is_told_of_calls_may_call_without_being_told(tmp_path: Path) -> None:
    ok = flow(call("gone", "x"), step("promHttpCounterInc", httpInOut=text("never")))
    bad = flow(call("arr", "x"), step("promHttpCounterInc", httpInOut=text("bad")))
    folder = folder_of(tmp_path, **{"flows/_HTTPOK": ok, "flows/_HTTPNOK": bad})

    async def both() -> list[int]:
        return [(await folder.ask(f"httpapi/{name}")).status for name in ("arr", "gone")]

    assert asyncio.run(both()) == [200, 404]
    paths = [seen.path for seen in folder.sent]
    assert paths == ["/arr", "/status/404", "/status/404", "/arr"]
    assert folder.counted == [{"httpInOut": "bad"}]


def test_plans_that_know_the_request_are_of_one_definition(tmp_path: Path) -> None:
    inner = flow(step("httpApi", "i", name=value("heap", "base.root")))
    files = {
        "main.json": main(httpApi="h"), "flows/inner": inner,
        "flows/h": flow(step("flowApi", "r", name=text("inner")), respond("r")),
    }  # fmt: skip
    folder = folder_of(tmp_path, **files)

    async def both() -> list[int]:
        return [(await folder.ask(f"httpapi/{name}")).status for name in ("arr", "gone")]

    assert asyncio.run(both()) == [200, 404]


# -- who selects from a definition -----------------------------------------------------------------


def test_the_data_of_definitions(tmp_path: Path) -> None:
    files = {
        "flows/f": flow(created("a", {"n": 1}), respond("a"), created("b", {"n": 2}), respond("b"),
                        created("c", "x"), respond("c", "text/plain")),
        "flows/none": flow(call("arr")),
        "rights/flow/none": {"type": "flow", "right": "internal"},
    }  # fmt: skip
    folder = folder_of(tmp_path, **files)

    async def all_of_them() -> list[Any]:
        paths = ("flow/f", "httpapi/arr", "httpapi/gone", "flow/none")
        return [(await folder.ended(path, data=True))[1] for path in paths]

    made, arr, gone, denied = asyncio.run(all_of_them())
    assert made.value == {"n": 2}
    assert arr.value == [{"id": 1}, {"id": 2}]
    assert gone.failure.status == 404
    assert denied.failure.status == 403
    assert folder.lowered(Kind.FLOW, "f").data.gathered == "origin"


# -- values ----------------------------------------------------------------------------------------


def test_every_source_of_values(tmp_path: Path) -> None:
    listed = {
        "literal": text("l/&"), "query": value("query", "q"), "gone": value("query", "none"),
        "header": value("header", "X-H"), "env": value("env", "E"),
        "origin": value("origin", "a.b"),
        "nothing": value("origin", "a.c"), "heap": value("heap", "base.root"),
        "template": value("template", "{{.origin.n}}-{{.vars.query}}"),
        "json": value("json", {"k": "{{.origin.s}}", "n": 1}), "private": value("private", "key"),
        "func": {"from": "func", "content": "md5", "args": "literal query"},
        "own": {"from": "func", "content": "twice", "args": "query"},
    }  # fmt: skip
    args = [("query", name, found) for name, found in listed.items()]
    files = {
        "httpapis/v": httpapi("/echo?keep=1&query=x", *args, private="keys"),
        "privates/keys": {"privates": [{"name": "key", "value": "S3CRET"}]},
    }  # fmt: skip
    folder = Folder(
        tmp_path, files, environ={"E": "ENV"},
        functions={"twice": Function(lambda *given: "".join(given) * 2)},
    )  # fmt: skip
    body = {"a": {"b": 1000000}, "n": 5, "s": 'q"<'}
    asyncio.run(folder.ask("httpapi/v", body, {"x-h": "H"}, q="Q"))
    md5 = hashlib.md5(b"l/&Q", usedforsecurity=False).hexdigest()
    assert folder.sent[0].query == (
        f"env=ENV&func={md5}&gone=&header=H&heap=v"
        "&json=%7B%22k%22%3A%22q%5C%22%5Cu003c%22%2C%22n%22%3A1%7D&keep=1&literal=l%2F%26"
        "&nothing=%3Cno+value%3E&origin=1e%2B06&own=QQ&private=S3CRET&query=Q&template=5-Q"
    )


@pytest.mark.parametrize(
    ("kind", "told", "sent"),
    [
        ("origin", {"content-type": "text/x"}, "text/x"),
        ("origin", {}, "application/octet-stream"),
        ("none", {"content-type": "text/x"}, "application/octet-stream"),
        ("json", {}, "application/json"), ("text/y", {}, "text/y"),
    ],
)  # fmt: skip
def test_what_a_post_says_that_it_sends(
    tmp_path: Path, kind: str, told: dict[str, str], sent: str
) -> None:
    api = httpapi("/echo", method="POST", requestContentType=kind)
    folder = folder_of(tmp_path, **{"httpapis/v": api})
    asyncio.run(folder.ask("httpapi/v", {"a": 1}, told))
    [seen] = folder.sent
    assert seen.headers["content-type"] == sent


def test_one_name_in_two_places_has_two_values(tmp_path: Path) -> None:
    args = [("query", "t", text("1")), ("body", "t", text("2")), ("header", "t", text("3"))]
    api = httpapi("/echo", *args, method="POST", requestContentType="form")
    folder = folder_of(tmp_path, **{"httpapis/v": api})
    asyncio.run(folder.ask("httpapi/v"))
    [seen] = folder.sent
    assert (seen.query, seen.body, seen.headers["t"]) == ("t=1", "t=2", "3")


@pytest.mark.parametrize(
    "wrong",
    [
        value("template", "{{index .origin.l 1}}"),
        value("template", "{{.a"),
        value("jsonRaw", {"a": 1}),
        value("origin", "a b"),
        value("func", "nosuch"),
        value("private", "k"),
    ],
)
def test_an_argument_that_cannot_be_made_calls_nobody(tmp_path: Path, wrong: Any) -> None:
    folder = folder_of(tmp_path, **{"httpapis/v": httpapi("/echo", ("query", "q", wrong))})
    got = asyncio.run(folder.ask("httpapi/v", {"l": []}))
    assert (got.status, folder.sent) == (403 if wrong["from"] == "private" else 500, [])


def test_private_values_are_in_no_message_and_in_no_plan(tmp_path: Path) -> None:
    bad = value("template", "{{index .vars.k 9}}{{.vars.k.x}}")
    api = httpapi("/echo", ("vars", "k", value("private", "key")), ("query", "q", bad),
                  private="keys")  # fmt: skip
    key = [{"name": "key", "value": value("private", "key")}]
    wrong = {**created("a", ["{{index .origin 1}}"]), "private": "keys", "args": key}
    files = {
        "httpapis/v": api, "privates/keys": {"privates": [{"name": "key", "value": "S3CRET"}]},
        "flows/f": flow(wrong),
        "main.json": main(postNOK="none"),
    }  # fmt: skip
    folder = folder_of(tmp_path, **files)
    for path in ("httpapi/v", "flow/f"):
        found, ended = asyncio.run(folder.ended(path))
        assert ended.failure is not None
        assert "S3CRET" not in f"{found.answer(ended)}{ended}{as_text(found.plan)}{found}"


def test_dynamic_urls_lead_only_where_definitions_lead(tmp_path: Path) -> None:
    api = httpapi("", url="", dynamicUrl=value("origin", "url"))
    folder = folder_of(tmp_path, **{"httpapis/v": api})

    async def statuses() -> list[int]:
        urls = (PLACE + "/echo", "http://10.0.0.1/", "file:///etc/passwd", "nothing")
        return [(await folder.ask("httpapi/v", {"url": url})).status for url in urls]

    assert asyncio.run(statuses()) == [200, 500, 500, 500]
    assert [seen.path for seen in folder.sent] == ["/echo"]


def test_quotes_in_data_break_json_only_where_that_is_wanted(tmp_path: Path) -> None:
    files = {"flows/f": flow(created("a", {"s": "{{.origin.s}}"}), respond("a"))}
    usual, strict = Folder(tmp_path / "a", files), Folder(tmp_path / "b", files, strict=True)
    assert json_of(asyncio.run(usual.ask("flow/f", {"s": 'a"b'}))) == {"s": 'a"b'}
    assert asyncio.run(strict.ask("flow/f", {"s": 'a"b'})).status == 500


# -- states ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
STEPS = (
    created("c", {"x": "{{.origin}}"}), call("arr"), call("gone", "g"), respond("r"), respond("c"),
    step("createJson", "t", key=text("a")), step("flowApi", "f", name=text("inner"),
                                                 origin_a=value("heap", "base.root")),
    step("fillBaseInfo", user=text("u")), step("storageStore", index=text("i"), content=text("x")),
    step("scheduleApi", "s", name=text("inner")),
)  # fmt: skip


@given(
    steps=st.lists(st.sampled_from(STEPS), max_size=5),
    body=st.dictionaries(st.sampled_from("abc"), JSON, max_size=3),
)
def test_no_state_is_ever_changed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], body: dict[str, Any]
) -> None:
    inner = {"name": "i", "steps": [job(one) for one in STEPS[:4]]}
    files = {**FILES, "flows/f": flow(*steps), "flows/inner": flow(*STEPS[:2]),
             "schedules/inner": inner}  # fmt: skip
    changed: list[str] = []
    with patch.object(invoking, "calls_in_a_row", _watching(changed)):
        folder = Folder(tmp_path_factory.mktemp("f"), files)
        asyncio.run(folder.ask("flow/f", body))
    assert changed == []


def _watching(changed: list[str]) -> Callable[..., Any]:
    """Finds the functions of definitions, and notes those that change what they are given."""
    found = invoking.calls_in_a_row

    def watching(call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(moment: Any, *given: Any) -> Any:
            before = deepcopy(given)
            try:
                return call(moment, *given)
            finally:
                if given != before:
                    changed.append(call.__qualname__)

        return watched

    def watched_calls(value: Any) -> Any:
        calls, args = found(value)
        return [watching(call) for call in calls], args

    return watched_calls


def test_what_the_flows_behind_are_told(tmp_path: Path) -> None:
    """Of a request no child; when it began is what the request says."""
    counting = step(
        "promHttpCounterInc", child=value("heap", "stats.child"), code=value("heap", "stats.code"),
        root=value("heap", "base.root"), duration=value("heap", "base.start"),
    )  # fmt: skip
    folder = folder_of(
        tmp_path, **{"flows/counts": flow(counting), "flows/fine": flow(step("dump")),
                     "main.json": main(postOK="counts", postNOK="none")},
    )  # fmt: skip
    assert asyncio.run(folder.ask("flow/fine")).status == 200
    told = {"child": "", "code": "200", "root": "fine", "duration": "1"}
    assert folder.counted == [told]


@pytest.mark.parametrize(
    ("expire", "calls"),
    [
        (value("query", "ttl"), 1), (value("query", "no"), 2), (value("header", "ttl"), 2),
        (value("origin", "ttl"), 1), (value("template", "{{.origin.ttl}}"), 1),
        (value("literal", "60"), 1), (value("env", "TTL"), 1), (value("private", "ttl"), 1),
        (value("heap", "base.root"), 2), (value("heap", "result.echo.path"), 2),
    ],
)  # fmt: skip
def test_the_end_of_an_answer_comes_from_any_source(
    tmp_path: Path, expire: Any, calls: int
) -> None:
    """A header is one of the answer."""
    cache = {"expire": expire, "format": "second"}
    files = {"httpapis/v": httpapi("/echo", cache=cache, private="keys"),
             "privates/keys": {"privates": [{"name": "ttl", "value": "60"}]}}  # fmt: skip
    folder = Folder(tmp_path, files, environ={"TTL": "60"})
    layer = keeping(folder.upstream, lambda: 0.0)
    folder.engine = Engine(Settings(), layer, wall=lambda: NOW)

    async def asked_twice() -> list[int]:
        given = {"ttl": "60"}
        return [(await folder.ask("httpapi/v", given, given, **given)).status for _ in range(2)]

    assert asyncio.run(asked_twice()) == [200, 200]
    assert len(folder.sent) == calls


@pytest.mark.parametrize(
    ("scope", "layout", "strict", "calls"),
    [
        ("", "second", False, 2), ("request", "SECOND", False, 2),
        ("definition", "Second", False, 1),
        ("", "second", True, 1), ("request", "second", True, 1),
    ],
)  # fmt: skip
def test_whom_an_answer_is_kept_for(
    tmp_path: Path, scope: str, layout: str, strict: bool, calls: int
) -> None:
    """Those who ask the same, or, as it was, all who ask."""
    kept = {"expire": text("60"), "format": layout, **({"scope": scope} if scope else {})}
    api = httpapi("/echo", ("query", "n", value("query", "n")), cache=kept)
    folder = Folder(tmp_path, {"httpapis/v": api}, strict=strict)
    folder.engine = Engine(Settings(), keeping(folder.upstream, lambda: 0.0), wall=lambda: NOW)

    async def asked_in_turn() -> list[Any]:
        found = [await folder.ask("httpapi/v", n=n) for n in ("1", "2", "1", "2")]
        return [json.loads(got.body)["echo"]["query"] for got in found]

    told = asyncio.run(asked_in_turn())
    assert told == (["n=1", "n=2"] * 2 if calls == 2 else ["n=1"] * 4)
    assert len(folder.sent) == calls


@pytest.mark.parametrize(
    "template", ["{{range .vars.key}}{{end}}", "{{.vars.key.x}}", "{{index .vars.key .vars.key}}"]
)
def test_what_fails_beside_private_values_tells_none(tmp_path: Path, template: str) -> None:
    args = [("vars", "key", value("private", "key")), ("query", "t", value("template", template))]
    files = {"httpapis/v": httpapi("/echo", *args, private="keys"),
             "privates/keys": {"privates": [{"name": "key", "value": "S3CRET-5"}]},
             "main.json": main(postNOK="none")}  # fmt: skip
    got = asyncio.run(Folder(tmp_path, files).ask("httpapi/v"))
    assert got.status == 500
    assert b"S3CRET" not in got.body
    assert b"it uses private values" in got.body

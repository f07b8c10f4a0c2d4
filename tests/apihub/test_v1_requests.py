"""What requests of the first generation are put together of, and what becomes of answers."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apiql.engine import Engine
from apiql.errors import Code, Failure, ValueRefused
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower import sent
from apiql.frontends.definitions.lower.caching import cookie_attribute
from apiql.frontends.definitions.lower.lowered import Ended, Ground
from apiql.frontends.definitions.lower.v1_lower import lower_v1
from apiql.ir.works import Send
from tests.apihub.made import BROKEN, ECHO, LIST, POST, RAW, Made
from tests.apihub.upstream import PLACE, Seen, keeping
from tests.virtual import virtually


async def call_of(root: Path, api: dict[str, Any], body: Any = None, **headers: str) -> Seen:
    """The request that an api sends."""
    return await Made(root, {"apis/a": api}).sent("/api/a?q=1", body, **headers)


def given(place: str, **values: str) -> list[dict[str, Any]]:
    """Fixed parameters."""
    return [{"in": place, "name": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("url", "parameters", "target"),
    [
        ("/echo?b=2&a=1", [], "/echo?b=2&a=1"),
        ("/echo?b=2&a=1&b=3", given("vars", v="1"), "/echo?a=1&b=2&b=3"),
        ("/echo?b=2&a=1&b=3", given("query", b="x y"), "/echo?a=1&b=x+y"),
        ("/echo", given("query", q="a&b=c/~中"), "/echo?q=a%26b%3Dc%2F~%E4%B8%AD"),
        ("/echo", given("header", h="1"), "/echo"),
        ("/a b/中%2F", [], "/a%20b/%E4%B8%AD%2F"),
        ("/echo?a=b c#frag", [], "/echo?a=b%20c"),
        ("", [], "/"),
    ],
)
@virtually
async def test_urls(url: str, parameters: list[Any], target: str, tmp_path: Path) -> None:
    call = await call_of(tmp_path, {"url": PLACE + url, "parameters": parameters})
    assert call.method == "GET"
    assert call.path + (f"?{call.query}" if call.query else "") == target


@virtually
async def test_made_urls_take_parameters_too(tmp_path: Path) -> None:
    source = {"from": "template", "name": PLACE + "/u/{{.origin.id}}?z=1"}
    api = {"method": "GET", "dynamicUrl": source, "parameters": given("query", a="2")}
    call = await call_of(tmp_path, api, {"id": "x y"})
    assert (call.path, call.query) == ("/u/x%20y", "a=2&z=1")


@pytest.mark.parametrize("url", ["", "/relative", "{{.origin.url}}", "ftp://127.0.0.1/x"])
@virtually
async def test_urls_that_are_none(url: str, tmp_path: Path) -> None:
    made = Made(tmp_path, {"apis/a": {"dynamicUrl": {"from": "template", "name": url}}})
    got = await made.ask("/api/a", {"url": "nowhere"})
    assert got.status == 500
    assert json.loads(got.body)["errors"][0]["message"]


@virtually
async def test_a_made_url_leads_only_where_definitions_lead(tmp_path: Path) -> None:
    made = Made(tmp_path, {"apis/a": {"dynamicUrl": {"from": "origin", "name": "url"}}})
    got = await made.ask("/api/a", {"url": "http://10.0.0.1/x"})
    assert (got.status, json.loads(got.body)["code"]) == (500, "FORBIDDEN_UPSTREAM")
    assert made.paths() == []
    await made.data("/api/a", {"url": f"{PLACE}/echo"})
    assert made.paths() == ["/echo"]
    for text in (
        PLACE + ".evil.example/x",
        PLACE.replace("//", "//a@"),
        PLACE + "\\@evil/x",
        PLACE + "0/x",
    ):
        got = await made.ask("/api/a", {"url": text})
        assert got.status == 500
    assert made.paths() == []


@virtually
async def test_headers(tmp_path: Path) -> None:
    parameters = [*given("header", h="1", H="2", Host="evil"), *given("header", u="中"),
                  {"in": "header", "name": "e"}]  # fmt: skip
    call = await call_of(tmp_path, {**ECHO, "parameters": parameters})
    assert call.headers["h"] == "2"
    assert call.headers["u"].encode("latin-1").decode() == "中"
    assert call.headers["e"] == ""
    assert "host" not in call.headers


@virtually
async def test_headers_that_break_the_message_make_the_call_fail(tmp_path: Path) -> None:
    source = {"from": "origin", "name": "h"}
    api = {**ECHO, "parameters": [{"in": "header", "name": "h", "from": source}]}
    made = Made(tmp_path, {"apis/a": api})
    assert (await made.ask("/api/a", {"h": "a\r\nX-Evil: 1"})).status == 500
    assert made.paths() == []


BODY = [{"in": "body", "name": "b", "value": "2 3"}, {"in": "body", "name": "a", "value": "中&"},
        {"in": "body", "name": "b", "value": "1"}]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "kind", "media", "body"),
    [
        ("POST", "form", "application/x-www-form-urlencoded", "a=%E4%B8%AD%26&b=2+3&b=1"),
        ("POST", "json", "application/json", "2 3"),
        ("POST", "text/xml", "text/xml", "2 3"),
        ("POST", "", None, ""),
        ("POST", "none", None, ""),
        ("GET", "json", "application/json", ""),
        ("PUT", "json", "application/json", ""),
        ("GET", "form", "application/x-www-form-urlencoded", ""),
        ("POST", "origin", "text/special", '{"a":{"b":1.50,"c":"<"}}'),
        ("DELETE", "origin", "text/special", ""),
    ],
)
@virtually
async def test_bodies(method: str, kind: str, media: str | None, body: str, tmp_path: Path) -> None:
    api = {"url": f"{PLACE}/echo", "method": method, "requestContentType": kind, "parameters": BODY}
    made = Made(tmp_path, {"apis/a": api})
    call = await made.sent("/api/a", '{"a": {"c": "<", "b": 1.50}}', content_type="text/special")
    assert (call.method, call.headers.get("content-type"), call.body) == (method, media, body)


@virtually
async def test_a_parameter_takes_the_place_of_the_content_type(tmp_path: Path) -> None:
    parameters = given("header", **{"content-type": "text/own"})
    api = {**POST, "requestContentType": "json", "parameters": parameters}
    assert (await call_of(tmp_path, api)).headers["content-type"] == "text/own"


@virtually
async def test_a_body_of_null_ends_the_request(tmp_path: Path) -> None:
    source = {"from": "JsonTemplate", "template": {"a": "{{index .origin.l 0}}"}}
    api = {**POST, "requestContentType": "json",
           "parameters": [{"in": "body", "name": "b", "from": source}]}  # fmt: skip
    made = Made(tmp_path, {"apis/a": api})
    assert (await made.ask("/api/a", {"l": []})).status == 500
    assert made.paths() == []
    assert json.loads((await made.sent("/api/a", {"l": [1]})).body) == {"a": "1"}


@pytest.mark.parametrize("body", ["", "no json", "null", "[1,2]", '"text"', "{}", "\ufeff{}"])
@virtually
async def test_any_body_will_do(body: str, tmp_path: Path) -> None:
    made = Made(tmp_path, {"apis/a": RAW})
    assert (await made.ask("/api/a", body)).status == 200


@virtually
async def test_an_answer_that_nothing_is_made_of_stays_as_it_came(tmp_path: Path) -> None:
    made = Made(tmp_path, {"apis/a": {"url": f"{PLACE}/json"}})
    got = await made.ask("/api/a")
    assert got.media == "application/json; charset=utf-8"
    assert b'"i": 1534054924618786784, "f": 1.5' in got.body


@pytest.mark.parametrize(
    ("path", "status"),
    [("/status/404", 200), ("/status/500", 200), ("/text", 500), ("/empty", 500)],
)
@virtually
async def test_the_status_of_an_answer_is_no_matter_but_it_must_be_json(
    path: str, status: int, tmp_path: Path
) -> None:
    made = Made(tmp_path, {"apis/a": {"url": PLACE + path}, "apis/down": BROKEN})
    assert (await made.ask("/api/a")).status == status
    got = await made.ask("/api/down")
    told = json.loads(got.body)
    assert (got.status, got.media, told["code"]) == (
        500, "application/problem+json", "UPSTREAM_CONNECT",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (Ended(body=b" null\n"), 500), (Ended(None), 500), (Ended(body=b"0"), 200),
        (Ended(0), 200), (Ended({"a": 10**30, "b": Decimal("1.50")}), 200),
        (Ended(failure=Failure(Code.UPSTREAM_TIMEOUT, "late", 504)), 500),
    ],
)  # fmt: skip
@virtually
async def test_an_answer_of_null_is_none(ended: Ended, status: int, tmp_path: Path) -> None:
    lowered = Made(tmp_path, {"apis/a": RAW}).gateway.lower(Kind.API, "a")
    answered = lowered.answer(ended)
    assert answered.status == status
    assert ended.value in (None, 0) or answered.body == b'{"a":%d,"b":1.50}' % (10**30)


@pytest.mark.parametrize(
    ("source", "expected", "status"),
    [
        ({"from": "result", "name": "b"}, "true", 200),
        ({"from": "result", "name": "i"}, "1534054924618786784", 200),
        ({"from": "result", "name": "i"}, "5", 500),
        ({"from": "template", "name": "{{if .result.o}}1{{end}}"}, "1", 200),
        ({"from": "result", "name": "missing"}, "", 200),
    ],
)
@virtually
async def test_expected_statuses(
    source: dict[str, Any], expected: str, status: int, tmp_path: Path
) -> None:
    checked = {"from": source, "format": "number", "expected": expected}
    made = Made(tmp_path, {"apis/a": {**RAW, "respStatus": checked}})
    assert (await made.ask("/api/a")).status == status
    assert made.paths() == ["/json"]


@virtually
async def test_an_answer_is_checked_and_then_rewritten(tmp_path: Path) -> None:
    checked = {"from": {"from": "result", "name": "b"}, "expected": "true"}
    api = {**RAW, "respStatus": checked, "response": {"json": {"x": "{{.o.z}}", "y": 5}}}
    made = Made(
        tmp_path, {"apis/a": api, "apis/l": {**LIST, "response": {"json": ["{{(index . 1).id}}"]}}}
    )
    assert await made.data("/api/a") == {"x": "1", "y": 5}
    assert await made.data("/api/l") == ["2"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (None, "None"),
        ({"from": "header", "name": "X-Exp"}, 'reply.$headers."x-exp"?'),
        ({"from": "Header", "name": "Set-Cookie.max-age"},
         'cookie max-age(reply.$headers."set-cookie"?)'),
        ({"from": "header", "name": "SET-COOKIE.max-age"},
         'cookie max-age(reply.$headers."set-cookie"?)'),
        ({"from": "template", "name": "{{.result.t}} {{.origin.u}}"},
         "{{.result.t}} {{.origin.u}}(state, reply)"),
        ({"from": "result", "name": "t"}, "{{.result.t}}(state, reply)"),
        ({"from": "template", "name": "5"}, '"5"'),
    ],
)  # fmt: skip
def test_the_cache_is_told_where_the_end_stands(source: Any, shown: str, tmp_path: Path) -> None:
    cache = {"cache": {"from": source, "format": "second"}} if source else {}
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "a.json").write_text(json.dumps({**RAW, **cache}), "utf-8")
    plan = lower_v1(Kind.API, "a", Ground(read_folder(tmp_path))).plan
    send = plan.tasks[0].work
    assert isinstance(send, Send)
    assert send.cache is not None
    assert (send.cache.key, send.cache.http, send.cache.one) == ("httpapi:a", False, False)
    expected = "None" if source is None else f"seconds left({shown}, reply)"
    assert str(send.expires) == expected


def test_texts_of_requests() -> None:
    assert sent.encoder([("b", "1"), ("a", 0)], order=False)("x y") == "b=1&a=x+y"
    assert sent.encoder([("é", "1"), ("z", 0), ("z", "2")])("~") == "z=~&z=2&%C3%A9=1"
    with pytest.raises(ValueRefused):
        sent.split("no url")
    assert cookie_attribute("A=1; max-age=7200; path=/", "max-age") == "7200"
    assert cookie_attribute(None, "max-age") == cookie_attribute("a=1", "b") == ""


@pytest.mark.parametrize(("scope", "calls"), [("", 2), ("request", 2), ("definition", 1)])
@virtually
async def test_whom_an_answer_is_kept_for(tmp_path: Path, scope: str, calls: int) -> None:
    """Those who ask the same, or, as it was, all who ask."""
    cache = {"from": {"from": "template", "name": "60"}, "format": "Second", "scope": scope}
    query = {"in": "query", "name": "n", "from": {"from": "query", "name": "n"}}
    made = Made(tmp_path, {"apis/a": {**ECHO, "parameters": [query], "cache": cache}})
    layer = keeping(made.upstream, asyncio.get_running_loop().time)
    made.gateway.engine = Engine(made.engine.settings, layer, wall=made.upstream.wall)
    told = [(await made.data(f"/api/a?n={n}"))["echo"]["query"] for n in ("1", "2", "1", "2")]
    assert told == (["n=1", "n=2"] * 2 if calls == 2 else ["n=1"] * 4)
    assert len(made.paths()) == calls


@virtually
async def test_of_several_of_one_name_the_last_is_sent(tmp_path: Path) -> None:
    """Names of headers are the same in any case."""
    listed = [("query", "a", "1"), ("query", "a", "2"), ("header", "X-A", "3"),
              ("header", "x-a", "4")]  # fmt: skip
    parameters = [{"in": place, "name": name, "value": text} for place, name, text in listed]
    made = Made(tmp_path, {"apis/a": {**ECHO, "url": f"{PLACE}/echo?a=0&b=5",
                                      "parameters": parameters}})  # fmt: skip
    seen = await made.sent("/api/a")
    assert (seen.query, seen.headers["x-a"]) == ("a=2&b=5", "4")

"""Where values of the first generation come from, and what they are in a request."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from apiql.gotemplate.calls import Function
from apiql.ir.explain import as_text
from tests.apihub.made import ECHO, POST, Made
from tests.apihub.traces import BEGAN
from tests.virtual import virtually

ORIGIN = {
    "s": "a\"<&'b",
    "n": 1000000,
    "big": 123456789012,
    "o": {"p": "P", "l": ["x", 2]},
    "z": None,
}
KEYS = {"privates": [{"name": "k", "value": "s3cret-key"}]}


def queried(source: dict[str, Any], *before: dict[str, Any]) -> dict[str, Any]:
    """An api that sends a value as the query parameter v."""
    last = {"in": "query", "name": "v", "from": source}
    return {**ECHO, "private": "keys", "parameters": [*before, last]}


async def value_of(
    root: Path, source: dict[str, Any], *before: dict[str, Any], strict: bool = False, **more: Any
) -> str:
    """What is sent for a source."""
    files = {"apis/a": queried(source, *before), "privates/keys": KEYS}
    made = Made(root, files, strict, **more)
    call = await made.sent("/api/a?q=one&q=two&e=", ORIGIN)
    return dict(parse_qsl(call.query, keep_blank_values=True))["v"]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"from": "query", "name": "q"}, "one"),
        ({"from": "query", "name": "e"}, ""),
        ({"from": "query", "name": "missing"}, ""),
        ({"from": "origin", "name": "s"}, 'a"<&\'b'),
        ({"from": "origin", "name": "o.p"}, "P"),
        ({"from": "origin", "name": "n"}, "1e+06"),
        ({"from": "origin", "name": "z"}, ""),
        ({"from": "origin", "name": "missing.deeper"}, ""),
        ({"from": "origin", "name": "not a path"}, ""),
        ({"from": "StepResult", "name": "origin.o.p"}, "P"),
        ({"from": "result", "name": "x"}, ""),
        ({"from": "template", "name": "{{.origin.o.p}}-{{.origin.n}}"}, "P-1e+06"),
        ({"from": "template", "name": "{{index .origin.o.l 0}}"}, "x"),
        ({"from": "template", "name": "{{(index .origin.o.l 7)}}"}, ""),
        ({"from": "template", "name": "before {{index .origin.o.l 7}} behind"}, "before "),
        ({"from": "template", "name": "{{if eq .origin.n 1000000.0}}yes{{end}}"}, "yes"),
        ({"from": "template", "name": "fixed"}, "fixed"),
        ({"from": "private", "name": "k"}, "s3cret-key"),
        ({"from": "private", "name": "missing"}, ""),
        ({"from": "func", "name": "utc"}, str(int(BEGAN))),
        ({"from": "JsonTemplate", "template": "{{.origin.s}}"}, 'a"<&\'b'),
        ({"from": "JsonTemplate", "template": {"b": "{{.origin.s}}", "a": [1]}},
         '{"a":[1],"b":"a\\"<&\'b"}'),
        ({"from": "JsonTemplate", "template": {"a": "{{index .origin.o.l 7}}"}}, "null"),
    ],
)  # fmt: skip
@virtually
async def test_sources(source: dict[str, Any], value: str, tmp_path: Path) -> None:
    assert await value_of(tmp_path, source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"from": "origin", "name": "s"}, "a&#34;&lt;&amp;&#39;b"),
        ({"from": "origin", "name": "n"}, "1e&#43;06"),
        ({"from": "JsonTemplate", "template": "{{.origin.s}}"}, "null"),
        ({"from": "JsonTemplate", "template": {"a": "<"}}, '{"a":"\\u003c"}'),
    ],
)
@virtually
async def test_strict_ones_escape_and_break(
    source: dict[str, Any], value: str, tmp_path: Path
) -> None:
    assert await value_of(tmp_path, source, strict=True) == value


def md5(text: bytes) -> str:
    return hashlib.md5(text).hexdigest()


VARS = ({"in": "vars", "name": "a", "value": "1"}, {"in": "vars", "name": "X-Y", "value": "2"},
        {"in": "header", "name": "n", "from": {"from": "origin", "name": "o.p"}})  # fmt: skip


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"from": "template", "name": "{{.vars.a}}{{.vars.n}}"}, "1P"),
        ({"from": "template", "name": '{{index .vars "X-Y"}}'}, "2"),
        ({"from": "template", "name": "{{.vars.missing}}"}, ""),
        ({"from": "template", "name": "{{md5 .vars.a .vars.n}}"}, md5(b"1P")),
        ({"from": "func", "name": "md5", "args": "a X-Y missing n"}, md5(b"12P")),
        ({"from": "func", "name": "md5"}, ""),
    ],
)  # fmt: skip
@virtually
async def test_later_parameters_see_earlier_ones(
    source: dict[str, Any], value: str, tmp_path: Path
) -> None:
    assert await value_of(tmp_path, source, *VARS) == value


@virtually
async def test_of_one_name_the_last_before_counts(tmp_path: Path) -> None:
    twice = [{"in": "vars", "name": "a", "from": {"from": "origin", "name": name}} for name in "sn"]
    assert await value_of(tmp_path, {"from": "template", "name": "{{.vars.a}}"}, *twice) == "1e+06"


@virtually
async def test_a_fixed_value_wins_and_nothing_is_nothing(tmp_path: Path) -> None:
    given = [{"in": "query", "name": "a", "value": "1", "from": {"from": "query", "name": "q"}},
             {"in": "query", "name": "b"}]  # fmt: skip
    made = Made(tmp_path, {"apis/a": {**ECHO, "parameters": given}})
    assert (await made.sent("/api/a?q=2")).query == "a=1&b="


@virtually
async def test_functions_of_plug_ins(tmp_path: Path) -> None:
    doubled = Function(lambda text="": text * 2, 0, 1)
    source = {"from": "func", "name": "double", "args": "a"}
    files = {"apis/a": queried(source, *VARS), "privates/keys": KEYS}
    made = Made(tmp_path, files, functions={"double": doubled})
    made.gateway.broken.clear()  # whoever loads plug-ins tells the checks of them
    assert "v=11" in (await made.sent("/api/a", ORIGIN)).query


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("", [{"in": "query", "name": "v", "from": {"from": "private", "name": "k"}}]),
        ("nosuch", []),
    ],
)
@virtually
async def test_private_values_that_are_not_there(
    name: str, parameters: list[Any], tmp_path: Path
) -> None:
    made = Made(tmp_path, {"apis/a": {**ECHO, "private": name, "parameters": parameters}})
    got = await made.ask("/api/a")
    assert got.status == 500
    assert b"private" in got.body
    assert made.paths() == []


@virtually
async def test_private_values_are_not_shown(tmp_path: Path) -> None:
    source = {"from": "private", "name": "k"}
    sent = {**POST, "private": "keys", "requestContentType": "json", "parameters": [
        {"in": "vars", "name": "k", "from": source},
        {"in": "header", "name": "h", "from": {"from": "func", "name": "md5", "args": "k"}},
        {"in": "body", "name": "b", "from": {"from": "template", "name": "{{.vars.k}}"}},
    ], "respStatus": {"from": {"from": "result", "name": "x"}, "expected": "no"}}  # fmt: skip
    loop = {"tasks": [{"type": "control", "name": "switch", "private": "keys", "key": source,
                       "cases": []},
                      {"type": "flow", "name": "f", "private": "keys",
                       "parameters": [{"name": "k", "from": source}]}]}  # fmt: skip
    flow = {"steps": [{"resultKey": "r", "api": {"id": "a", "parameters": [
        {"name": "k", "from": source}]}}]}  # fmt: skip
    made = Made(tmp_path, {"apis/a": sent, "schedules/s": loop, "flows/f": flow,
                           "privates/keys": KEYS})  # fmt: skip
    for path in ("/api/a", "/flow/f", "/schedule/s"):
        got = await made.ask(path)
        assert "s3cret" not in got.body.decode()
    texts = [as_text(lowered.plan) + repr(lowered) for lowered, _ in made.gateway.plans.values()]
    assert len(texts) == 3
    assert not any("s3cret" in text for text in texts)
    assert any(call.body == "s3cret-key" for call in made.upstream.drained()[0])


@virtually
async def test_a_template_that_costs_too_much_ends_the_request(tmp_path: Path) -> None:
    text = "{{range .origin.l}}{{range $.origin.l}}{{range $.origin.l}}x{{end}}{{end}}{{end}}"
    made = Made(tmp_path, {"apis/a": queried({"from": "template", "name": text}),
                           "privates/keys": KEYS})  # fmt: skip
    got = await made.ask("/api/a", {"l": list(range(60))})
    assert got.status == 500
    assert b"budget" in got.body
    assert made.paths() == []

"""Texts of definitions that were never published: what waits for what, and odd names and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apiql.engine import Engine
from apiql.frontends.definitions.convert.convert import Converted, convert
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.query_files import read_query_files
from apiql.settings import load_settings
from tests.apihub.traces import BEGAN
from tests.apihub.upstream import Upstream


def converted(folder: Path, kind: Kind, name: str, **files: dict[str, Any]) -> Converted:
    """The text of a definition; `files` are by folder and name: `apis__x`."""
    for place, content in files.items():
        file = folder / f"{place.replace('__', '/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), "utf-8")
    return convert(read_folder(folder), kind, name)


def get(path: str, **more: Any) -> dict[str, Any]:
    return {"id": "x", "method": "GET", "url": f"http://127.0.0.1:16060/{path}", **more}


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "resultKey": name, "api": {"id": name}, **more}


def test_steps_come_after_those_in_front_of_them_that_they_do_not_read(tmp_path: Path) -> None:
    steps = [
        call("a", concurrent=True), call("b", concurrent=True), call("c"), call("d"),
    ]  # fmt: skip
    found = converted(
        tmp_path, Kind.FLOW, "f", flows__f={"name": "f", "concurrentNum": 2, "steps": steps},
        **{f"apis__{name}": get(name) for name in "abcd"},
    )  # fmt: skip
    lines = found.text.splitlines()
    assert [line for line in lines if "after" in line] == [
        "  after a, b optional;", "  after c;",
    ]  # fmt: skip
    assert found.whole


def test_jobs_of_a_schedule_wait_likewise(tmp_path: Path) -> None:
    tasks = [
        {"type": "api", "name": "a", "resultKey": "a", "concurrent": True},
        {"type": "flow", "name": "f", "resultKey": "b", "concurrent": True},
        {"type": "api", "name": "a", "resultKey": "c"},
    ]
    found = converted(
        tmp_path, Kind.SCHEDULE, "s", apis__a=get("a"), apis__b=get("b"),
        flows__f={"name": "f", "steps": [call("a"), call("b")]},
        schedules__s={"name": "s", "concurrentNum": 2, "tasks": tasks},
    )  # fmt: skip
    assert "from b\n  after a_2 optional;" in found.text
    assert "from a as c\n  after a, b;" in found.text


def test_odd_names_and_values_are_texts_and_can_be_stored(tmp_path: Path) -> None:
    odd = 'it\'s "x" \\ {{not a template}} -- ; \n/* 中'
    sent = [
        {"in": "query", "name": "a b'\"", "value": odd.replace("{{not a template}}", "")},
        {"in": "header", "name": "X-Odd", "value": "1"},
        {"in": "query", "name": "null", "value": "null"},
        {"in": "query", "name": "o", "from": {"from": "origin", "name": "select"}},
        {"in": "query", "name": "y", "from": {"from": "template", "name": '{{index .vars "a b"}}'}},
    ]
    found = converted(tmp_path / "from", Kind.API, "x-y.z", **{
        "apis__x-y.z": get("select/from?and=1", parameters=sent),
    })  # fmt: skip
    conf = tmp_path / "conf"
    (conf / "queries").mkdir(parents=True)
    (conf / "apiql.toml").write_text(found.settings, "utf-8")
    (conf / "queries" / "odd.apiql").write_text(str(found), "utf-8")
    engine = Engine(load_settings(conf, {}), Upstream(lambda: BEGAN), read_query_files(conf))
    stored = engine.stored("odd")
    assert stored is not None
    assert [parameter.name for parameter in stored.executable.plan.parameters] == ["select"]


def test_flows_that_call_themselves_end(tmp_path: Path) -> None:
    step = {
        "name": "again", "command": "flowApi", "resultKey": "x",
        "args": [{"name": "name", "value": {"from": "literal", "content": "f"}}],
    }  # fmt: skip
    found = converted(
        tmp_path, Kind.FLOW, "f", httpapis__a=get("a"), flows__f={"name": "f", "steps": [step]}
    )
    assert found.text == ""
    assert not found.whole

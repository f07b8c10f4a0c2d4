"""The recorded outputs of the libraries behind the gateway: paths, changes, aggregation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.frontends.endpoints.aggregate import Kept, aggregated
from apiql.frontends.endpoints.json_edit import put, without
from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import path_of
from apiql.frontends.endpoints.json_value import MISSING, Json, decoded, encoded
from apiql.frontends.endpoints.message import Body
from apiql.frontends.endpoints.modifier import Action, Modifier, Target
from apiql.frontends.endpoints.modify_body import added, with_change

DATA = Path(__file__).resolve().parents[1] / "data" / "gopen"
GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(
    (DATA / "golden" / "gopen_json_golden.json").read_text("utf-8")
)

OTHERWISE = {
    ("aggregate", '[{"id":1},{"id":2}]'): '{"backend-0":[{"id":1},{"id":2}],"id":5}',
    ("aggregate", '"str"'): '{"backend-0":"str","a":1}',
    ("aggregate", '{"big":1534054924618786784}'): '{"big":1534054924618786784,"f":1.50}',
    ("get", "big"): "1534054924618786784",
    ("get", "f"): "1.50",
}
"""Where the gateway differs from its libraries: lists and texts stand under the backend's name, and
numbers keep their digits."""

NO_BODY = ("text", "")
"""A body that is no JSON is changed as a text, and one that is not there is not changed."""


def cases(kind: str, name: str) -> Any:
    found = GOLDEN[kind]
    assert found
    ids = [f"{index}-{case.get(name)}" for index, case in enumerate(found)]
    return pytest.mark.parametrize("case", found, ids=ids)


def written(value: Json) -> str:
    assert value is not MISSING
    return encoded(value).decode()


@cases("gjson_get", "path")
def test_what_stands_at_a_path(case: dict[str, Any]) -> None:
    found = finder(path_of(case["path"]))(decoded(case["json"]))
    assert (found is not MISSING) == case["exists"]
    if case["exists"]:
        expected = json.dumps(case["value"], separators=(",", ":"))
        assert written(found) == OTHERWISE.get(("get", case["path"]), expected)


@cases("sjson_set_and_add", "key")
def test_what_is_set_and_added(case: dict[str, Any]) -> None:
    value, path = decoded(case["json"]), path_of(case["key"])
    before = None if value is MISSING else written(value)
    assert written(put(value, path, case["value"])) == case["result"]
    assert written(added(value, path, case["value"])) == case["add_result"]
    assert before is None or written(value) == before, "the value itself has changed"


@cases("sjson_delete", "key")
def test_what_is_deleted(case: dict[str, Any]) -> None:
    assert written(without(decoded(case["json"]), path_of(case["key"]))) == case["result"]


@cases("rename", "old")
def test_what_is_renamed(case: dict[str, Any]) -> None:
    modifier = Modifier(
        Target.BODY,
        Action.REN,
        case["old"],
        path=path_of(case["old"]),
        renamed=path_of(case["new"]),
    )
    body = with_change(Body(case["json"].encode()), modifier, case["new"])
    assert body is not None
    assert body.text == case["result"]


@cases("aggregate", "bodies")
def test_what_is_aggregated(case: dict[str, Any]) -> None:
    kept = [
        Kept(200, Body(body.encode()), f"backend-{index}")
        for index, body in enumerate(case["bodies"])
    ]
    expected = OTHERWISE.get(("aggregate", case["bodies"][0]), case["result"])
    assert written(aggregated(kept)) == expected


@pytest.mark.parametrize("text", NO_BODY)
def test_what_is_no_json_is_not_made_json(text: str) -> None:
    modifier = Modifier(Target.BODY, Action.RPL, "a", path=path_of("a"))
    assert with_change(None, modifier, "1") is None
    body = with_change(Body(text.encode()), modifier, "1")
    assert body is not None
    assert body.text == text

"""What definitions read of a request, and how an OpenAPI description tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.inputs import inputs_of
from apiql.frontends.definitions.kinds import Kind
from apiql.gateways import NO_ENDPOINTS
from apiql.importers.formats import read
from apiql.importers.imported import Choice
from apiql.server.defined_description import defined_paths
from apiql.server.description import stored_queries
from apiql.settings import Settings
from tests.apihub.traces import BEGAN
from tests.apihub.upstream import Upstream
from tests.definitions.reading import DATA, FOLDERS, write

OPERATIONS = {"get", "post"}


@pytest.mark.parametrize(
    ("folder", "kind", "name", "query", "headers", "members"),
    [
        ("real/v1", Kind.API, "amap_district", [], [], {"city": {}}),
        ("real/v1", Kind.FLOW, "amap_city_weather", [], [], {"city": {}}),
        ("real/v1", Kind.FLOW, "baidu_image_classify", [], [], {"content": {}}),
        ("real/v1", Kind.SCHEDULE, "amap_qywx", [], [], {"cities": {}, "image": {}}),
        ("real/v2", Kind.API, "amap_district", ["appID"], [], {"city": {}}),
        ("real/v2", Kind.FLOW, "gis_base_map", ["lat", "lng"], [], {}),
        ("real/v2", Kind.SCHEDULE, "pressure", ["appID"], [], {}),
        ("v1_conf", Kind.API, "t_query", ["q", "missing"], [],
         {"n": {}, "missing": {}, "a": {"b": {}}, "s": {}}),
        ("v1_conf", Kind.API, "t_raw", [], [], {}),
    ],
)  # fmt: skip
def test_what_is_read(
    folder: str,
    kind: Kind,
    name: str,
    query: list[str],
    headers: list[str],
    members: dict[str, Any],
) -> None:
    definitions = read_folder(DATA / folder)
    found = inputs_of(definitions, definitions.documents[kind][name])
    assert (list(found.query), list(found.headers), found.members) == (query, headers, members)


def test_a_body_that_is_passed_on_is_read_as_a_whole() -> None:
    definitions = read_folder(DATA / "v1_conf")
    assert inputs_of(definitions, definitions.documents[Kind.API]["t_origin"]).whole
    assert not inputs_of(definitions, definitions.documents[Kind.API]["t_json"]).whole


@pytest.mark.parametrize(
    ("template", "whole", "members"),
    [
        ("{{.origin}}", True, {}), ("{{len .origin.a}}", False, {"a": {}}),
        ("{{range .origin}}{{.}}{{end}}", True, {}), ("{{.r.origin}}", False, {}),
        ("{{.origin.a}} {{.origin}}", True, {"a": {}}), ("{{.origin", False, {}),
    ],
)  # fmt: skip
def test_a_template_over_the_whole_body(
    tmp_path: Path, template: str, whole: bool, members: dict[str, Any]
) -> None:
    """One that does not parse shows nothing."""
    made = {"type": "json", "from": {"from": "JsonTemplate", "template": {"x": template}}}
    flow = {"steps": [{"resultKey": "r", "response": made}]}
    definitions = read_folder(write(tmp_path, {"flows/f.json": json.dumps(flow)}))
    found = inputs_of(definitions, definitions.documents[Kind.FLOW]["f"])
    assert (found.whole, found.members) == (whole, members)


def described(folder: str) -> dict[str, Any]:
    definitions = read_folder(DATA / folder)
    catalog = Engine(Settings(), Upstream(lambda: BEGAN)).catalog
    found = stored_queries(catalog, definitions, NO_ENDPOINTS, "All", "1")
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_description_is_openapi_that_we_can_read_ourselves(folder: str) -> None:
    found = described(folder)
    operations = [
        (path, method, told)
        for path, item in found["paths"].items()
        for method, told in item.items()
    ]
    assert {method for _, method, _ in operations} <= OPERATIONS
    ids = [told["operationId"] for _, _, told in operations]
    assert len(set(ids)) == len(ids) > 10
    for _, method, told in operations:
        assert ("requestBody" in told) == (method == "post")
        assert all(p["in"] in ("query", "header") and p["schema"] for p in told["parameters"])
        assert "200" in told["responses"]
    brought = read(json.dumps(found), "openapi", Choice("x.json", "http://127.0.0.1:1"))
    assert len(brought.operations) == len(operations)


def test_rights_say_what_is_told() -> None:
    paths = described("real/v2")["paths"]
    assert "/flow/_HTTPOK" not in paths
    assert "/httpapi/qywx_gettoken" not in paths
    assert "/httpapi/amap_district" in paths


def test_an_operation_is_told_with_all_that_is_known() -> None:
    told = defined_paths(read_folder(DATA / "real/v1"))["/api/amap_district"]["post"]
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"type": "object", "properties": {"city": {}}}
    answer = told["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["properties"]["errCode"] == {"type": "string"}
    assert told["summary"] == "高德地图查询城市区域编码"
    page = defined_paths(read_folder(DATA / "real/v1"))["/flow/amap_city_weather_html"]["post"]
    assert page["responses"]["200"]["content"] == {"text/html": {"schema": {"type": "string"}}}

"""Definitions as sources of texts: what stands in `where` is their request, their JSON the rows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from apiql.definition_files import read_definitions
from apiql.engine import Engine, Query
from apiql.settings import Settings
from tests.apihub.traces import BEGAN, DATA, ENVIRONMENT
from tests.apihub.upstream import Upstream, keeping
from tests.virtual import virtually


async def selected(folder: str, text: str) -> tuple[Any, list[dict[str, Any]], list[str]]:
    """The data and errors of a text over a folder of definitions, and the paths called."""
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return BEGAN + loop.time()

    upstream = Upstream(wall)
    files = read_definitions(DATA / folder, environ=ENVIRONMENT, keep_going=True)
    engine = Engine(Settings(), keeping(upstream, loop.time), definitions=files, wall=wall)
    found = await engine.answer(Query(text))
    calls, _ = upstream.drained()
    return json.loads(found.data or b"null"), list(found.errors), [call.path for call in calls]


CITY = "flow.amap_city_weather as w where city = '北京'"


@virtually
async def test_a_flow_of_the_first_generation_is_a_source() -> None:
    data, errors, calls = await selected("v1_conf", f"select data.weather from {CITY}")
    assert (data, errors) == ({"w": {"data": {"weather": "晴"}}}, [])
    assert calls == ["/v3/config/district", "/v3/weather/weatherInfo"]


@virtually
async def test_a_flow_of_the_second_generation_is_a_source() -> None:
    data, errors, calls = await selected("v2_conf", f"select * from {CITY}")
    assert errors == []
    assert "晴" in json.dumps(data["w"], ensure_ascii=False)
    assert calls == ["/v3/config/district", "/v3/weather/weatherInfo"]


@virtually
async def test_what_it_answers_can_be_joined_and_fanned_out() -> None:
    text = (
        "select data.weather from flow.amap_city_weather as w where city in ['北京', '上海'] "
        "join select data.adcode from httpapi.amap_district as d where city = '北京'"
    )
    data, errors, calls = await selected("v1_conf", text)
    assert errors == []
    assert len(data["w"]) == 2
    assert calls.count("/v3/weather/weatherInfo") == 2


@virtually
async def test_members_of_members_are_objects() -> None:
    data, errors, _ = await selected("v1_conf", "select * from httpapi.t_origin as o where a.b = 1")
    assert errors == []
    assert json.loads(data["o"]["echo"]["body"]) == {"a": {"b": 1}}


@virtually
async def test_what_fails_in_it_is_an_error_of_the_select() -> None:
    data, errors, _ = await selected("v2_conf", "select * from httpapi.t_500 as x")
    assert data == {"x": None}
    assert [error["code"] for error in errors] == ["UPSTREAM_STATUS"]

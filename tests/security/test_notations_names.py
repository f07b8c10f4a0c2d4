"""T28 in the other notations, and their rights: which definitions, call templates and gateway
endpoints are there by their names, and for whom.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apiql.rights_files import RightsRefused
from tests.security.notations import (
    HERE,
    Files,
    backend,
    endpoint,
    field,
    gateway,
    v1_api,
    v2_api,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = "[server]\nreload = false\n"

NAMES = ["../secret", "%2e%2e/secret", "..%2fsecret", "%2e%2e%2fapiql.toml", "x.json", "./x", "x//",
         "x%00", "x%0a", "..\\secret", "%5c..%5csecret", "x%ff", "*", "x;", "a" * 3000]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_t28_names_are_no_files(tmp_path: Path, name: str) -> None:
    files: Files = {
        "apiql.toml": SETTINGS, "apis/x.json": v1_api(), "secret.json": v1_api(),
        "templates/x.json": {"Output": {"x": "<<v>>"}},
        "endpoints/dev/.json": gateway(endpoint("/x/:v", backend())),
    }  # fmt: skip
    async with field(tmp_path, files) as found:
        for folder in ("/api/", "/httpapi/", "/flow/", "/schedule/", "/template/"):
            response = await found.get(folder + name)
            assert response.status in (400, 404), response.body
            assert str(tmp_path) not in response.body.decode()
            found.untouched()


async def test_t28_names_are_not_told_to_who_is_near(tmp_path: Path) -> None:
    files: Files = {
        "apiql.toml": SETTINGS, "apis/weather.json": v1_api(),
        "flows/weather.json": {"name": "f", "steps": []},
        "templates/weather.json": {"Output": {"x": "<<v>>"}},
        "endpoints/dev/.json": gateway(endpoint("/weather/:v", backend())),
    }  # fmt: skip
    async with field(tmp_path, files) as found:
        for folder in ("/api/", "/httpapi/", "/flow/", "/template/", "/"):
            response = await found.get(f"{folder}waether")
            assert response.status == 404
            assert b"weather" not in response.body


RIGHTS = {
    "rights/httpapi/y.json": "httpapi", "rights/httpapi/shop/x.json": "httpapi",
    "rights/flow/f.json": "flow", "rights/schedule/s.json": "schedule",
    "rights/template/t.json": "template", "rights/endpoint/get_e.json": "endpoint",
}  # fmt: skip
CLOSED = {
    "/httpapi/y": "httpapi.y", "/api/shop/x": "httpapi.shop.x", "/flow/f": "flow.f",
    "/schedule/s": "schedule.s", "/template/t": "template.t", "/e": "endpoint.get_e",
}  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
async def test_what_is_internal_is_there_for_nobody_outside(tmp_path: Path, path: str) -> None:
    job = {"type": "flow", "name": "f", "resultKey": "x"}
    files: dict[str, Any] = {
        "apiql.toml": SETTINGS, "apis/x.json": v1_api(f"{HERE}/ok"), "httpapis/y.json": v2_api(),
        "apis/shop/x.json": v1_api(f"{HERE}/ok"), "schedules/s.json": {"name": "s", "tasks": [job]},
        "flows/f.json": {"name": "f", "steps": [{"name": "s", "api": {"id": "x"}}]},
        "templates/t.json": {"Output": {"x": "<<v>>"}},
        "endpoints/dev/.json": gateway(endpoint("/e", backend("/ok"))),
    }  # fmt: skip
    closed = {name: {"type": kind, "right": "internal"} for name, kind in RIGHTS.items()}
    async with field(tmp_path, files | closed) as found:
        assert (await found.get("/api/x")).status == 200  # `shop/x` is another one
        nobody = path[:-1] + "none"
        method = "GET" if path == "/e" else "POST"
        there, missing = await found.send(method, path, {}), await found.send(method, nobody, {})
        told = missing.body.replace(nobody.encode(), path.encode())
        assert (there.status, there.body) == (404, told)
        found.untouched()
        asked = await found.site.ask(f"select * from {CLOSED[path]} as a")
        assert (asked.status, asked.codes()) == (422, ["UNKNOWN_SOURCE"])
        found.untouched()


@pytest.mark.parametrize("name", ["flow/g", "httpapi/shop/none", "schedule/f", "template/shop/t"])
async def test_a_right_that_is_nobodys_closes_nothing_unseen(tmp_path: Path, name: str) -> None:
    files: dict[str, Any] = {
        "apiql.toml": SETTINGS, "apis/x.json": v1_api(), "flows/f.json": {"name": "f", "steps": []},
        "templates/t.json": {"Output": {"x": "<<v>>"}},
        f"rights/{name}.json": {"type": name.partition("/")[0], "right": "internal"},
    }  # fmt: skip
    with pytest.raises(RightsRefused, match="there is no"):
        async with field(tmp_path, files):
            pass

"""Buckets of the first generation: the folder that a definition stands in is part of its name."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from apiql.definition_files import read_definitions
from apiql.engine import Engine
from apiql.server.app import app_of
from apiql.server.current import close_nothing
from apiql.server.read_defined import glued_paths
from apiql.settings import Settings, load_settings
from tests.apihub.traces import BEGAN
from tests.apihub.upstream import PLACE, Upstream
from tests.virtual import virtually


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Two buckets with a flow and an api of the same names; each has keys of its own."""
    for bucket in ("acme", "umbra"):
        key = {"in": "query", "name": "key", "from": {"from": "private", "name": "key"}}
        api = {"id": "a", "url": f"{PLACE}/echo", "method": "GET", "private": "keys",
               "parameters": [key]}  # fmt: skip
        flow = {"name": "f", "steps": [{"name": "s", "resultKey": "r", "api": {"id": "a"}}]}
        keys = {"privates": [{"name": "key", "value": f"key-of-{bucket}"}]}
        for folder, name, found in (("apis", "a", api), ("flows", "f", flow),
                                    ("privates", "keys", keys)):  # fmt: skip
            path = tmp_path / folder / bucket / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found), "utf-8")
    return tmp_path


@virtually
async def test_each_bucket_finds_its_own(conf: Path) -> None:
    files = read_definitions(conf, buckets=True)
    settings = load_settings(None, {"TGAH_BUCKET_ENABLE": "yes"})
    engine = Engine(settings, Upstream(lambda: BEGAN), definitions=files)
    app = app_of(engine, settings, close_nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        for bucket in ("acme", "umbra"):
            for path in (f"/api/{bucket}/a", f"/flow/{bucket}/f", f"/flow{bucket}/f"):
                found = await client.get(path)
                assert found.status_code == 200, found.text
                assert found.json()["echo"]["query"] == f"key=key-of-{bucket}"
        assert (await client.get("/flow/f")).status_code == 500
        assert (await client.get("/flow/other/f")).status_code == 500
        assert (await client.get("/flowacme/nope")).status_code == 500
        for path in ("/flowother/f", "/flowacme", "/apiacme/a", "/scheduleacme/f"):
            assert (await client.get(path)).status_code == 404
    plain = Engine(Settings(), Upstream(lambda: BEGAN), definitions=files)
    assert glued_paths(plain) == {}

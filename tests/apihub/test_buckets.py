"""Buckets: the folder that a definition stands in is part of its name."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from apiql.definition_files import read_definitions
from apiql.documents.problems import broken
from apiql.engine import Engine
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import Definitions
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


# -- the second generation ------------------------------------------------------------------------


def second(root: Path) -> Path:
    """Two buckets with an httpapi and a flow of the same names, one of which only one may call; a
    main.json and a flow for both.
    """
    called = {"name": "c", "command": "httpApi", "resultKey": "r",
              "args": [{"name": "name", "value": {"from": "literal", "content": "a"}}]}  # fmt: skip
    answer = {"name": "h", "command": "httpResponse", "args": [
        {"name": "type", "value": {"from": "literal", "content": "json"}},
        {"name": "key", "value": {"from": "literal", "content": "r"}},
    ]}  # fmt: skip
    flow = {"name": "f", "steps": [called, answer]}
    gateway = {"name": "g", "command": "apiGateway", "args": []}
    files = {"main": {"name": "main", "steps": [gateway]}, "flows/shared": flow,
             "rights/flow/umbra/f": {"type": "flow", "right": "internal"}}  # fmt: skip
    for bucket in ("acme", "umbra"):
        api = {"id": "a", "url": f"{PLACE}/{bucket}", "method": "GET", "requestContentType": "none",
               "args": []}  # fmt: skip
        files |= {f"httpapis/{bucket}/deep/a": api, f"flows/{bucket}/f": flow}
    for name, found in files.items():
        path = root / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found), "utf-8")
    return root


@virtually
async def test_buckets_of_the_second_generation_are_served_too(tmp_path: Path) -> None:
    files = read_definitions(second(tmp_path), buckets=True)
    settings = load_settings(None, {"TGAH_BUCKET_ENABLE": "yes"})
    upstream = Upstream(lambda: BEGAN)
    app = app_of(Engine(settings, upstream, definitions=files), settings, close_nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:

        async def status(path: str) -> int:
            return (await client.get(path)).status_code

        asked = ("/httpapi/acme/a", "/flow/acme/f", "/flow/umbra/shared", "/flowacme/f")
        for path in asked:
            await client.get(path)
        places = [seen.path for seen in upstream.drained()[0]]
        assert places == ["/acme", "/acme", "/umbra", "/acme"]
        assert await status("/flow/umbra/f?appID=x") == 403
        assert [await status(path) for path in ("/flow/f", "/flow/other/f", "/httpapi/a")] == [
            403
        ] * 3
    assert upstream.drained()[0] == []


def test_buckets_are_checked_one_by_one(tmp_path: Path) -> None:
    second(tmp_path)
    (tmp_path / "flows" / "acme" / "g.json").write_text(
        json.dumps({"name": "g", "steps": [{"name": "c", "command": "flowApi", "args": [
            {"name": "name", "value": {"from": "literal", "content": "nowhere"}}]}]})
    )  # fmt: skip
    parts = dict(read_definitions(tmp_path, buckets=True).parts())
    assert sorted(parts) == ["acme/", "umbra/"]
    found = {bucket: [str(p) for p in check(part)] for bucket, part in parts.items()}
    assert found["umbra/"] == []
    [only] = found["acme/"]
    assert "flows/acme/g.json" in only
    assert "nowhere" in only


@virtually
async def test_what_a_bucket_has_itself_counts_and_is_called_by_its_own_name(
    tmp_path: Path,
) -> None:
    second(tmp_path)
    (tmp_path / "flows" / "acme" / "shared.json").write_text('{"name": "s", "steps": []}')
    (tmp_path / "flows" / "acme" / "odd.json").write_text('{"name": "o", "steps": 5}')
    (tmp_path / "rights" / "flow" / "acme").mkdir(parents=True)
    (tmp_path / "rights" / "flow" / "acme" / "f.json").write_text(
        '{"type": "flow", "right": "public", "nope": 1}'
    )
    files = read_definitions(tmp_path, buckets=True, keep_going=True)
    settings = load_settings(None, {"TGAH_BUCKET_ENABLE": "yes"})
    upstream = Upstream(lambda: BEGAN)
    app = app_of(Engine(settings, upstream, definitions=files), settings, close_nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        assert (await client.get("/flow/acme/shared")).status_code == 200
        assert upstream.drained()[0] == [], "the one of all was carried out"
        assert (await client.get("/flow/acme/odd")).status_code == 503
        assert (await client.get("/flow/acme/f?appID=x")).status_code == 403
        refused = await client.get("/flow/umbra/f?appID=x")
        assert refused.json()["root"] == "f"


def owners(part: Definitions) -> dict[str, tuple[str, str] | None]:
    """Whose each problem is, by the file it is in."""
    return {problem.file: problem.owner for problem in part.problems}


@virtually
async def test_a_problem_is_the_one_of_its_bucket_alone(conf: Path) -> None:
    """A sealed value that nothing opens leaves its bucket without it, and no other; nothing is
    called with what it was sealed to.
    """
    sealed = {"privates": [{"name": "key", "value": "enc:v1:AAAA"}]}
    (conf / "privates" / "acme" / "keys.json").write_text(json.dumps(sealed))
    files = read_definitions(conf, buckets=True, keep_going=True)
    parts = dict(files.parts())
    assert owners(parts["acme/"]) == {"privates/acme/keys.json": ("private", "keys")}
    assert broken(check(parts["acme/"])) == {("private", "keys")}
    assert owners(parts["umbra/"]) == {}
    assert broken(check(parts["umbra/"])) == frozenset()
    upstream = Upstream(lambda: BEGAN)
    settings = load_settings(None, {"TGAH_BUCKET_ENABLE": "yes"})
    app = app_of(Engine(settings, upstream, definitions=files), settings, close_nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        found = [(await client.get(f"/api/{name}/a")).status_code for name in ("acme", "umbra")]
    assert found == [500, 200]
    assert [seen.query for seen in upstream.drained()[0]] == ["key=key-of-umbra"]


def test_a_problem_of_what_is_shared_is_one_of_each_bucket(tmp_path: Path) -> None:
    """Where a bucket has its own of that name, that of all is not its business."""
    second(tmp_path)
    for name in ("flows/shared", "flows/umbra/shared", "httpapis/acme/deep/a"):
        (tmp_path / f"{name}.json").write_text("{")
    (tmp_path / "rights" / "flow" / "umbra" / "f.json").write_text("{")
    parts = dict(read_definitions(tmp_path, buckets=True).parts())
    assert owners(parts["acme/"]) == {
        "flows/shared.json": ("flow", "shared"),
        "httpapis/acme/deep/a.json": ("api", "a"),
    }
    assert owners(parts["umbra/"]) == {
        "flows/umbra/shared.json": ("flow", "shared"),
        "rights/flow/umbra/f.json": ("right", "flow/f"),
    }

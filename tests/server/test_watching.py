"""What watches the requests of a process follows its settings, its operators and its end."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.apihub.written import httpapi
from tests.server.client import JSON, Site
from tests.server.conf import USER, Folder, Running, running
from tests.server.exposition import read
from tests.server.test_metrics import answered, count_of
from tests.server.upstream import Upstream as Up

loop = pytest.mark.asyncio(loop_scope="session")


async def told(server: Running, path: str, asked: object) -> None:
    """Tells the admin listener something."""
    assert server.admin is not None
    headers = {"Host": server.admin.removeprefix("http://"), "Content-Type": JSON}
    body = json.dumps(asked).encode()
    assert (await Site(server.admin).send("POST", path, body, headers)).status == 200


def folder(tmp_path: Path, up: Up, more: str = "") -> Folder:
    found = Folder(tmp_path / "conf", up.port)
    found.settings(f"[admin]\nport = 0\n{more}")
    found.query(USER.format(1))
    return found


@loop
async def test_with_debug_each_query_is_told_for_as_long_as_it_lasts(
    tmp_path: Path, up: Up, caplog: pytest.LogCaptureFixture
) -> None:
    def slow() -> list[str]:
        return [each.message for each in caplog.records if each.name == "apiql.slow"]

    log = logging.getLogger("apiql")
    before = log.level
    try:
        async with running(folder(tmp_path, up)) as server:
            await server.asked()
            assert slow() == []
            await told(server, "/admin/log", {"level": "debug", "for": "1h"})
            await server.asked()
            assert slow() == ["a query"]
        assert log.level == logging.INFO, "its end is the end of that too"
    finally:
        log.setLevel(before)


@loop
async def test_lines_of_requests_follow_a_reload(tmp_path: Path, up: Up) -> None:
    written = bytearray()
    conf = folder(tmp_path, up, "[log]\naccess = true")
    async with running(conf, written=written) as server:
        await server.asked()
        conf.settings('[admin]\nport = 0\n[log]\naccess = true\nclient = "none"')
        await server.reloader.reload()
        await server.asked()
        conf.settings('[admin]\nport = 0\n[log]\naccess = "errors"')
        await server.reloader.reload()
        await server.asked()
        await server.site.ask("select frm")
    lines = [json.loads(line) for line in written.decode().splitlines()]
    assert [(line["status"], line.get("client")) for line in lines] == [
        (200, "127.0.0.1"), (200, None), (400, "127.0.0.1"),
    ]  # fmt: skip


@loop
async def test_httpapis_of_buckets_count_by_their_ids(tmp_path: Path, up: Up) -> None:
    conf = folder(tmp_path, up, '[buckets]\nenabled = true\nby = "path"')
    found = {**httpapi(""), "id": "user_api", "url": f"http://127.0.0.1:{up.port}/users/1"}
    apis = conf.path / "buckets" / "acme" / "httpapis"
    apis.mkdir(parents=True)
    (apis / "one.json").write_text(json.dumps(found))
    (apis.parent / "apiql.toml").touch()
    async with running(conf) as server:
        assert (await server.site.send("POST", "/b/acme/httpapi/one", b"{}")).status == 200
        figures = read((await answered(server)).body.decode())
    made = figures["http_out_duration_second"]
    assert count_of(made, child="user_api", root="one", type="httpapi", code="200") == 1


@loop
async def test_what_is_below_the_name_of_a_bucket_counts_as_what_it_is(
    tmp_path: Path, up: Up
) -> None:
    conf = folder(tmp_path, up, '[buckets]\nenabled = true\nby = "path"\ninherit = true')
    acme = conf.path / "buckets" / "acme"
    acme.mkdir(parents=True)
    (acme / "apiql.toml").touch()
    async with running(conf) as server:
        for path in ("/b/acme/query/q", "/b/acme/query/nope", "/b/acme/apiql?query=select+frm"):
            await server.site.send("GET", path)
        figures = read((await answered(server)).body.decode())
    taken = figures["apiql_request_duration_seconds"]
    assert count_of(taken, route="/b/", kind="query", status_class="2xx") == 1
    assert count_of(taken, route="/b/", kind="query", status_class="4xx") == 1
    assert count_of(taken, route="/b/", kind="text", status_class="4xx") == 1
    old = figures["http_in_duration_second"]
    assert count_of(old, root="q", type="query", code="200") == 1

"""What Prometheus reads of gateway endpoints: requests by their names, calls by their hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.figure_names import FigureNames, joined
from tests.server.conf import Folder, running
from tests.server.gateways import backend, endpoint, write
from tests.server.test_metrics import count_of
from tests.server.test_metrics_defined import scraped
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_requests_count_by_name_and_calls_by_host(tmp_path: Path, up: Upstream) -> None:
    folder = Folder(tmp_path / "conf", up.port)
    folder.settings("[admin]\nport = 0")
    other = {"hosts": [f"http://localhost:{up.port}", "$UP"], "path": "/ok", "method": "POST"}
    write(
        folder,
        endpoint("/users/:id", backends=[backend("/users/:id")]),
        endpoint("/b", backends=[backend("/status/404"), other], abort_if_status_codes=[]),
    )
    async with running(folder) as server:
        for path in ("/users/1", "/users/2", "/b"):
            assert (await server.site.send("GET", path)).status in (200, 404)
        found = await server.site.ask("select * from endpoint.get_users_id as u where id = 1")
        assert found.status == 200
        figures = await scraped(server)
    host, local = f"127.0.0.1:{up.port}", f"localhost:{up.port}"
    taken, made = figures["http_in_duration_second"], figures["http_out_duration_second"]
    assert count_of(taken, root="get_users_id", type="endpoint", code="200") == 2
    called = {"child": host, "type": "endpoint", "code": "200"}
    assert count_of(made, root="get_users_id", **called) == 2
    assert count_of(made, root="get_b", **(called | {"code": "404"})) == 1
    assert count_of(made, root="get_b", **(called | {"child": local})) == 1
    assert count_of(made, child=host, root="", type="text", code="200") == 1
    calls = figures["apiql_call_duration_seconds"]
    assert count_of(calls, upstream=host, method="GET", outcome="2xx") == 3
    assert count_of(calls, upstream=local, method="POST", outcome="2xx") == 1
    assert not count_of(calls, upstream="other")


async def test_hosts_of_several_folders() -> None:
    one, two = FigureNames(hosts=frozenset({"a"})), FigureNames(hosts=frozenset({"b"}))
    assert joined((one, two)).hosts == {"a", "b"}

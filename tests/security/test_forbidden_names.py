"""Hosts that are allowed by name but lead to addresses that queries may not call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.recorder import NAMES, Recorder, recorded
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

Ground = tuple[Site, Upstream, Recorder]


@pytest_asyncio.fixture(loop_scope="session")
async def ground() -> AsyncIterator[Ground]:
    """A server that may call all names of the table, but no private address."""
    async with upstream() as up:
        recorder = Recorder(up.port)
        hosts = ",".join(f"{name}:{up.port}" for name in NAMES)
        settings = settings_for(up, SECURITY__ALLOW_HOSTS=hosts, LIMITS__CONNECT_TIMEOUT="200ms")
        async with recorded(settings, recorder) as site:
            yield site, up, recorder


@pytest.mark.parametrize("name", ["two.test", "loop.test", "meta.test", "v6.test", "good.test"])
async def test_forbidden_addresses_are_not_connected_to(ground: Ground, name: str) -> None:
    site, up, recorder = ground
    response = await site.ask(f"select * from http://{name}:{up.port}/ok as f; select * from /ok")
    assert response.codes() == ["FORBIDDEN_UPSTREAM"]
    assert response.json()["data"] == {"f": None, "ok": {"ok": True}}
    assert recorder.looked_up == [name]
    assert set(recorder.connected) == {("127.0.0.1", up.port)}  # the configured upstream
    assert up.hits == {"/ok": 1}


async def test_a_name_that_changes_its_address_gains_nothing(ground: Ground) -> None:
    site, up, recorder = ground
    for number in range(4):
        response = await site.ask(
            f"select * from http://rebind.test:{up.port}/ok where n = {number}"
        )
        assert response.status == 502
        assert set(response.codes()) <= {"UPSTREAM_CONNECT", "FORBIDDEN_UPSTREAM"}
    assert ("127.0.0.1", up.port) not in recorder.connected
    assert not up.seen


async def test_a_name_that_is_not_allowed_is_not_looked_up(ground: Ground) -> None:
    site, up, recorder = ground
    response = await site.ask(f"select * from http://gone.test:{up.port}/ok")
    assert (response.status, response.codes()) == (403, ["FORBIDDEN_UPSTREAM"])
    assert not recorder.looked_up

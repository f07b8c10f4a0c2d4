"""T3: a name that is allowed leads to an internal address, at once, at times, or beside another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.settings import load_settings
from tests.security.ground import Ground, ground, over
from tests.security.recorder import NAMES

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def named() -> AsyncIterator[Ground]:
    """A server that may call all names of the table, but no private address."""
    async with ground(allow=",".join(f"{name}:{{P}}" for name in NAMES)) as found:
        yield found


@pytest.mark.parametrize(
    "name", ["last.test", "mapped.test", "nat64.test", "zone.test", "odd.test"]
)
async def test_one_forbidden_address_among_all_is_enough(named: Ground, name: str) -> None:
    response = await named.ask(f"select * from http://{name}:{{P}}/ok as x")
    assert response.codes() == ["FORBIDDEN_UPSTREAM"]
    assert named.recorder.looked_up == [name]
    assert not named.recorder.connected


async def test_a_name_without_an_address_is_not_called(named: Ground) -> None:
    response = await named.ask("select * from http://none.test:{P}/ok as x")
    assert response.codes() == ["UPSTREAM_CONNECT"]
    assert not named.recorder.connected


async def test_what_is_connected_to_is_the_address_that_was_judged(named: Ground) -> None:
    """The name says something else at each look-up; one look-up serves check and connection, and
    when that failed the next one is judged anew.
    """
    response = await named.ask("select * from http://ttl.test:{P}/ok as x")
    assert response.codes() == ["FORBIDDEN_UPSTREAM"]
    assert named.recorder.looked_up == ["ttl.test", "ttl.test"]
    assert named.recorder.connected == [("93.184.216.34", named.up.port)]
    named.recorder.connected.clear()
    await named.site.ask(f"select * from http://ttl.test:{named.up.port}/ok as x where n = 2")
    assert not any(address.startswith("10.") for address, _ in named.recorder.connected)


async def test_a_configured_upstream_of_http2_is_no_way_for_names_of_queries(named: Ground) -> None:
    """httpx looks names up itself: its way out takes calls of configured origins only, and a URL
    of a query is none of these, though it may be the same.
    """
    environ = {
        "APIQL_UPSTREAMS__DEFAULT__URL": f"http://loop.test:{named.up.port}",
        "APIQL_UPSTREAMS__DEFAULT__HTTP2": "true",
        "APIQL_SECURITY__ALLOW_HOSTS": f"loop.test:{named.up.port}",
    }
    async with over(load_settings(None, environ), named.up, named.recorder) as site:
        response = await site.ask("select * from http://loop.test:{P}/ok as x")
        assert response.codes() == ["FORBIDDEN_UPSTREAM"]
        assert not named.recorder.connected

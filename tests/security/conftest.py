"""One upstream and one server over real sockets for threats that need no settings of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.examples import CI
from tests.security.upstream_faults import FAULTS
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Upstream, upstream

__all__ = ["CI"]

TELLS = {"UPSTREAMS__DEFAULT__HEADERS__X_PLANTED": "none"}
"""Of an upstream whose data is what it was sent: the planted secret would be told honestly."""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def attacked() -> AsyncIterator[tuple[Site, Upstream]]:
    """A server as `apiql serve` starts it, before an upstream of faults."""
    async with upstream(FAULTS) as up:
        async with serving(create_app(settings_for(up, **TELLS))) as url:
            yield Site(url), up


@pytest.fixture
def shared_range(attacked: tuple[Site, Upstream]) -> Upstream:
    """The upstream of the session, as it is."""
    return attacked[1]


@pytest.fixture
def site(attacked: tuple[Site, Upstream]) -> Site:
    """The server."""
    return attacked[0]


@pytest.fixture
def up(attacked: tuple[Site, Upstream]) -> Upstream:
    """Its upstream, counting from zero."""
    attacked[1].forget()
    return attacked[1]

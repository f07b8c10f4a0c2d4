"""One upstream and two servers over real sockets for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from apiql.server.configuration import developing
from apiql.settings import Settings, load_settings
from tests.planted import PLANTED
from tests.server.client import Site
from tests.server.upstream import Upstream, upstream


def settings_for(found: Upstream, **more: str) -> Settings:
    """Settings whose paths go to the upstream; `SECTION__KEY=text` adds others."""
    given = {
        "UPSTREAMS__DEFAULT__URL": f"http://127.0.0.1:{found.port}",
        "UPSTREAMS__DEFAULT__BREAKER": "false",
        "ANSWER__PLAN": "true",
        "LIMITS__CALL_TIMEOUT": "400ms",
        "LIMITS__QUERY_TIMEOUT": "3s",
        "UPSTREAMS__DEFAULT__HEADERS__X_PLANTED": "Key ${env:PLANTED}",
    }
    named = {f"APIQL_{key}": value for key, value in (given | more).items()}
    return load_settings(None, {**named, "PLANTED": PLANTED})


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def shared_upstream() -> AsyncIterator[Upstream]:
    """The upstream of the session."""
    async with upstream() as found:
        yield found


@pytest.fixture
def up(shared_upstream: Upstream) -> Upstream:
    """The upstream, counting from zero."""
    shared_upstream.forget()
    return shared_upstream


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def site(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server as `apiql serve` starts it."""
    async with serving(create_app(settings_for(shared_upstream))) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def listing(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server whose upstream lists credentials of the caller's."""
    settings = settings_for(
        shared_upstream, UPSTREAMS__DEFAULT__FORWARD="authorization, cookie, accept-language"
    )
    async with serving(create_app(settings)) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def dev(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server as `apiql serve --dev` starts it."""
    async with serving(create_app(developing(settings_for(shared_upstream)))) as url:
        yield Site(url)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def patient(shared_upstream: Upstream) -> AsyncIterator[Site]:
    """A server that lets a call take its time."""
    settings = settings_for(shared_upstream, LIMITS__CALL_TIMEOUT="3s")
    async with serving(create_app(settings)) as url:
        yield Site(url)

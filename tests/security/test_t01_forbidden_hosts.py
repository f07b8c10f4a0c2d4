"""T1: a query names the URL of an internal host, so that the engine calls it for the attacker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALLOWED = "good.test,exact.test:8443,any.test:*,https://only.test,http://path.test/v1"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def closed() -> AsyncIterator[Ground]:
    """A server as it is without settings: no absolute URL at all."""
    async with ground() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def some() -> AsyncIterator[Ground]:
    """A server that allows a few hosts."""
    async with ground(allow=ALLOWED) as found:
        yield found


INNER = [
    "http://127.0.0.1:{P}/ok", "http://localhost:{P}/ok", "http://169.254.169.254/latest/",
    "http://10.0.0.1/", "http://metadata.google.internal/", "http://[::1]:{P}/ok",
    "https://example.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", INNER)
async def test_no_url_is_called_where_none_is_allowed(closed: Ground, url: str) -> None:
    await closed.refused(f"select * from {url} as x", 403, "FORBIDDEN_UPSTREAM")


@pytest.mark.parametrize("url", INNER)
async def test_an_alias_and_a_write_are_refused_as_well(closed: Ground, url: str) -> None:
    await closed.refused(f"set a as {url}; select * from a", 403, "FORBIDDEN_UPSTREAM")
    text = f"select * post from {url} as x; select * from /ok"
    await closed.refused(text, 403, "FORBIDDEN_UPSTREAM")


@pytest.mark.parametrize(
    "url",
    [
        "http://good.test:8080/", "http://sub.good.test/", "http://good.test.evil.test/",
        "http://evilgood.test/", "http://exact.test/", "http://exact.test:8444/",
        "http://only.test/", "https://only.test:8443/", "http://path.test/v2",
        "http://path.test/v11", "http://path.test/", "https://path.test/v1",
        "http://path.test/v1{a?}/x where a = 1", "http://path.test/v1{a}x where a = '-admin'",
    ],
)  # fmt: skip
async def test_what_is_allowed_is_allowed_exactly(some: Ground, url: str) -> None:
    place, _, where = url.partition(" ")
    await some.refused(f"select * from {place} as x {where}", 403, "FORBIDDEN_UPSTREAM")


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://good.test/", 80), ("https://good.test/", 443), ("https://exact.test:8443/", 8443),
     ("http://any.test:9999/", 9999), ("http://path.test/v1/{a} where a = 1", 80)],
)  # fmt: skip
async def test_what_is_allowed_is_looked_up_and_judged_by_its_addresses(
    some: Ground, url: str, port: int
) -> None:
    place, _, where = url.partition(" ")
    response = await some.ask(f"select * from {place} as x {where}")
    host = place.partition("://")[2].partition("/")[0].partition(":")[0]
    assert set(some.recorder.looked_up) == {host}
    known = host == "good.test"  # leads to a loopback address; the others to none
    assert response.codes() == ["FORBIDDEN_UPSTREAM" if known else "UPSTREAM_CONNECT"]
    assert not some.recorder.connected

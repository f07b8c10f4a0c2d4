"""T12: a kept or shared answer that was made for one caller is given to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS, EACH = 50, 20
JSON = "Content-Type: application/json"


def who(*fields: str) -> object:
    """An upstream that says who asks, and this of how that may be kept."""

    async def fault(exchange: Exchange) -> None:
        await asyncio.sleep(0.002)  # so that calls of several callers are under way at once
        headers = {name.lower(): value for name, value in exchange.headers}
        user = headers.get("authorization") or headers.get("x-user") or headers.get("cookie", "?")
        await exchange.answer(200, b'{"me":"%s"}' % user.encode(), JSON, *fields)

    return fault


PATHS = {
    "/whoami": who("Cache-Control: public, max-age=60", "Vary: Authorization, X-User, Cookie"),
    "/nohint": who("Cache-Control: public, max-age=60"),
    "/silent": who(),
    "/cookie": who("Cache-Control: public, max-age=60", "Set-Cookie: sid=1"),
}
FORWARDED = [
    "headers Authorization = header('X-Me')",
    "headers X-User = header('X-Me')",
    "cookies sid = header('X-Me')",
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream]]:
    """A server that keeps whatever it may for a minute."""
    async with upstream(PATHS) as up:  # type: ignore[arg-type]
        settings = settings_for(up, UPSTREAMS__DEFAULT__CACHE="60s", LIMITS__CALL_TIMEOUT="10s")
        async with serving(create_app(settings)) as url:
            yield Site(url), up


@pytest.mark.parametrize("forwarded", FORWARDED)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kept", ["", "cache 60s"])
async def test_nobody_gets_what_is_anothers(
    ground: tuple[Site, Upstream], path: str, forwarded: str, kept: str
) -> None:
    site, _ = ground
    query = f"select me from {path} as r {forwarded} {kept}"

    async def asking(user: str) -> set[str]:
        found = set()
        for _ in range(EACH // 10):
            response = await site.ask(query, None, None, X_Me=user)
            found.add(response.json()["data"]["r"]["me"].removeprefix("sid="))
        return found

    users = [f"u{number}" for number in range(USERS)]
    answers = await asyncio.gather(*(asking(user) for user in users))
    assert answers == [{user} for user in users]


async def test_users_in_turn_over_one_kept_path(ground: tuple[Site, Upstream]) -> None:
    """The same users again and again: most answers come from the cache, each its owner's."""
    site, up = ground
    up.forget()
    query = "select me from /nohint as r headers X-User = header('X-Me')"
    for turn in range(EACH):
        number = turn * 7 % 10
        response = await site.ask(query, None, None, X_Me=f"v{number}")
        assert response.json()["data"] == {"r": {"me": f"v{number}"}}
    assert len(up.seen) == 10


async def test_what_sets_a_cookie_is_never_kept(ground: tuple[Site, Upstream]) -> None:
    site, up = ground
    up.forget()
    for _ in range(3):
        await site.ask("select me from /cookie as r cache 60s")
    assert len(up.seen) == 3

"""T13: an error, or a part of an answer, is kept and given to later callers as if it were one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, answers, sends, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = ("Content-Type: application/json", "Cache-Control: public, max-age=600")
KEPT = "\r\n".join(FIELDS).encode()


def damaged(rest: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + KEPT + b"\r\n" + rest + b"\r\n\r\n" + body


BAD = {
    "500": answers(500, b'{"bad":1}', *FIELDS),
    "503": answers(503, b'{"bad":1}', *FIELDS, "Retry-After: 600"),
    "400": answers(400, b'{"bad":1}', *FIELDS),
    "401": answers(401, b'{"bad":1}', *FIELDS),
    "404": answers(404, b'{"bad":1}', *FIELDS),
    "301": answers(301, b"", *FIELDS, "Location: /elsewhere"),
    "a part": answers(206, b'{"bad":1}', *FIELDS, "Content-Range: bytes 0-8/100"),
    "cut": sends(damaged(b"Content-Length: 1000", b'{"bad":1}')),
    "cut in a chunk": sends(damaged(b"Transfer-Encoding: chunked", b'20\r\n{"bad":1}')),
    "no JSON": answers(200, b'{"bad":', *FIELDS),
    "a page": answers(200, b"<h1>bad</h1>", "Content-Type: text/html", FIELDS[1]),
    "forged": sends(damaged(b"Content-Length: 9\r\nContent-Length: 2", b'{"bad":1}')),
}


class First:
    """Answers badly once, well ever after."""

    def __init__(self) -> None:
        self.kind, self.asked = "", 0

    async def __call__(self, exchange: Exchange) -> None:
        self.asked += 1
        good = self.asked > 1
        await (answers(200, b'{"good":1}', *FIELDS) if good else BAD[self.kind])(exchange)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream, First]]:
    first = First()
    async with upstream({"/thing": first}) as up:
        settings = settings_for(up, LIMITS__CALL_TIMEOUT="5s")
        async with serving(create_app(settings)) as url:
            yield Site(url), up, first


@pytest.mark.parametrize("clause", ["", "cache 60s", "within 5s or stale"])
@pytest.mark.parametrize("kind", BAD)
async def test_the_next_caller_asks_anew(
    ground: tuple[Site, Upstream, First], kind: str, clause: str
) -> None:
    site, _, first = ground
    first.kind, first.asked = kind, 0
    query = f"select * from /thing?{kind.replace(' ', '-')}-{len(clause)} as t {clause}"
    await site.ask(query)
    seen = first.asked
    again = await site.ask(query)
    assert first.asked > seen, "what failed was kept"
    assert again.json() == {"data": {"t": {"good": 1}}}


@pytest.mark.parametrize("kind", BAD)
async def test_what_is_good_stays_behind_an_error(
    ground: tuple[Site, Upstream, First], kind: str
) -> None:
    """A bad answer to a call that asks anew does not take the place of the last good one."""
    site, _, first = ground
    first.kind, first.asked = kind, 1
    source = f"select * from /thing?again-{kind.replace(' ', '-')} as t"
    assert (await site.ask(f"{source} cache 60s")).json() == {"data": {"t": {"good": 1}}}
    first.asked = 0
    await site.ask(source + " headers Cache-Control = 'no-cache'")
    asked = first.asked
    assert asked == 1
    assert (await site.ask(f"{source} cache 60s")).json() == {"data": {"t": {"good": 1}}}

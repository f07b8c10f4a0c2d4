"""T4: a URL is written so that who checks it sees another host than who calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.sources.addresses import BadUrl, parse_url
from tests.security.ground import Ground, ground

pytestmark = pytest.mark.asyncio(loop_scope="session")

URLS = [
    "http://good.test@127.0.0.1:{P}/ok", "http://127.0.0.1:{P}@good.test/", "http://a:b@good.test/",
    "http://@good.test/", "http://good.test:80@evil.test/", "http://good.test\\@evil.test/",
    "http://good.test\\.evil.test/", "http:\\\\evil.test/", "http:/good.test/", "http:good.test/",
    "http:///good.test/", "http:////good.test/", "http://good.test#@evil.test/", "http://good.test:/",
    "http://good.test:0/", "http://good.test:-1/", "http://good.test:65536/", "http://good.test:99999/",
    "http://good.test:080/", "http://good.test:8 0/", "http://good.test:８０/", "http://:80/", "http://",
    "http://good.test%2f@evil.test/", "http://good.test%00.evil.test/", "http://good.test%23.evil.test/",
    "http://good.test\u2044evil.test/", "http://evil.test／good.test/", "http://good.test;evil.test/",
    "http://good.test,evil.test/", "http://[good.test]/", "http://good_.test.evil.test/",
    "http://good.test\u00ad.evil.test/", "http://good。test.evil.test/", "http://goo\u200dd.test/",
]  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def one() -> AsyncIterator[Ground]:
    """A server whose queries may name one host."""
    async with ground(allow="good.test") as found:
        yield found


@pytest.mark.parametrize("url", URLS)
async def test_a_trick_is_refused_before_anything_is_looked_up(one: Ground, url: str) -> None:
    response = await one.ask(f"select * from {url} as x")
    assert response.status in (400, 403), response.body
    assert set(response.codes()) <= {"FORBIDDEN_UPSTREAM", "SYNTAX"}
    one.untouched()


@pytest.mark.parametrize("url", URLS)
async def test_a_trick_is_never_read_as_the_host_that_is_allowed(url: str) -> None:
    """Addresses are also made while a request is answered, and no text is read first."""
    try:
        origin, _ = parse_url(url.replace("{P}", "80"))
    except BadUrl:
        return
    assert origin.host not in ("good.test", "127.0.0.1")


@pytest.mark.parametrize("mark", ["\x00", "\t", "\r", "\n", " ", "\x7f", "\x85", "\xa0", "\u2028",
                                  "\u3000", "\\"])  # fmt: skip
@pytest.mark.parametrize("url", ["http://good.test{}/", "http://good{}.test/", "http://good.test/a{}b",
                                 "{}http://good.test/", "http:{}//good.test/"])  # fmt: skip
async def test_no_mark_is_stripped_or_read_over(url: str, mark: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(url.format(mark))

"""T31: a page of another site has its visitor's browser ask, or reads what is not for it."""

from __future__ import annotations

import pytest

from tests.server.guarded import guarded

QUERY = "select * from /ok as r"
EVIL = "https://evil.example"
AWAY = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", AWAY, ids=str)
@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded"])
async def test_what_a_page_can_send_unasked_is_refused(headers: dict[str, str], media: str) -> None:
    async with guarded() as found:
        sent = {**headers, "Content-Type": media}
        answer = await found.site.send("POST", "/apiql", QUERY.encode(), sent)
        assert answer.status in (403, 415)
        assert not found.calls


@pytest.mark.parametrize("headers", AWAY, ids=str)
async def test_no_page_elsewhere_may_read_anything(headers: dict[str, str]) -> None:
    async with guarded() as found:
        answer = await found.site.ask(QUERY, None, None, **headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_credential_in_a_cookie_does_not_count_for_a_page_elsewhere() -> None:
    query = "select * from /ok as r where sid = cookie('sid')"
    async with guarded() as found:
        ours = await found.site.ask(query, None, None, Cookie="sid=1")
        theirs = await found.site.ask(query, None, None, Cookie="sid=1", Origin=EVIL)
        assert (ours.status, theirs.codes()) == (200, ["MISSING_VARIABLE"])
        assert len(found.calls) == 1

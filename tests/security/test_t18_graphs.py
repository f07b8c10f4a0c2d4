"""T18: names and references in a circle, unknown, twice or very deep make a server wait for ever,
recurse, or call before it notices.
"""

from __future__ import annotations

import time

import pytest

from tests.server.client import Site
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")


def ring(size: int) -> str:
    return "; ".join(
        f"select * from /ok as t{n} where x = t{(n + 1) % size}.ok" for n in range(size)
    )


BAD = {
    "itself": ("select * from /ok as a where x = a.ok", "CYCLE"),
    "each other": (ring(2), "CYCLE"),
    "a ring": (ring(20), "CYCLE"),
    "after": ("select * from /ok as a after b; select * from /ok as b after a", "CYCLE"),
    "aliases": ("set a as b; set b as a; select * from a", "CYCLE"),
    "a ring beside what is sound": (f"select * from /ok as fine; {ring(3)}", "CYCLE"),
    "unknown": ("select * from /ok as a where x = nobody.ok", "UNKNOWN_NAME"),
    "twice": ("select * from /ok as a; select * from /users/1 as a", "DUPLICATE_NAME"),
    "a function as a name": ("select * from /ok as a where x = md5.ok", "UNKNOWN_NAME"),
    "a chain": (
        "select * from /ok as t0; "
        + "; ".join(f"select * from /ok as t{n} where x = t{n - 1}.ok" for n in range(1, 15)),
        "LIMIT_EXCEEDED",
    ),
    "all to all": (
        "; ".join(
            f"select * from /ok as t{n} where "
            + " and ".join(f"p{m} = t{m}.ok" for m in range(20) if m != n)
            for n in range(20)
        ),
        "CYCLE",
    ),
    "into each other": (
        "select * from /ok as a; select * from /ok as b into c.x; select * from /ok as c into b.x",
        "CYCLE",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_it_is_refused_before_any_call(site: Site, up: Upstream, name: str) -> None:
    text, code = BAD[name]
    begun = time.monotonic()
    response = await site.ask(text)
    assert time.monotonic() - begun < 5
    assert response.status in (400, 422), response.body[:300]
    assert code in response.codes(), response.body[:300]
    assert not up.seen


async def test_problems_of_one_text_are_bounded(site: Site, up: Upstream) -> None:
    """Thousands of mistakes do not make an answer of megabytes."""
    wrong = "; ".join(f"select u{n}.x, v{n}.y from /ok as t where p = w{n}.z" for n in range(600))
    response = await site.ask(wrong)
    assert response.status in (400, 422)
    assert len(response.body) < 300_000
    assert not up.seen

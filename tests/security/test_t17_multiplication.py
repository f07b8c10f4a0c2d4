"""T17: lists, products of lists and lists of lists multiply one request into very many calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from apiql.demo.serving import serving
from apiql.server.app import create_app
from tests.server.client import Site
from tests.server.conftest import settings_for
from tests.server.upstream import Exchange, Upstream, answers, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPE = "Content-Type: application/json"
CALLS = 200


class Counting:
    """Answers a little later, and knows how many were asked at a time at the most."""

    def __init__(self) -> None:
        self.now = self.peak = 0

    async def __call__(self, exchange: Exchange) -> None:
        self.now += 1
        self.peak = max(self.peak, self.now)
        await asyncio.sleep(0.005)
        self.now -= 1
        await exchange.answer(200, b'{"ok":true}', TYPE)


def rows(count: int) -> bytes:
    return json.dumps([{"id": n, "twin": n + 1000, "same": 7} for n in range(count)]).encode()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ground() -> AsyncIterator[tuple[Site, Upstream, Counting]]:
    counting = Counting()
    lists = {f"/rows/{count}": answers(200, rows(count), TYPE) for count in (10, 90, 1000, 100_001)}
    nest = [
        [[{"id": a * 10_000 + b * 100 + c} for c in range(30)] for b in range(30)]
        for a in range(30)
    ]
    lists["/nest"] = answers(200, json.dumps(nest).encode(), TYPE)
    async with upstream({**lists, "/item": counting}) as up:
        settings = settings_for(up, LIMITS__CALL_TIMEOUT="8s", LIMITS__QUERY_TIMEOUT="9s")
        async with serving(create_app(settings)) as url:
            yield Site(url), up, counting


ONE = list(range(90))
STATIC = {
    "a long list": f"select * from /item where id in {list(range(101))}",
    "a product": f"select * from /item where a in {ONE} and b in {ONE}",
    "a product of three": "select * from /item where a in [1,2,3,4,5] and b in [1,2,3,4,5] "
    "and c in [1,2,3,4,5]",
    "several lists": "; ".join(f"select * from /item as i{n} where id in {ONE} and n = {n}"
                               for n in range(3)),
    "a list of equal elements": f"select * from /item where id in {[1] * 100_001}",
}  # fmt: skip


@pytest.mark.parametrize("name", STATIC)
async def test_what_can_be_counted_ahead_is_refused_ahead(
    ground: tuple[Site, Upstream, Counting], name: str
) -> None:
    site, up, _ = ground
    up.forget()
    response = await site.ask(STATIC[name])
    assert response.status in (413, 422)
    assert set(response.codes()) <= {"FANOUT_LIMIT", "LIMIT_EXCEEDED", "BODY_TOO_LARGE"}
    assert not up.seen


async def test_a_list_among_the_parameters_is_counted_too(
    ground: tuple[Site, Upstream, Counting],
) -> None:
    site, up, _ = ground
    up.forget()
    response = await site.ask("select * from /item where a in $a and b in $b", {"a": ONE, "b": ONE})
    assert (response.status, response.codes()) == (422, ["FANOUT_LIMIT"])
    assert not up.seen


RUNNING = {
    "the rows of an answer": "select * from /rows/1000 as r; "
    "select * from /item as i where id in r.id",
    "a product with rows": "select * from /rows/90 as r; "
    "select * from /item as i where id in r.id and twin in r.twin",
    "rows of rows": "select * from /nest as n; select * from /item as i where id in n.id",
    "equal elements": "select * from /rows/100001 as r; "
    "select * from /item as i where same in r.same",
    "rows, each with rows": "select * from /rows/90 as r; "
    "select * from /item as i where id in r.id; "
    "select * from /item as j where id in i.ok and k in r.id; "
    "select * from /item as l where id in r.twin and x in j.ok",
}


@pytest.mark.parametrize("name", RUNNING)
async def test_what_turns_out_is_counted_as_it_does(
    ground: tuple[Site, Upstream, Counting], name: str
) -> None:
    site, up, counting = ground
    up.forget()
    counting.peak = 0
    response = await site.ask(RUNNING[name])
    assert len(up.seen) <= CALLS + 2
    assert counting.peak <= 8
    assert set(response.codes()) <= {
        "FANOUT_LIMIT", "BUDGET_EXCEEDED", "DEPENDENCY_FAILED", "MISSING_DEPENDENCY",
    }  # fmt: skip
    if name != "rows, each with rows":
        assert response.codes()
        assert up.hits["/item"] == 0


async def test_the_budget_of_calls_ends_a_chain_of_lists(
    ground: tuple[Site, Upstream, Counting],
) -> None:
    site, up, _ = ground
    up.forget()
    lists = "; ".join(
        f"select * from /item as i{n} where id in r.id and n = {n}" for n in range(15)
    )
    response = await site.ask(f"select * from /rows/90 as r; {lists}")
    assert "BUDGET_EXCEEDED" in response.codes()
    assert len(up.seen) <= CALLS

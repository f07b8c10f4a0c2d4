"""T20: an expression (JMESPath, a text with values put in) grows without bound, runs for long, or
reaches into the process.
"""

from __future__ import annotations

import json
import time

import pytest

from apiql.errors import QueryRefused
from apiql.sources.call import Reply
from tests.properties.engines import JSON, answer
from tests.server.client import Site
from tests.server.upstream import Upstream

over_sockets = pytest.mark.asyncio(loop_scope="session")

ROWS = json.dumps({"a": [{"b": n, "c": "x" * 50, "d": [1, 2, 3]} for n in range(400)]}).encode()
GROWING = [
    "|".join(["[@,@]"] * 22),
    "|".join(["{a:@,b:@,c:@}"] * 12),
    ".".join(["[a,a]"] * 20),
    "a[*].[@,@,@,@].[@,@,@,@].[@,@,@,@].[@,@,@,@].[@,@,@,@]",
    "map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], a))))))",
    "a[*].d[*].[@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@,@]",
    "a[?a[?b == @.b]]",
    "sort_by(a, &to_string(@))[].[to_string(@), to_string(@), to_string(@)]",
    "a[].join('', [c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c])",
    "(" * 300 + "a" + ")" * 300,
    "!" * 900 + "a",
    "a" + ".a" * 450,
    "a" + "[0]" * 300,
    "`" + "[" * 400 + "]" * 400 + "`",
    "&a",
    "a[::0]",
    "avg(a[].b) || max_by(a, &c)",
]
REACHING = [
    "@.__class__", "__class__.__mro__", "eval('1')", "env('PATH')", "open('/etc/passwd')",
    "a.__init__.__globals__", "to_string(&@)", "parent.parent", "$.a", "{{7*7}}", "${7*7}",
]  # fmt: skip
CODES = {"BAD_VALUE", "VALIDATION", "SYNTAX", "LIMIT_EXCEEDED", "BAD_PAYLOAD"}


def found(expression: str) -> tuple[set[str], int, float]:
    """The codes, the size of the answer, and the time of the processor."""
    text = expression.replace("'", "''")
    query = f"select jmespath('{text}') as found from /x as x"
    begun = time.thread_time()
    try:
        result = answer(query, None, lambda call: Reply(200, JSON, ROWS))
    except QueryRefused as refused:
        return {problem.code for problem in refused.problems}, 0, 0.0
    size = len(result.data or b"")
    return {error["code"] for error in result.errors}, size, time.thread_time() - begun


@pytest.mark.parametrize("expression", GROWING, ids=lambda text: text[:40])
def test_it_ends_soon_and_small(expression: str) -> None:
    codes, size, seconds = found(expression)
    assert codes <= CODES
    assert seconds < 5
    assert size < 16 << 20


def test_an_expression_may_take_so_many_steps() -> None:
    """Neither long nor with a large result: only its way through the answer is long."""
    rows = json.dumps({"a": [{"b": n} for n in range(20_000)]}).encode()
    expression = ", ".join(["length(a[?b > `1`])"] * 8)
    query = f"select jmespath('[{expression}]') as found from /x as x"
    result = answer(query, None, lambda call: Reply(200, JSON, rows))
    assert [error["code"] for error in result.errors] == ["BAD_VALUE"]
    assert "250,000 steps" in result.errors[0]["message"]


@pytest.mark.parametrize("expression", REACHING)
def test_there_is_nothing_to_reach(expression: str) -> None:
    codes, size, _ = found(expression)
    assert codes or size <= len('{"x":{"found":null}}')
    assert codes <= CODES


TEMPLATES = [
    "select * from /echo where v = '{{7*7}}${7*7}#{7*7}<%= 7*7 %>'",
    "select * from /echo where v = '{0.__class__.__mro__}%(x)s%n'",
    'select * from /echo where v = "{user.__init__.__globals__}"',
]


@over_sockets
@pytest.mark.parametrize("query", TEMPLATES)
async def test_texts_are_no_templates(site: Site, up: Upstream, query: str) -> None:
    """What looks like a template of some language arrives letter by letter."""
    response = await site.ask(query)
    if response.status == 200:
        sent = query.partition("= ")[2][1:-1]
        assert response.json()["data"]["echo"]["query"]["v"] == sent


@over_sockets
async def test_texts_that_are_put_together_are_bounded(site: Site, up: Upstream) -> None:
    once = "'" + "x" * 1000 + "'"
    nested = once
    for _ in range(12):
        nested = f"concat({nested}, {once})"
    grown = "set a as /ok; " + f"select {nested} as t from /ok"
    begun = time.monotonic()
    response = await site.ask(grown)
    assert time.monotonic() - begun < 5
    assert response.status in (200, 400, 422)
    assert len(response.body) < 1 << 20
    repeated = f"select replace({once}, 'x', {once}) as t from /ok"
    response = await site.ask(repeated)
    assert set(response.codes()) <= CODES
    assert len(response.body) < 16 << 20

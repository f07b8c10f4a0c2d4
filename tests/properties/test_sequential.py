"""Any query beside a reading of it that knows no concurrency: the same calls, data and errors,
however long each call takes; and nothing is left under way where its client leaves.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code
from apiql.query_files import QueryFile, QueryFiles
from apiql.runtime.assemble import Answer
from apiql.runtime.stream import Line
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from tests.properties.engines import JSON
from tests.properties.sequential import Failure, Select, read_in_order
from tests.virtual import virtually

PATHS = ["/a", "/b", "/c"]
FIELDS = ["id", "ids", "on"]
FALLBACK = {"id": 7, "ids": [7, 8], "on": True}
Delays: TypeAlias = Callable[[str], float]


@st.composite
def selects(draw: st.DrawFn, name: str, plain: list[str], others: list[str]) -> Select:
    """A select that reads what comes before it; `plain` are no fan-outs."""

    def reference() -> str | int:
        if not plain or draw(st.booleans()):
            return draw(st.integers(0, 2))
        return f"{draw(st.sampled_from(plain))}.id"

    walks = draw(st.integers(0, 3)) == 0
    lists = [f"{other}.{field}" for other in others for field in ("id", "ids")]
    given_list = draw(st.lists(st.integers(0, 3) | st.none(), max_size=4))
    made = Select(name, draw(st.sampled_from(PATHS)))
    made.x = reference() if draw(st.booleans()) else None
    if walks:
        made.each = draw(st.sampled_from([*lists, given_list])) if lists else given_list
    elif draw(st.integers(0, 2)) == 0:
        made.other = (draw(st.sampled_from(PATHS)), reference())
    if not walks and draw(st.integers(0, 5)) == 0:
        made.fallback = FALLBACK
    made.after = draw(st.lists(st.sampled_from(others), unique=True, max_size=2)) if others else []
    if plain and draw(st.integers(0, 3)) == 0:
        made.when = f"{draw(st.sampled_from(plain))}.on"
    made.word = draw(st.sampled_from(["", "", "", "optional", "required"]))
    return made


@st.composite
def programs(draw: st.DrawFn) -> list[Select]:
    """Selects, each of which may read those before it."""
    made: list[Select] = []
    for number in range(draw(st.integers(1, 6))):
        plain = [one.name for one in made if one.each is None]
        made.append(draw(selects(f"t{number}", plain, [one.name for one in made])))
    return made


@dataclass
class Upstream:
    """Answers by the target alone, after a while; counts what is under way."""

    seed: int
    delays: list[int]
    made: list[str]
    running: int = 0
    most: int = 0

    def outcome(self, target: str) -> dict[str, Any] | Code:
        """What a target is answered."""
        number = sum((at + 3) * ord(sign) for at, sign in enumerate(target)) * 31 + self.seed
        if number % 5 == 0:
            return Code.UPSTREAM_STATUS
        if number % 11 == 0:
            return Code.BAD_PAYLOAD
        ids = [None if n == 9 else n % 4 for n in ((number // 7**at) % 10 for at in range(3))]
        return {"id": number % 4, "ids": ids[: number % 4], "on": number % 3 > 0}

    async def __call__(self, call: Call) -> Reply:
        self.made.append(call.target)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.delays[len(self.made) % len(self.delays)] / 1000)
        finally:
            self.running -= 1
        found = self.outcome(call.target)
        if found is Code.UPSTREAM_STATUS:
            return Reply(404, JSON, b"{}")
        if isinstance(found, Code):
            raise CallFailed(found, "it broke")
        return Reply(200, JSON, json.dumps(found).encode())


def engine_of(upstream: Upstream, width: int, text: str) -> Engine:
    """An engine that makes so many calls at a time, with the text as a stored query too."""
    environ = {
        "APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9",
        "APIQL_LIMITS__QUERY_CONCURRENCY": str(width),
        "APIQL_LIMITS__CALLS": "2000",
    }
    stored = QueryFiles((QueryFile("inner", 1, "inner.apiql", f"set $k = 0; {text}"),))
    return Engine(load_settings(None, environ), upstream, stored)


DELAYS = st.lists(st.integers(0, 9), min_size=1, max_size=6)
"""Milliseconds that calls take, in turn."""


def told(answer: Answer) -> list[Failure]:
    """The errors of an answer as the reading has them."""
    return [(tuple(e["path"]), e["code"], e.get("warning", False)) for e in answer.errors]


@given(programs(), st.integers(0, 40), DELAYS, st.integers(1, 5))
def test_as_if_one_call_was_made_after_the_other(
    program: list[Select], seed: int, delays: list[int], width: int
) -> None:
    upstream = Upstream(seed, delays, [])
    wanted = read_in_order(program, upstream.outcome)
    text = ";\n".join(map(str, program))
    engine = engine_of(upstream, width, text)

    @virtually
    async def play() -> None:
        answer = await engine.answer(Query(text))
        assert json.loads(answer.data or b"") == wanted.data
        assert told(answer) == wanted.failures
        assert set(upstream.made) == set(wanted.calls)
        assert len(upstream.made) <= len(wanted.calls)
        assert upstream.most <= width

    play()


@given(programs(), st.integers(0, 40), DELAYS)
def test_in_pieces_and_within_another_query(
    program: list[Select], seed: int, delays: list[int]
) -> None:
    upstream = Upstream(seed, delays, [])
    wanted = read_in_order(program, upstream.outcome)
    text = ";\n".join(map(str, program))
    engine = engine_of(upstream, 3, text)

    @virtually
    async def play() -> None:
        pieces = [p async for p in engine.stream(engine.executable(text), Query(text))]
        lines = {p.name: json.loads(p.data) for p in pieces if isinstance(p, Line)}
        assert wanted.data is None or lines == wanted.data
        assert set(upstream.made) == set(wanted.calls)
        upstream.made.clear()
        outer = """select * from query.inner as t1; select * from /z as t0;
        select * from query.inner as t2 where k in [1, 2]"""
        found = json.loads((await engine.answer(Query(outer))).data or b"")
        assert found["t1"] in (None, wanted.data)
        assert found["t2"] == [found["t1"]] * 2
        assert set(upstream.made) == {*wanted.calls, "/z"}
        assert upstream.most <= 3

    play()


@given(programs(), st.integers(0, 40), DELAYS, st.integers(0, 25), st.booleans())
def test_nothing_is_left_where_the_client_leaves(
    program: list[Select], seed: int, delays: list[int], moment: int, within: bool
) -> None:
    upstream = Upstream(seed, delays, [])
    text = ";\n".join(map(str, program))
    engine = engine_of(upstream, 2, text)
    asked = "select * from query.inner as t1; select * from /z as t0" if within else text

    @virtually
    async def play() -> None:
        task = asyncio.ensure_future(engine.answer(Query(asked)))
        await asyncio.sleep(moment / 1000)
        task.cancel()
        await asyncio.wait([task])
        assert not upstream.running
        assert asyncio.all_tasks() == {asyncio.current_task()}
        before = len(upstream.made)
        await asyncio.sleep(1)
        assert len(upstream.made) == before

    play()

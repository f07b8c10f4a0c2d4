"""Prints what an element of a fan-out costs the engine itself: its calls are answered from memory.

Run it from the repository's root: `python -m benchmarks.fanout`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

import uvloop

from apiql.engine import Engine, Query
from apiql.settings import load_settings
from apiql.sources.call import Call, Layer, Reply
from benchmarks import report
from benchmarks.workloads import FIRST_ID, bodies

ONE = "select name from /users/{id} as u where id = $id"
EACH = "select name from /users/{id} as u where id in $ids"
ELEMENTS = (1, 10, 100)
TARGET_US = 60
ROUNDS = 9
CALLS = 3000  # of one round, at least
HEAD = "upstream answers, query, calls, µs a query, µs a call, spread, target"
_PREFIX = len("/users/")
_USER = bodies()[b"/users"]
_JSON = (("content-type", "application/json"),)


@dataclass
class Case:
    """One row: its engine, how many elements a query has (0: one call without `in`), its rounds."""

    label: str
    engine: Engine
    elements: int
    rounds: list[float] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return max(self.elements, 1)

    def query(self, ids: Iterator[int]) -> Query:
        """A query for users that none before asked for."""
        if not self.elements:
            return Query(ONE, {"id": next(ids)})
        return Query(EACH, {"ids": [next(ids) for _ in range(self.elements)]})


async def at_once(call: Call) -> Reply:
    return Reply(200, _JSON, _USER.of(call.target[_PREFIX:].encode()))


async def a_turn_later(call: Call) -> Reply:
    """What a socket does at best: the answer is there when the loop comes round again."""
    await asyncio.sleep(0)
    return await at_once(call)


async def main() -> int:
    ids = itertools.count(FIRST_ID * 100)
    layers = (("at once", at_once), ("a turn of the loop later", a_turn_later))
    cases = [Case(label, _engine(layer), n) for label, layer in layers for n in (0, *ELEMENTS)]
    for case in cases:
        await _check(case, ids)
    for _ in range(ROUNDS):
        for case in cases:
            case.rounds.append(await _round(case, ids))
    print(f"Medians of {ROUNDS} interleaved rounds of {CALLS:,} calls and more; uvloop.\n")
    print(report.table(HEAD, map(_row, cases)))
    return 0


def _engine(layer: Layer) -> Engine:
    return Engine(
        load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9"}), layer
    )


async def _check(case: Case, ids: Iterator[int]) -> None:
    """Ends the program if a query, the first of which is compiled here, is answered otherwise."""
    query = case.query(ids)
    answer = await case.engine.answer(query)
    asked = query.params.get("ids", [query.params.get("id")])
    users = [{"name": f"Person {number}"} for number in asked]
    right = {"u": users if case.elements else users[0]}
    if answer.errors or answer.data is None or json.loads(answer.data) != right:
        sys.exit(f"{query.text}: {answer.data!r} {answer.errors} instead of {right}")


async def _round(case: Case, ids: Iterator[int]) -> float:
    """Seconds of one query."""
    queries = [case.query(ids) for _ in range(CALLS // case.calls)]
    start = perf_counter()
    for query in queries:
        await case.engine.answer(query)
    return (perf_counter() - start) / len(queries)


def _row(case: Case) -> list[str]:
    middle = median(case.rounds)
    spread = (max(case.rounds) - min(case.rounds)) / middle
    what = f"in, {case.elements} elements" if case.elements else "="
    figures = [f"{middle * 1e6:,.0f}", f"{middle / case.calls * 1e6:.1f}", f"{spread:.0%}"]
    target = f"< {TARGET_US}" if case.elements == max(ELEMENTS) else ""
    return [case.label, what, str(case.calls), *figures, target]


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))

"""Prints what definitions of APIHUB cost beside the queries that do the same: CPU time in process,
their calls answered from memory; once to the outcome and its answer, once through the whole app.

Run it from the repository's root: `python -m benchmarks.definitions`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from apiql.acts import acts_of
from apiql.definition_files import read_definitions
from apiql.engine import Engine, Query
from apiql.frontends.definitions.lower.lowered import Ended
from apiql.ir.reach import Kind
from apiql.runtime.outcome import Done
from apiql.server.app import App, app_of
from apiql.server.current import close_nothing
from apiql.server.memory import settle
from apiql.server.offering import RESPOND
from apiql.settings import load_settings
from apiql.sources.call import Call, Reply
from apiql.stores.memory import MemoryStores
from benchmarks import report
from benchmarks.written import around, first_generation, second_generation

ROUNDS, REQUESTS, TURN = 30, 250, 10
GOAL = 1.20
PLACE = "http://127.0.0.1:9"
HEAD = "definition, outcome µs, query µs, x, app µs, query µs, x"
PERSON = {
    "id": 5, "name": "Person 5", "age": 41, "next": "6", "tags": ["a", "b", "c"],
    "user": {"name": "user-5", "roles": ["reader", "author"], "active": True}, "about": "x" * 100,
}  # fmt: skip
REPLY = Reply(200, (("content-type", "application/json"),), json.dumps(PERSON).encode())
GIVEN = {"id": "5"}
BODY = json.dumps(GIVEN, separators=(",", ":")).encode()
ONE = "select * from /a/{id} as a where id = $id"
PICKED = "select name, age, user.name from /a/{id} as a where id = $id"
CHAIN = (
    "select name from /b/{id} as b where id = a.next "
    "join select name from /a/{id} as a where id = $id"
)
CASES = (
    ("V1 api, as it comes", "v1", "/api/a", ONE),
    ("V1 api, three fields", "v1", "/api/fields", PICKED),
    ("V1 flow, two steps", "v1", "/flow/chain", CHAIN),
    ("V2 httpapi, no flows around", "v2", "/httpapi/a", ONE),
    ("V2 flow, no flows around", "v2", "/flow/chain", CHAIN),
    ("V2 httpapi, usual flows", "v2 usual", "/httpapi/a", ONE),
    ("V2 flow, usual flows", "v2 usual", "/flow/chain", CHAIN),
    ("V2 httpapi, published flows", "v2 published", "/httpapi/a", ONE),
    ("V2 flow, published flows", "v2 published", "/flow/chain", CHAIN),
)

Round = Callable[[], Awaitable[float]]


@dataclass
class Measured:
    """One way to ask, and the seconds that a request took in each round."""

    take: Round
    rounds: list[float] = field(default_factory=list)


@dataclass
class Case:
    """One row: a definition and the query that does the same, in both ways."""

    label: str
    ways: tuple[Measured, Measured, Measured, Measured]


async def main() -> int:
    options = _options()
    settle()
    with TemporaryDirectory() as folder:
        engines = {name: _engine(Path(folder), name) for name in ("v1", *around())}
    rows = [_case(engines, *case) for case in CASES if options.only in case[0]]
    for turn in range(-1, options.rounds):  # the first compiles, and is not counted
        for row in rows:
            for way in row.ways if turn % 2 else reversed(row.ways):
                seconds = await way.take()
                if turn >= 0:
                    way.rounds.append(seconds)
    told = f"CPU time, medians of {options.rounds} alternating rounds of {REQUESTS} requests"
    print(f"{told}; x is the median of each round's ratio.\n")
    print(report.table(HEAD, [_row(row) for row in rows]))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.definitions", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


def _engine(root: Path, name: str) -> Engine:
    folder = root / name
    second = {} if name == "v1" else {**second_generation(PLACE), **around()[name]}
    for path, document in (second or first_generation(PLACE)).items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document))
    settings = load_settings(None, {"APIQL_UPSTREAMS__DEFAULT__URL": PLACE})
    return Engine(
        settings, at_once, definitions=read_definitions(folder), acts=acts_of(MemoryStores())
    )


async def at_once(call: Call) -> Reply:
    return REPLY


def _case(engines: dict[str, Engine], label: str, name: str, path: str, text: str) -> Case:
    engine, query = engines[name], json.dumps({"query": text, "params": GIVEN}).encode()
    app = app_of(engine, engine.settings, close_nothing)
    return Case(
        label,
        (
            Measured(lambda: _outcomes(engine, path)),
            Measured(lambda: _answers(engine, text)),
            Measured(lambda: _requests(app, path, BODY)),
            Measured(lambda: _requests(app, "/apiql", query)),
        ),
    )


# -- in process -----------------------------------------------------------------------------------


async def _outcomes(engine: Engine, path: str) -> float:
    _, word, name = path.split("/")
    kind = Kind.FLOW if word == "flow" else Kind.HTTPAPI
    defined = engine.definitions.found[kind, name]
    base = {"root": name, "type": kind.value, "src": "127.0.0.1"}
    start = time.process_time()
    for _ in range(REQUESTS):
        params = {"origin": dict(GIVEN), "query": {}, "headers": {}, "base": base}
        outcome = await engine.outcome(defined.executable, Query("", params))
        assert isinstance(outcome, Done), outcome
        shaped = outcome.shaped[0] if outcome.shaped else b""
        whole = shaped if isinstance(shaped, bytes) and shaped else None
        answer = defined.lowered.answer(Ended(outcome.value, body=whole))
        assert answer.status == 200, answer
    return (time.process_time() - start) / REQUESTS


async def _answers(engine: Engine, text: str) -> float:
    query = Query(text, GIVEN)
    start = time.process_time()
    for _ in range(REQUESTS):
        answer = await engine.answer(query)
        assert answer.status == 200, answer
    return (time.process_time() - start) / REQUESTS


# -- through the app ------------------------------------------------------------------------------


async def _requests(app: App, path: str, body: bytes) -> float:
    answered = 0

    def respond(scope: Any, status: int, headers: Any, body: bytes) -> bool:
        nonlocal answered
        answered += status == 200
        return True

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scopes = [_scope(path, body, respond) for _ in range(REQUESTS)]
    start = time.process_time()
    for number, scope in enumerate(scopes):
        await app(scope, receive, _send)
        if number % TURN == 0:
            await asyncio.sleep(0)
    taken = time.process_time() - start
    if answered != REQUESTS:
        sys.exit(f"{path}: {answered} of {REQUESTS} requests were answered")
    return taken / REQUESTS


def _scope(path: str, body: bytes, respond: Any) -> dict[str, Any]:
    headers = (
        (b"host", b"api.example"), (b"user-agent", b"bench/1"), (b"accept", b"*/*"),
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
    )  # fmt: skip
    return {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": [*headers], "client": ("127.0.0.1", 5),
        "extensions": {RESPOND: respond},
    }  # fmt: skip


async def _send(message: Any) -> None:
    """Nothing is sent: answers go through `respond`."""


# -- the table ------------------------------------------------------------------------------------


def _row(case: Case) -> list[str]:
    outcome, query, app, asked = case.ways
    return [case.label, *_compared(outcome, query), *_compared(app, asked)]


def _compared(one: Measured, other: Measured) -> Sequence[str]:
    ratio = median(a / b for a, b in zip(one.rounds, other.rounds, strict=True))
    mark = "" if ratio <= GOAL else " !"
    return f"{_us(one.rounds)}", f"{_us(other.rounds)}", f"{ratio:.2f}{mark}"


def _us(rounds: list[float]) -> str:
    return f"{median(rounds) * 1e6:.1f}"


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))

"""Prints what a request costs the server itself, and what each guard and watcher adds to that: CPU
time in process, its calls answered from memory.

Run it from the repository's root: `python -m benchmarks.hot_path`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import itertools
import json
import os
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import uvloop

from apiql.access.signed import SCHEME, Claim, Message, signature_of
from apiql.engine import Engine
from apiql.rights_files import rights_of
from apiql.server.app import App, app_around
from apiql.server.around import Around
from apiql.server.body import RECEIVED
from apiql.server.current import Current, Held, close_nothing
from apiql.server.guards import guards_of
from apiql.server.line_writer import to_file
from apiql.server.measured import Measured
from apiql.server.memory import settle
from apiql.server.offering import RESPOND
from apiql.server.watching import Watching
from apiql.settings import Settings, load_settings
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.observe import observed
from apiql.stores.memory import MemoryStores
from benchmarks import report

ROUNDS, REQUESTS, TURN = 40, 250, 10
HEAD = "what, µs a request, more than nothing, median"
QUERY = "select name, age from /users/{id} as u where id = $i"
BODY = json.dumps({"query": QUERY, "params": {"i": 5}}).encode()
REPLY = Reply(200, (("content-type", "application/json"),), b'{"id":1,"name":"x","age":3}')
SECRET = "a secret of thirty-two characters"
USUAL = (
    (b"host", b"api.example"), (b"user-agent", b"bench/1"), (b"accept", b"*/*"),
    (b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY)),
)  # fmt: skip
BROWSER = ((b"origin", b"https://shop.example"), (b"sec-fetch-site", b"cross-site"))

Pair = tuple[bytes, bytes]
Given = dict[str, str]
Proof = Callable[[int], Pair]


@dataclass
class Case:
    """One row: what it sets, how its requests prove who asks, and the seconds of its rounds."""

    label: str
    given: Given = field(default_factory=dict)
    proof: Proof | None = None
    more: tuple[Pair, ...] = ()
    metrics: bool = False
    rounds: list[float] = field(default_factory=list)


def by_key(_: int) -> Pair:
    return b"x-api-key", SECRET.encode()


def by_token(_: int) -> Pair:
    claims = {"iss": "id", "aud": "apiql", "sub": "ann", "exp": 4_000_000_000, "scope": "web"}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    signed = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = urlsafe_b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).rstrip(b"=")
    return b"authorization", b"Bearer %b.%b" % (signed, signature)


def by_signature(number: int) -> Pair:
    claim = Claim(b"shop", int(time.time()), b"nonce-%012d" % number, b"")
    signed = signature_of(SECRET.encode(), claim, Message(b"POST", b"/apiql", b"", BODY))
    told = b"app=shop, timestamp=%d, nonce=%b, signature=%b"
    said = told % (claim.timestamp, claim.nonce, signed)
    return b"authorization", b"%b %b" % (SCHEME.encode(), said)


OFF = {"FORGERY__CHECK": "false"}
RATE = {"CLIENTS__RATE": "900000000/s"}
BY_NAME = RATE | {"CLIENTS__BY": "user"}
RIGHTS = {"RIGHTS__DEFAULT": "known", "RIGHTS__SCOPES__WEB__METHODS": "GET"}
CORS = {"CORS__ORIGINS": "https://shop.example"}
KEYS = {"ACCESS__KEYS__SHOP__HASHES": f"sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"}
ISSUER = {"ISSUER": "id", "AUDIENCE": "apiql", "ALGORITHMS": "HS256", "SECRET": SECRET}
TOKENS = {f"ACCESS__TOKENS__ID__{name}": value for name, value in ISSUER.items()}
APPS = {"SIGNING__APPS__SHOP__SECRET": SECRET, "SIGNING__APPS__SHOP__SCOPES": "web"}
PROOFS: tuple[tuple[str, Given, Proof], ...] = (
    ("API key", KEYS | {"ACCESS__KEYS__SHOP__SCOPES": "web"}, by_key),
    ("token", TOKENS, by_token),
    ("signature", APPS, by_signature),
)
LINES = {"LOG__ACCESS": "true"}
SLOW = {"LOG__SLOW": "10s"}


def cases() -> Iterator[Case]:
    """Nothing, which the others are compared with, first."""
    yield Case("nothing", OFF)
    yield Case("defaults")
    yield Case("defaults, a browser", {}, None, BROWSER)
    yield Case("rate by address", OFF | RATE)
    yield Case("CORS, a browser", OFF | CORS, None, BROWSER)
    for label, given, proof in PROOFS:
        yield Case(label, OFF | given, proof)
        yield Case(f"{label}, rate", OFF | given | BY_NAME, proof)
        yield Case(f"{label}, rate, rights", OFF | given | BY_NAME | RIGHTS, proof)
        whole = given | BY_NAME | RIGHTS | CORS
        yield Case(f"{label}, rate, rights, CORS, forgery", whole, proof, BROWSER)
    yield Case("metrics", OFF, None, (), True)
    yield Case("access lines", OFF | LINES)
    yield Case("metrics, access lines", OFF | LINES, None, (), True)
    yield Case("slow queries", OFF | SLOW)
    yield Case("metrics, access lines, slow queries", OFF | LINES | SLOW, None, (), True)


async def main() -> int:
    options = _options()
    settle()
    rows = [case for case in cases() if options.only in case.label or case.label == "nothing"]
    apps, numbers = [_app(case) for case in rows], itertools.count()
    for turn in range(-1, options.rounds):  # the first compiles, and is not counted
        for case, app in zip(rows, apps, strict=True):
            seconds = await _round(case, app, numbers)
            if turn >= 0:
                case.rounds.append(seconds)
    what = f"CPU time in process, best and median of {options.rounds} interleaved rounds"
    sections = [f"{what} of {REQUESTS}.", report.table(HEAD, [_row(c, rows[0]) for c in rows])]
    print("\n\n".join(sections))
    if options.write:
        report.write("benchmarks.hot_path", sections)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_path", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", action="store_true", help="append to benchmarks/results.md")
    return parser.parse_args()


def _app(case: Case) -> App:
    given = {"UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:9", **case.given}
    settings = load_settings(None, {f"APIQL_{name}": value for name, value in given.items()})
    stores, measured = MemoryStores(), Measured(settings) if case.metrics else None
    layer: Layer = at_once
    if measured is not None:
        layer = observed(at_once, measured.made, time.perf_counter)
    guards = guards_of(settings, Around(layer, stores, time.time))
    engine = Engine(settings, layer)
    held = Held(engine, close_nothing, guards=guards, rights=rights_of(settings))
    return _watched(Current(held), settings, stores, measured)


def _watched(
    current: Current, settings: Settings, stores: MemoryStores, measured: Measured | None
) -> App:
    """Lines are written, but to where nobody reads them."""
    out = to_file(os.open(os.devnull, os.O_WRONLY))
    watching = Watching(current, measured, out, "json")
    return app_around(current, stores, watchers=watching.watchers)


async def at_once(call: Call) -> Reply:
    return REPLY


async def _round(case: Case, app: App, numbers: Iterator[int]) -> float:
    """Seconds of one request."""
    scopes = [_scope(case, number) for number in itertools.islice(numbers, REQUESTS)]
    route, answered = app.hot["/apiql"], 0

    def respond(scope: Any, status: int, headers: Any, body: bytes) -> bool:
        nonlocal answered
        answered += status == 200
        return True

    def received(scope: Any) -> bytes:
        return BODY

    for scope in scopes:
        scope["extensions"] = {RESPOND: respond, RECEIVED: received}
    start = time.process_time()
    for number, scope in enumerate(scopes):
        await route(scope, _receive, _send)
        if number % TURN == 0:
            await asyncio.sleep(0)  # what waits for a turn of the loop gets one: lines are written
    taken = time.process_time() - start
    if answered != REQUESTS:
        sys.exit(f"{case.label}: {answered} of {REQUESTS} requests were answered")
    return taken / REQUESTS


def _scope(case: Case, number: int) -> dict[str, Any]:
    headers = [*USUAL, *case.more]
    if case.proof is not None:
        headers.append(case.proof(number))
    return {
        "type": "http", "method": "POST", "path": "/apiql", "raw_path": b"/apiql",
        "query_string": b"", "headers": headers, "client": ("127.0.0.1", 5),
    }  # fmt: skip


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": BODY, "more_body": False}


async def _send(message: Any) -> None:
    """Nothing is sent: answers go through `respond`."""


def _row(case: Case, nothing: Case) -> list[str]:
    best, least = min(case.rounds) * 1e6, min(nothing.rounds) * 1e6
    more = "" if case is nothing else f"{best - least:+.1f}"
    return [case.label, f"{best:.1f}", more, f"{median(case.rounds) * 1e6:.1f}"]


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))

"""Prints what a request costs the server by its notation, over real sockets: a text, a call
template, definitions of APIHUB, a gateway endpoint; and what
metrics and lines of the log add to a text.

Run it from the repository's root: `python -m benchmarks.notations`.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.contestants import upstream
from benchmarks.load import Ask, closed
from benchmarks.processes import Process, cores, free_port, running
from benchmarks.workloads import FIRST_ID
from benchmarks.written import Files, around, first_generation, second_generation

CLIENTS = 50
HEAD = "request, beside, CPU µs, beside µs, x, req/s, beside req/s, x, goal"
ONE = "select * from /w3a as a where id = $id"
PICKED = "select name, age, user.name from /w3a as a where id = $id"
CHAIN = (
    "select name from /w3b as b where id = a.next join select name from /w3a as a where id = $id"
)
KEY = "a secret of thirty-two characters"
SEEN = {"APIQL_ADMIN__PORT": "0", "APIQL_LOG__ACCESS": "true", "APIQL_LOG__FORMAT": "json"}
CHECKED = {
    "APIQL_ACCESS__KEYS__SHOP__HASHES": f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}",
    "APIQL_ACCESS__KEYS__SHOP__SCOPES": "web",
    "APIQL_RIGHTS__DEFAULT": "known", "APIQL_RIGHTS__SCOPES__WEB__METHODS": "GET",
}  # fmt: skip
"""Who asks is known by a key, and has rights: what the usual flows of the second generation do."""
COUNTED = {**CHECKED, "APIQL_ADMIN__PORT": "0"}
"""And requests and calls are counted: what its published flows do."""
GIVEN = {"seen": SEEN, "checked": CHECKED, "counted": COUNTED}

Around = tuple[bytes, bytes]


@dataclass(frozen=True)
class Way:
    """How something is asked for: of which server, with which bytes around the id."""

    server: str
    around: Around


@dataclass
class Case:
    """One row: what is asked, what it is compared with, and how much of its CPU it may take."""

    label: str
    beside: str
    ways: tuple[Way, Way]
    goal: float
    rounds: list[tuple[Cost, Cost]] = field(default_factory=list)


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the server for an answer, and answers a second."""

    cpu: float
    rate: float


def main() -> int:
    options = _options()
    core, other = cores()
    os.sched_setaffinity(0, {other})
    rows = [case for case in cases() if options.only in case.label]
    with upstream(other) as source, servers(source, core) as started:
        ids = itertools.cycle(range(FIRST_ID, FIRST_ID * 9))
        for turn in range(-1, options.rounds):  # the first compiles, and is not counted
            for case in rows:
                both = _pair(case, started, ids, options.seconds, turn % 2 == 1)
                if turn >= 0:
                    case.rounds.append(both)
    what = f"{options.rounds} alternating rounds of {options.seconds:g} s, {CLIENTS} connections"
    sections = [f"Medians of {what}; x is the median of each round's ratio.", _table(rows)]
    print("\n\n".join(sections))
    if options.write:
        report.write("benchmarks.notations", sections)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notations", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.7, help="of one round")
    parser.add_argument("--write", action="store_true", help="append to benchmarks/results.md")
    return parser.parse_args()


def cases() -> Iterator[Case]:
    """Each beside the text that makes the same calls."""
    one, picked, chain = (_text(text) for text in (ONE, PICKED, CHAIN))
    yield Case("text: one call", "itself", (one, one), 1.1)
    yield Case("text, seen", "text", (_text(PICKED, "seen"), picked), 1.1)
    yield Case("template: one call", "text", (_posted("/template/one"), one), 1.3)
    yield Case("endpoint: one backend", "text", (Way("plain", _got("/one?id=")), one), 1.3)
    yield Case("V1 api", "text", (_posted("/api/a"), one), 1.2)
    yield Case("V1 api: three fields", "text", (_posted("/api/fields"), picked), 1.2)
    yield Case("V1 flow: two steps", "text", (_posted("/flow/chain"), chain), 1.2)
    for name, beside in (("v2 usual", "checked"), ("v2 published", "counted")):
        one, chain = _text(ONE, beside), _text(CHAIN, beside)
        told = f"text, {beside}"
        yield Case(f"{name}: httpapi", told, (_posted("/httpapi/a", name), one), 1.2)
        yield Case(f"{name}: flow, two steps", told, (_posted("/flow/chain", name), chain), 1.2)
    one, chain = _text(ONE), _text(CHAIN)
    for name in around():
        yield Case(f"{name}: httpapi", "text", (_posted("/httpapi/a", name), one), 1.2)
        yield Case(f"{name}: flow, two steps", "text", (_posted("/flow/chain", name), chain), 1.2)


def _text(text: str, server: str = "plain") -> Way:
    head = f"X-Api-Key: {KEY}\r\n" if server in ("checked", "counted") else ""
    return Way(
        server, _post("/apiql", f'{{"query":{json.dumps(text)},"params":{{"id":"', '"}}', head)
    )


def _posted(path: str, server: str = "plain") -> Way:
    return Way(server, _post(path, '{"id":"', '"}'))


def _post(path: str, before: str, after: str, more: str = "") -> Around:
    length = len(before) + len(str(FIRST_ID)) + len(after)
    kind = "Content-Type: application/json"
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\n{kind}\r\n{more}Content-Length: {length}\r\n\r\n"
    return (head + before).encode(), after.encode()


def _got(path: str) -> Around:
    return f"GET {path}".encode(), b" HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def servers(source: Process, core: int) -> Iterator[Mapping[str, Process]]:
    """The servers by name, all on one core: only one of them has something to do at a time."""
    place = f"http://127.0.0.1:{source.port}"
    folders = dict.fromkeys(("plain", *GIVEN), _plain(place))
    folders |= {name: {**second_generation(place), **more} for name, more in around().items()}
    with ExitStack() as stack:
        root = Path(stack.enter_context(TemporaryDirectory(prefix="apiql-bench-")))
        started = {}
        for name, files in folders.items():
            port, folder = free_port(), _written(root / name, place, files)
            command = [sys.executable, "-m", "apiql", "serve", "--port", str(port)]
            given = GIVEN.get(name, {})
            started[name] = stack.enter_context(
                running([*command, "--conf", str(folder)], port, core, given)
            )
        yield started


def _plain(place: str) -> Files:
    template = {"Url": f"{place}/w3a", "Method": "GET", "Input": {"id": "<<id>>"}}
    backend = {"hosts": [place], "path": "/w3a", "method": "GET"}
    endpoint = {"path": "/one", "method": "GET", "backends": [backend]}
    return {
        **first_generation(place),
        "templates/one": {"Output": {"user": "<<user>>"}, "Resources": {"user": template}},
        "endpoints/dev/": {"port": 8080, "endpoints": [endpoint]},
    }


def _written(folder: Path, place: str, files: Files) -> Path:
    for path, document in files.items():
        file = folder / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document), "utf-8")
    lines = ("[upstreams.default]", f'url = "{place}"', "[endpoints]", 'environment = "dev"')
    (folder / "apiql.toml").write_text(
        "\n".join(lines[: 4 if not folder.name.startswith("v2") else 2])
    )
    return folder


def _pair(
    case: Case, started: Mapping[str, Process], ids: Iterator[int], seconds: float, turned: bool
) -> tuple[Cost, Cost]:
    costs = {}
    for n in (1, 0) if turned else (0, 1):
        way = case.ways[n]
        costs[n] = _cost(case.label, started[way.server], Ask(way.around, ids), seconds)
    return costs[0], costs[1]


def _cost(label: str, server: Process, ask: Ask, seconds: float) -> Cost:
    before = server.cpu_seconds()
    tally = closed(server.port, ask, CLIENTS, seconds)
    if tally.errors:
        sys.exit(f"{label}: not every answer was right: {dict(tally.errors)}")
    return Cost((server.cpu_seconds() - before) / len(tally.latencies), tally.rate)


def _table(rows: Sequence[Case]) -> str:
    return report.table(HEAD, map(_row, rows))


def _row(case: Case) -> list[str]:
    ours, theirs = zip(*case.rounds, strict=True)
    ratio = median(a.cpu / b.cpu for a, b in case.rounds)
    speed = median(a.rate / b.rate for a, b in case.rounds)
    mark = "" if ratio <= case.goal else " !"
    costs = (f"{median(cost.cpu for cost in side) * 1e6:.0f}" for side in (ours, theirs))
    rates = (f"{median(cost.rate for cost in side):,.0f}" for side in (ours, theirs))
    compared = (f"{ratio:.2f}{mark}", *rates, f"{speed:.2f}", f"{case.goal:.1f}")
    return [case.label, case.beside, *costs, *compared]


if __name__ == "__main__":
    sys.exit(main())

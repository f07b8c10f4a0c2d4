"""One round: a load against one server for some seconds, and the figures of it."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contestants import Running
from benchmarks.load import Ask, Tally, closed, steady
from benchmarks.processes import Process, core_seconds
from benchmarks.workloads import Workload

STEADY_TIMES = 3  # a steady load is light: it takes longer rounds to count its CPU in 10 ms steps
DISTURBED = 0.10  # the share of the core that others may have taken
TRIES = 3


@dataclass(frozen=True)
class Bench:
    """What every round needs: the upstream, the next id, the server's core, seconds a round."""

    upstream: Process
    ids: Iterator[int]
    core: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """Of one round; times in milliseconds."""

    rps: float
    cpu: float
    p50: float
    p99: float
    peak_mb: float
    calls: float
    disturbed: float
    errors: Counter[str] = field(default_factory=Counter)


def measured(bench: Bench, server: Running, workload: Workload) -> Figures:
    """The figures of a round that nobody disturbed, or of the least disturbed of three."""
    tried: list[Figures] = []
    while len(tried) < TRIES:
        tried.append(_round(bench, server, workload))
        if tried[-1].disturbed <= DISTURBED:
            break
    return min(tried, key=lambda figures: figures.disturbed)


def warmed(bench: Bench, server: Running, workload: Workload) -> None:
    ask = Ask(server.contestant.around(workload), bench.ids)
    closed(server.process.port, ask, workload.clients, bench.seconds / 4)


def upstream_alone(bench: Bench, workload: Workload) -> Tally:
    """The same steady load straight at one of the workload's routes: what the peers add to."""
    ask = Ask((f"GET /{workload.route}a/".encode(), b" HTTP/1.1\r\n\r\n"), bench.ids)
    return steady(bench.upstream.port, ask, workload.clients, workload.rate, bench.seconds)


def answered(server: Running, workload: Workload, number: int) -> Any:
    """The answer for one id, decoded; a text that says what went wrong is an answer too."""
    before, after = server.contestant.around(workload)
    head, _, body = (before + str(number).encode() + after).partition(b"\r\n\r\n")
    method, target, _ = head.decode().split(" ", 2)
    kind = {"Content-Type": "application/json"} if body else {}
    connection = http.client.HTTPConnection("127.0.0.1", server.process.port, timeout=10)
    try:
        connection.request(method, target, body or None, kind)
        reply = connection.getresponse()
        text = reply.read().decode()
        return json.loads(text) if reply.status == 200 else f"{reply.status} {text[:300]}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"no answer: {error!r}"
    finally:
        connection.close()


def call_count(upstream: Process) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=10)
    try:
        connection.request("GET", "/_count")
        return int(connection.getresponse().read())
    finally:
        connection.close()


def _round(bench: Bench, server: Running, workload: Workload) -> Figures:
    around, process = server.contestant.around(workload), server.process
    process.forget_peak()
    calls, cpu = call_count(bench.upstream), process.cpu_seconds()
    foreign = core_seconds(bench.core) - process.user_seconds()
    tally = _load(process.port, Ask(around, bench.ids), workload, bench.seconds)
    foreign = core_seconds(bench.core) - process.user_seconds() - foreign
    cpu, calls = process.cpu_seconds() - cpu, call_count(bench.upstream) - calls
    count = max(len(tally.latencies), 1)
    return Figures(
        rps=tally.rate,
        cpu=cpu / count * 1000,
        p50=tally.at(0.50),
        p99=tally.at(0.99),
        peak_mb=process.peak_mb(),
        calls=calls / count,
        disturbed=max(foreign, 0.0) / tally.seconds,
        errors=tally.errors,
    )


def _load(port: int, ask: Ask, workload: Workload, seconds: float) -> Tally:
    if workload.rate:
        return steady(port, ask, workload.clients, workload.rate, seconds * STEADY_TIMES)
    return closed(port, ask, workload.clients, seconds)

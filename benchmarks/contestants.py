"""The servers that are measured: how each is started, and how each is asked for a workload."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import NotStarted, Process, free_port, running
from benchmarks.workloads import FIRST_ID, Workload

Around = tuple[bytes, bytes]
_SETTINGS = """
[upstreams.default]
url = "{upstream}"
[limits]
connections_per_origin = 512
query_concurrency = 100
"""


@dataclass(frozen=True)
class Contestant:
    """`command` makes the command line of (port, conf folder); `around` the bytes around an id.

    `lacks` names the workloads that it cannot answer and is left out of.
    """

    name: str
    label: str
    command: Callable[[int, Path], list[str]]
    around: Callable[[Workload], Around]
    lacks: frozenset[str] = frozenset()

    def answers(self, workload: Workload) -> bool:
        return workload.name not in self.lacks


@dataclass(frozen=True)
class Running:
    contestant: Contestant
    process: Process


def contestants() -> tuple[Contestant, ...]:
    """The first one is the measure of the others."""
    return (
        Contestant("fastapi", "FastAPI + httpx", _by_hand("fastapi_httpx"), _get),
        Contestant("starlette", "Starlette + aiohttp", _by_hand("starlette_aiohttp"), _get),
        Contestant("apiql", "APIQL", _apiql, _post),
    )


@contextmanager
def upstream(core: int) -> Iterator[Process]:
    port = free_port()
    with running(
        [sys.executable, "-m", "benchmarks.upstream", str(port)], port, core, {}
    ) as process:
        yield process


@contextmanager
def started(
    wanted: Sequence[Contestant], works: Sequence[Workload], source: Process, core: int
) -> Iterator[tuple[list[Running], list[str]]]:
    """All that start, set up for these workloads; for each that does not, a text that says why."""
    url = f"http://127.0.0.1:{source.port}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="apiql-bench-")))
        ready, missing = [], []
        for contestant in wanted:
            port = free_port()
            command = contestant.command(port, _conf(folder, contestant, works, url))
            try:
                process = stack.enter_context(running(command, port, core, {"UPSTREAM": url}))
            except NotStarted as error:
                missing.append(f"{contestant.label}: {error}")
            else:
                ready.append(Running(contestant, process))
        yield ready, missing


def _conf(folder: Path, contestant: Contestant, works: Sequence[Workload], url: str) -> Path:
    conf = folder / contestant.name
    conf.mkdir()
    more = dict.fromkeys(work.settings for work in works if contestant.answers(work))
    (conf / "apiql.toml").write_text(_SETTINGS.format(upstream=url) + "".join(more))
    return conf


def _by_hand(module: str) -> Callable[[int, Path], list[str]]:
    def command(port: int, conf: Path) -> list[str]:
        options = "--loop uvloop --http httptools --no-access-log --log-level warning".split()
        where = ["--host", "127.0.0.1", "--port", str(port)]
        app = f"benchmarks.peers.{module}:app"
        return [sys.executable, "-m", "uvicorn", app, *where, *options]

    return command


def _apiql(port: int, conf: Path) -> list[str]:
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "apiql", "serve", "--conf", str(conf), *where]


def _get(workload: Workload) -> Around:
    headers = "Host: 127.0.0.1\r\nAccept: application/json\r\n\r\n"
    return f"GET /{workload.route}?id=".encode(), f" HTTP/1.1\r\n{headers}".encode()


def _post(workload: Workload) -> Around:
    body = json.dumps({"query": workload.query, "params": {"id": FIRST_ID}})
    before, after = body.split(str(FIRST_ID))
    head = (
        "POST /apiql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return f"{head}{before}".encode(), after.encode()

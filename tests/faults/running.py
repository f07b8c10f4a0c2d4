"""The upstream and `apiql serve` as processes of their own, for as long as a block lasts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from apiql.settings import Upstream
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_S, STOP_S = 60.0, 40.0
OTHERS = ("canary", "resets", "silent", "speaks", "full", "refuses")


@dataclass(frozen=True)
class Faulty:
    """The upstream: where each of its listeners is, and its process."""

    ports: Mapping[str, int]
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Of the main listener."""
        return f"http://127.0.0.1:{self.ports['main']}"

    def counts(self) -> dict[str, Any]:
        """What it has seen."""
        found: dict[str, Any] = self._asked("/_stats")
        return found

    def forget(self) -> None:
        """Counts from zero."""
        self._asked("/_reset")

    def count(self, path: str) -> dict[str, Any]:
        """What became of the requests for one path, all zero where there were none."""
        none = {"hits": 0, "inflight": 0, "peak": 0, "done": 0, "gone": 0, "last_gone": 0.0}
        found: dict[str, Any] = self.counts()["paths"].get(path, none)
        return found

    def _asked(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)


@dataclass(frozen=True)
class Served:
    """A running `apiql serve`."""

    port: int
    probe: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that answers."""
        return self.process.pid

    def tasks(self) -> int:
        """The tasks of its loops."""
        with socket.create_connection(("127.0.0.1", self.probe), timeout=10) as asked:
            return int(asked.recv(100) or b"-1")

    def memory(self, name: str = "VmRSS") -> int:
        """In KiB; `VmHWM` is the most it ever was."""
        return held_by(self.pid, name)

    def forget_peak(self) -> None:
        """`VmHWM` begins anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="utf-8")

    def threads(self) -> int:
        """Its threads, that of the probe among them."""
        return held_by(self.pid, "Threads")

    def descriptors(self) -> int:
        """Its open files and sockets."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def held_by(pid: int, name: str) -> int:
    """A line of what the kernel says of a process: KiB, or a number."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


@contextmanager
def faulty(port: int = 0) -> Iterator[Faulty]:
    """Starts the upstream."""
    command = [sys.executable, "-m", "tests.faults.upstream", "--port", str(port)]
    with _child(command, subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Faulty(json.loads(process.stdout.readline()), process)


@contextmanager
def served(
    conf: Path, more: Mapping[str, str] | None = None, said: int | None = None
) -> Iterator[Served]:
    """Starts `apiql serve` on a folder; `more` are variables of its environment, and what it says
    goes to the file `said`.
    """
    port, probe = free_port(), free_port()
    command = [sys.executable, "-m", "tests.faults.probed", str(probe)]
    command += ["serve", "--conf", str(conf), "--port", str(port)]
    with _child(command, None, more, said) as process:
        _await(process, port)
        yield Served(port, probe, process)


@contextmanager
def serving(
    found: Faulty,
    conf: Path,
    limits: Mapping[str, object],
    *more: str,
    guarded: bool = False,
    drain_delay: str = "0",
) -> Iterator[Served]:
    """Starts `apiql serve` in front of the upstream; `more` are settings of it, one of them the
    breaker if it is `guarded`. Nobody waits for its end, unless that is what a test looks at.
    """
    told = more if guarded else (*unguarded(), *more)
    (conf / "apiql.toml").write_text(conf_text(found, limits, *told), encoding="utf-8")
    with served(conf, {"APIQL_SERVER__DRAIN_DELAY": drain_delay}) as running:
        yield running


def conf_text(found: Faulty, limits: Mapping[str, object], *more: str) -> str:
    """An apiql.toml: paths go to the main listener, and each of the others is a source."""
    lines = ["[limits]", *(f"{name} = {json.dumps(value)}" for name, value in limits.items())]
    lines += ["[upstreams.default]", f'url = "{found.url}"', *more]
    for name in OTHERS:
        lines += [f"[upstreams.{name}]", f'url = "http://127.0.0.1:{found.ports[name]}"']
        lines += [*unguarded(), f"[upstreams.{name}.sources.{name}]", 'path = "/{word?}"']
    return "\n".join(lines) + "\n"


def unguarded() -> list[str]:
    """All the faults share an upstream: what would spare it is off."""
    return ["breaker = false"] if "breaker" in Upstream.model_fields else []


@contextmanager
def _child(
    command: list[str],
    stdout: int | None,
    more: Mapping[str, str] | None = None,
    said: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {name: text for name, text in os.environ.items() if name[:6] != "APIQL_"}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **(more or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stdout, stderr=said)
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("apiql serve does not listen")

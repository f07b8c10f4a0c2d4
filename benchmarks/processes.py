"""Processes pinned to a core, and what the kernel says of them; knows no server by name (Linux)."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_S = 20.0
STOP_S = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """A process ended, or did not listen in time; the message ends with what it said."""


@dataclass(frozen=True)
class Process:
    """A running process, its port, and what it and its children cost."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time in seconds, in steps of 10 ms."""
        return sum(sum(_times(pid)) for pid in _family(self.pid))

    def user_seconds(self) -> float:
        return sum(_times(pid)[0] for pid in _family(self.pid))

    def forget_peak(self) -> None:
        for pid in _family(self.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """The most memory held since `forget_peak`."""
        return sum(_peak_kb(pid) for pid in _family(self.pid)) / 1024


def cores() -> tuple[int, int]:
    """The core of the server under test and the core of everything else."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        sys.exit("two cores are needed: one for the server under test, one for the load")
    return allowed[0], allowed[1]


def core_seconds(core: int) -> float:
    """Seconds a core spent on any program, or was not given to this machine."""
    line = next(
        line
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith(f"cpu{core} ")
    )
    user, nice, *_ = fields = [int(word) for word in line.split()[1:]]
    return (user + nice + fields[7]) / _TICKS


def allow_files(wanted: int) -> None:
    """Raises this process's limit of open files, which what it starts inherits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"{wanted} open files are needed, {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], port: int, core: int, settings: Mapping[str, str]
) -> Iterator[Process]:
    """Starts a command on a core, waits until it listens on the port, and ends it afterwards."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
        try:
            if not _listens(process, port):
                said.seek(0)
                raise NotStarted(_excerpt(process, said.read().decode(errors="replace")))
            yield Process(process.pid, port)
        finally:
            _end(process)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _excerpt(process: subprocess.Popen[bytes], said: str) -> str:
    state = "does not listen" if process.poll() is None else f"ended with {process.returncode}"
    lines = [line for line in said.splitlines() if line.strip()] or ["(it said nothing)"]
    cut = lines if len(lines) <= 10 else [*lines[:6], "…", *lines[-4:]]
    return "\n    ".join([state, *cut])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    known = [pid]
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    for ancestor in known:
        known.extend(child for child, parent in parents.items() if parent == ancestor)
    return known


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def _times(pid: int) -> tuple[float, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS


def _peak_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

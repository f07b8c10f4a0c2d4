"""T36: a process that is killed in the middle of its work leaves files behind that the next one
cannot use, or does not start again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.caller import BROKEN, Caller
from tests.faults.running import ROOT, served
from tests.server.upstream import Upstream

TIMES = 3
START_S = 30.0
"""A start takes about a second; other work on the machine can make it many."""
CONF = """
[upstreams.default]
url = "http://127.0.0.1:{port}"
breaker = false
"""


def state_of(folder: Path) -> dict[str, str]:
    """Every file below a folder and the hash of what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def conf_in(folder: Path, port: int) -> Path:
    (folder / "queries" / "shop").mkdir(parents=True)
    (folder / "apiql.toml").write_text(CONF.format(port=port))
    (folder / "queries" / "good.apiql").write_text("select * from /ok as o")
    (folder / "queries" / "shop" / "cart@2.apiql").write_text("select * from /list as l")
    return folder


async def load(port: int, until: asyncio.Event) -> int:
    """Asks until it is told to stop or the server is gone; how many answers were wrong."""
    wrong = 0
    async with Caller(port, patience=5) as caller:
        while not until.is_set():
            try:
                answer = await caller.ask("select * from /ok as a; select * from /list as b")
            except BROKEN:
                caller.leave()
                await asyncio.sleep(0.01)
                continue
            wrong += answer.data() != {"a": {"ok": True}, "b": [{"id": 1}, {"id": 2}]}
    return wrong


@pytest.mark.asyncio(loop_scope="session")
async def test_killed_again_and_again_under_load(tmp_path: Path, shared_range: Upstream) -> None:
    conf = conf_in(tmp_path / "conf", shared_range.port)
    before = state_of(tmp_path)
    for _ in range(TIMES):
        begun = time.monotonic()
        starting = served(conf)
        server = await asyncio.to_thread(starting.__enter__)
        try:
            async with Caller(server.port) as caller:
                answer = await caller.ask("select * from /ok as a")
                assert answer.data() == {"a": {"ok": True}}
            assert time.monotonic() - begun < START_S
            over = asyncio.Event()
            clients = [asyncio.create_task(load(server.port, over)) for _ in range(8)]
            await asyncio.sleep(0.2)
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.process.wait, 20)
            over.set()
            assert sum(await asyncio.gather(*clients)) == 0
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)
        assert state_of(tmp_path) == before


def test_files_are_old_or_new_when_a_writer_is_killed(tmp_path: Path) -> None:
    """`apiql fmt --write` is all that writes files: killed at any moment it leaves whole ones."""
    long = "-- " + "x" * 600  # a comment is long at no cost
    old = "\n".join(f"{long}\nselect   a{n}   from   /x/{n}   as  t{n};" for n in range(100))
    file = tmp_path / "large.apiql"
    command = [sys.executable, "-m", "apiql", "fmt", "--write", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file.write_text(old)
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    new = file.read_text()
    assert new != old
    for turn in range(4):
        file.write_text(old)
        stamp = file.stat().st_mtime_ns
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        until = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < until:
            names = os.listdir(tmp_path)
            if len(names) > 1 or file.stat().st_mtime_ns != stamp:
                break
        if turn % 2:
            time.sleep(0.0005)
        process.kill()
        process.wait()
        assert file.read_text() in (old, new)
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    assert file.read_text() == new
    assert os.listdir(tmp_path) == [file.name]


def test_a_link_and_its_permissions_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.apiql"
    real.write_text("select   a   from /x")
    real.chmod(0o640)
    link = tmp_path / "link.apiql"
    link.symlink_to(real)
    command = [sys.executable, "-m", "apiql", "fmt", "--write", str(link)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    assert link.is_symlink()
    assert real.read_text().startswith("select a")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.apiql", "real.apiql"]

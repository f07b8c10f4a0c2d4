"""`apiql serve` as processes: hangups, files that change, and what it says when it cannot begin."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.server.archive_site import archives, plain
from tests.server.client import Site
from tests.server.conf import USER, Folder
from tests.server.upstream import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]
LONG = 60.0
"""Seconds after which a test has failed."""


@dataclass
class Served:
    """A process that serves, and its lines."""

    process: Process
    site: Site

    async def says(self, part: str) -> str:
        """Its next line that has this in it."""
        assert self.process.stdout is not None
        before = b""
        async with asyncio.timeout(LONG):
            while line := await self.process.stdout.readline():
                before += line
                if part in line.decode():
                    return line.decode()
        raise AssertionError(before.decode())

    async def listens(self) -> None:
        """Until it takes connections, which is a moment after it says so."""
        async with asyncio.timeout(LONG):
            while True:
                try:
                    await self.site.send("GET", "/livez")
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
                else:
                    return

    async def name(self) -> str:
        """What the stored query answers."""
        response = await self.site.send("GET", "/query/q")
        assert response.status == 200, response.body
        found: str = response.json()["data"]["user"]["name"]
        return found


async def started(*options: str) -> Process:
    environ = os.environ | {"PYTHONPATH": str(ROOT), "APIQL_SERVER__DRAIN_DELAY": "0"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "apiql", "serve", *options, env=environ, stdout=PIPE, stderr=STDOUT
    )


@asynccontextmanager
async def served(
    folder: Folder, workers: int, tls: ssl.SSLContext | None = None, begins: str = ""
) -> AsyncIterator[Served]:
    """`apiql serve` on the folder; it ends when the block does, with nothing left behind. Its first
    lines have `begins` in them.
    """
    port = free_port()
    options = ("--conf", str(folder.path), "--port", str(port), "--workers", str(workers))
    process = await started(*options)
    found = Served(process, Site(f"http://127.0.0.1:{port}", tls))
    try:
        if begins:
            await found.says(begins)
        for _ in range(workers):
            await found.says("Application startup complete")
        await found.listens()
        yield found
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(LONG):
            await process.communicate()


@pytest.fixture
def folder(tmp_path: Path, up: Upstream) -> Folder:
    """A conf folder with one stored query: the user 1."""
    found = Folder(tmp_path / "conf", up.port)
    found.settings()
    found.query(USER.format(1))
    return found


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_hangup_reloads_every_worker(folder: Folder, workers: int) -> None:
    async with served(folder, workers) as found:
        assert await found.name() == "Ada"
        folder.query("select frm")
        found.process.send_signal(signal.SIGHUP)
        for _ in range(workers):
            assert "queries/q.apiql:1:11: SYNTAX" in await found.says("refused")
        folder.query(USER.format(2))
        found.process.send_signal(signal.SIGHUP)
        for _ in range(workers):
            assert '"level":"info"' in await found.says("in force")
        assert {await found.name() for _ in range(10)} == {"Bo"}
        assert found.process.returncode is None


async def test_a_folder_that_is_a_link_is_followed_without_a_hangup(
    folder: Folder, tmp_path: Path
) -> None:
    folder.reload = "true"
    folder.settings()
    other = Folder(tmp_path / "other", folder.port, "true")
    other.settings()
    other.query(USER.format(2))
    link, new = tmp_path / "link", tmp_path / "new"
    link.symlink_to("conf")
    new.symlink_to("other")
    async with served(Folder(link, folder.port), 1) as found:
        new.rename(link)
        await found.says("in force")
        assert await found.name() == "Bo"


async def test_beside_an_admin_listener_it_says_as_ever_where_it_listens(folder: Folder) -> None:
    port = free_port()
    folder.settings(f"[admin]\nport = {port}")
    async with served(folder, 1) as found:
        assert found.site.url in await found.says("running on")
        found.process.terminate()
        out, _ = await found.process.communicate()
    assert str(port) not in out.decode(), "the admin listener has a line of its own"
    assert out.decode().count("Shutting down") == 1


async def test_a_taken_admin_port_is_told_before_anything_begins(folder: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        folder.settings(f"[admin]\nport = {port}")
        process = await started("--conf", str(folder.path), "--port", "0")
        async with asyncio.timeout(LONG):
            out, _ = await process.communicate()
    assert out.decode() == f"admin.port: port {port} is taken on 127.0.0.1; name another, or none\n"
    assert process.returncode == 2


async def test_a_server_begins_with_what_it_has_fetched_or_without(
    folder: Folder, tmp_path: Path
) -> None:
    """What stands elsewhere is there before anything is checked; where it cannot be had, the
    server begins with what it has, and says so.
    """
    async with archives(plain({"apis/a.json": '{"id": "a", "url": "http://a"}'})) as there:
        folder.settings(f'[remote]\nurl = "{there.url}"')
        async with served(folder, 2) as found:
            assert (folder.path / "remote" / "apis" / "a.json").exists()
            assert await found.name() == "Ada"
            assert len(there.asked) == 1
            there.body, there.etag = plain({"apis/b.json": "{}"}), '"2"'
            found.process.send_signal(signal.SIGHUP)
            for _ in range(2):
                assert '"level":"info"' in await found.says("in force")
            assert not (folder.path / "remote" / "apis" / "a.json").exists()
            assert len(there.asked) == 3
        there.status = "404 Not Found"
        there.etag = None
        async with served(folder, 1, begins="it answers 404") as found:
            assert await found.name() == "Ada"
            assert (folder.path / "remote" / "apis" / "b.json").exists()

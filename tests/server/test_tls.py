"""TLS of the server: versions, names, files that change, the end of a server; over real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from apiql.server.configuration import Place
from apiql.server.current import Current
from apiql.server.drain import DrainingServer
from apiql.server.protocol import Protocol
from apiql.server.reload import Outcome, Reloader
from apiql.server.tls import context_of
from apiql.server.worker import worker
from tests.server.client import read_response, request_bytes
from tests.server.conf import Folder
from tests.server.test_serve import Served, served
from tests.server.upstream import upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

CERTS = Path(__file__).parents[1] / "sources" / "certs"
SERVER, CLIENT = (CERTS / "server.pem").read_text(), (CERTS / "client.pem").read_text()
PATIENCE = 8.0


def trusting(**more: object) -> ssl.SSLContext:
    """A client's context that trusts the authority of the tests."""
    context = ssl.create_default_context(cafile=CERTS / "authority.pem")
    for name, value in more.items():
        setattr(context, name, value)
    return context


@dataclass
class Secure:
    """A server with TLS on a conf folder."""

    port: int
    folder: Folder
    file: Path
    reloader: Reloader
    current: Current
    server: DrainingServer

    async def connect(
        self, name: str = "upstream.test", context: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a name."""
        tls = context or trusting()
        async with asyncio.timeout(PATIENCE):
            return await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=tls, server_hostname=name
            )

    async def ask(self, name: str = "upstream.test", **more: object) -> int:
        """The status of one request."""
        reader, writer = await self.connect(name, trusting(**more))
        try:
            writer.write(request_bytes("POST", "/apiql", b"select * from /ok", TEXT))
            async with asyncio.timeout(PATIENCE):
                return (await read_response(reader)).status
        finally:
            writer.transport.abort()

    async def subject(self, name: str) -> str:
        """Whose certificate a name is shown."""
        _, writer = await self.connect(name)
        found = writer.get_extra_info("peercert")["subject"][0][0][1]
        writer.transport.abort()
        assert isinstance(found, str)
        return found


TEXT = {"Content-Type": "text/plain"}


@asynccontextmanager
async def secure(path: Path, more: str = "") -> AsyncIterator[Secure]:
    """A server with the certificate `server.pem` beside its folder; `more` is of its section."""
    file = path / "server.pem"
    file.write_text(SERVER)
    async with upstream() as up:
        folder = Folder(path / "conf", up.port)
        folder.settings(server=f'drain_delay = 0\ncertificate = "{file}"\n{more}')
        app, reloader = worker(Place(folder.path, {}), lambda notice: None)
        config = uvicorn.Config(
            app, http=Protocol, ws="none", log_config=None, port=0, lifespan="on",
            timeout_graceful_shutdown=2, ssl_context_factory=context_of,
        )  # fmt: skip
        server = DrainingServer(config)
        listener = config.bind_socket()
        port = listener.getsockname()[1]
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        current = app.hot["/apiql"].current  # type: ignore[attr-defined]
        try:
            yield Secure(port, folder, file, reloader, current, server)
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.wait_for(running, PATIENCE)


async def test_a_request_over_tls(tmp_path: Path) -> None:
    async with secure(tmp_path) as site:
        assert await site.ask() == 200
        reader, writer = await site.connect()
        tls = writer.get_extra_info("ssl_object")
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
        for _ in range(3):
            writer.write(
                b"POST /apiql HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                b"Content-Length: 17\r\n\r\nselect * from /ok"
            )
            assert (await read_response(reader)).status == 200
        writer.transport.abort()


async def test_versions_before_1_2_are_refused(tmp_path: Path) -> None:
    async with secure(tmp_path) as site:
        assert await site.ask(maximum_version=ssl.TLSVersion.TLSv1_2) == 200
        assert await site.ask(minimum_version=ssl.TLSVersion.TLSv1_3) == 200
        old = trusting()
        with pytest.warns(DeprecationWarning, match="deprecated"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="deprecated"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.raises(OSError):  # noqa: PT011  # an SSLError, or the connection is closed
            await site.connect(context=old)
        assert await site.ask() == 200


async def test_plain_http_gets_no_answer_and_harms_nobody(tmp_path: Path) -> None:
    async with secure(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert b"HTTP/" not in await reader.read()
        writer.transport.abort()
        assert await site.ask() == 200


async def test_each_name_has_its_certificate(tmp_path: Path) -> None:
    (tmp_path / "client.pem").write_text(CLIENT)
    more = f"""
[[server.certificates]]
names = ["Client.test", "*.client.test"]
certificate = "{tmp_path}/client.pem"
"""
    async with secure(tmp_path, more) as site:
        assert await site.subject("client.test") == "client"
        assert await site.subject("upstream.test") == "server"
        free = trusting(check_hostname=False)
        _, writer = await site.connect("a.client.test", free)
        assert writer.get_extra_info("peercert")["subject"][0][0][1] == "client"
        writer.transport.abort()
        _, writer = await site.connect("a.b.client.test", free)
        assert writer.get_extra_info("peercert")["subject"][0][0][1] == "server"
        writer.transport.abort()
        assert await site.subject("127.0.0.1") == "server"  # who names no host


async def test_changed_files_are_taken_and_no_connection_is_touched(tmp_path: Path) -> None:
    async with secure(tmp_path) as site:
        reader, writer = await site.connect()
        assert await site.subject("upstream.test") == "server"
        replace(site.file, CLIENT)
        await site.reloader.look()
        assert await site.reloader.look() is Outcome.LOADED
        assert await site.subject("client.test") == "client"
        writer.write(request_bytes("POST", "/apiql", b"select * from /ok", TEXT))
        assert (await read_response(reader)).status == 200
        writer.transport.abort()
        assert site.reloader.state.restart == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        SERVER.split("-----BEGIN PRIVATE")[0],
        CLIENT.split("-----BEGIN PRIVATE")[0] + SERVER[-250:],
    ],
)
async def test_files_that_cannot_be_used_leave_the_old_ones_in_force(
    tmp_path: Path, text: str
) -> None:
    async with secure(tmp_path) as site:
        replace(site.file, text)
        await site.reloader.look()
        assert await site.reloader.look() is Outcome.REFUSED
        refused = site.reloader.state.refused
        assert refused is not None
        assert str(site.file) in refused.lines[0]
        assert "PRIVATE" not in str(refused.lines)
        assert await site.subject("upstream.test") == "server"
        assert await site.ask() == 200


async def test_a_server_ends_behind_the_answers_under_way(tmp_path: Path) -> None:
    async with secure(tmp_path) as site:
        asked = [asyncio.create_task(site.ask()) for _ in range(10)]
        assert await asyncio.gather(*asked) == [200] * 10
        reader, writer = await site.connect()
        writer.write(request_bytes("POST", "/apiql", b"select * from /ok", TEXT))
        await asyncio.sleep(0)
        site.server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            response = await read_response(reader)
        assert (response.status, response.headers["connection"]) == (200, "close")
        writer.transport.abort()


def replace(file: Path, text: str) -> None:
    """As an operator's tool does: whole, then put in the old one's place."""
    new = file.with_suffix(".new")
    new.write_text(text)
    os.replace(new, file)


@pytest.mark.parametrize("workers", [1, 2])
async def test_processes_take_a_changed_certificate(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "server.pem"
    file.write_text(SERVER)
    async with upstream() as up:
        folder = Folder(tmp_path / "conf", up.port)
        folder.settings(server=f'drain_delay = 0\ncertificate = "{file}"')
        async with served(folder, workers, trusting()) as found:
            assert await shown(found) == {"server"}
            replace(file, CLIENT)
            found.process.send_signal(signal.SIGHUP)
            for _ in range(workers):
                await found.says("in force")
            assert await shown(found) == {"client"}


async def shown(found: Served) -> set[str]:
    """Whose certificates some connections are shown."""
    names = set()
    for _ in range(8):
        _, writer = await asyncio.open_connection(
            found.site._host, found.site._port, ssl=trusting(check_hostname=False)
        )
        names.add(writer.get_extra_info("peercert")["subject"][0][0][1])
        writer.transport.abort()
    return names

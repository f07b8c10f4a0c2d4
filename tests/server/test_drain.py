"""The end of a server: readiness first, the last answers, then nothing under way is lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.client import Site, read_response
from tests.server.front import PATIENCE, front
from tests.server.upstream import Upstream

REQUEST = (
    b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\n"
    b"select * from /ok"
)


async def test_readiness_first_and_every_answer_is_the_last_on_its_connection() -> None:
    async with front(SERVER__DRAIN_DELAY="10s") as found:
        kept, begun = await found.site.connect(), await found.site.connect()
        kept[1].write(REQUEST)
        assert "connection" not in (await read_response(kept[0])).headers
        begun[1].write(REQUEST.replace(b"17", b"19").replace(b"/ok", b"/hold"))
        await found.until(1)
        found.server.handle_exit(signal.SIGTERM, None)
        assert (await found.site.send("GET", "/readyz")).status == 503
        assert (await found.site.send("GET", "/readyz")).json() == {"status": "draining"}
        assert (await found.site.send("GET", "/livez")).status == 200
        await asyncio.sleep(0.3)  # the server looks up every tenth of a second
        kept[1].write(REQUEST)
        last = await read_response(kept[0])
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert await kept[0].read() == b""
        found.held.open.set()
        assert (await read_response(begun[0])).headers["connection"] == "close"
        new = await found.site.connect()
        new[1].write(REQUEST)
        assert (await read_response(new[0])).headers["connection"] == "close"
        for _, writer in (kept, begun, new):
            writer.close()


async def test_what_is_under_way_is_answered_and_what_is_silent_is_closed() -> None:
    async with front() as found:
        silent = await found.site.connect()
        silent[1].write(REQUEST)
        await read_response(silent[0])
        busy = await found.asked(1)
        await found.until(1)
        found.server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(PATIENCE):
            assert await silent[0].read() == b""
        assert not busy.done()
        found.held.open.set()
        assert await busy == 200
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(found.running)
        with pytest.raises(OSError, match="onnect"):
            await found.site.connect()
        silent[1].close()


async def test_what_takes_too_long_is_told_so() -> None:
    async with front() as found:
        busy = await found.asked(1)
        await found.until(1)
        found.server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(PATIENCE):
            assert await busy == 503


async def test_a_stream_comes_to_its_end() -> None:
    async with front(SERVER__DRAIN_DELAY="200ms") as found:
        reader, writer = await found.site.connect()
        text = b"select * from /ok; select * from /hold as h"
        head = b"POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        accept = b"Accept: application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % len(text)
        writer.write(head + accept + text)
        await reader.readuntil(b'"task":"ok"')
        found.server.handle_exit(signal.SIGTERM, None)
        await asyncio.sleep(0.5)
        found.held.open.set()
        async with asyncio.timeout(PATIENCE):
            rest = await reader.read()
        assert b'{"end":true,"status":200' in rest
        assert rest.endswith(b"0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def process(
    up: Upstream, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Site]]:
    """A server as an operator starts it."""
    given = {"UPSTREAMS__DEFAULT__URL": f"http://127.0.0.1:{up.port}"} | more
    environ = os.environ | {f"APIQL_{key}": value for key, value in given.items()}
    found = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "apiql", "serve", "--port", "0",
        env=environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert found.stderr is not None
    async with asyncio.timeout(30):
        while (line := await found.stderr.readline()) and b"running on" not in line:
            pass
    match = re.search(rb"http://[\d.]+:\d+", line)
    assert match is not None
    try:
        yield found, Site(match[0].decode())
    finally:
        if found.returncode is None:
            os.killpg(found.pid, signal.SIGKILL)  # its workers too: they hold the pipe
        await found.communicate()


class Load:
    """Clients that ask one query after another until the server is gone."""

    def __init__(self, site: Site, clients: int) -> None:
        self.site = site
        self.told: Counter[str] = Counter()
        self.tasks = [asyncio.create_task(self._client()) for _ in range(clients)]

    async def _client(self) -> None:
        while True:
            try:
                reader, writer = await self.site.connect()
            except ConnectionError:
                return  # it takes no more: the client goes elsewhere
            try:
                await self._ask(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.told["lost"] += 1
            finally:
                writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        last = False
        while not last:
            writer.write(REQUEST)
            answer = await read_response(reader)
            self.told[str(answer.status)] += 1
            last = answer.headers.get("connection") == "close"


async def up_to(site: Site) -> None:
    """Until it answers: workers start after their parent has told where they will listen."""
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await site.send("GET", "/readyz")
            except (ConnectionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)
                continue
            assert answer.status == 200
            return


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_no_request_is_lost_when_it_is_told_to_end(up: Upstream, workers: str) -> None:
    async with process(up, SERVER__WORKERS=workers, SERVER__DRAIN_DELAY="1s") as (server, site):
        await up_to(site)
        load = Load(site, 20)
        async with asyncio.timeout(30):
            while load.told["200"] <= 100:  # noqa: ASYNC110  # each client is at its work
                await asyncio.sleep(0.02)
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await server.wait() == 0
            await asyncio.gather(*load.tasks)
        assert set(load.told) == {"200"}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("workers", "pause"), [("1", 0.5), ("2", 0.05), ("2", 2.0)],
    ids=["one", "two, between two looks of their parent", "two"],
)  # fmt: skip
async def test_a_second_signal_ends_it_at_once(up: Upstream, workers: str, pause: float) -> None:
    async with process(up, SERVER__WORKERS=workers, SERVER__DRAIN_DELAY="1m") as (server, site):
        await up_to(site)
        server.send_signal(signal.SIGTERM)
        await asyncio.sleep(pause)
        assert server.returncode is None
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await server.wait()

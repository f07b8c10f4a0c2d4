"""The front door: what is ready before anybody asks, what counts, what stays where files break."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from apiql.server import refusals
from apiql.server.admission import Admission
from apiql.server.corked import Corked
from apiql.server.door import Door
from apiql.server.rests import LOOK, Lateness, Rests
from apiql.settings import Limits, Server, Settings
from tests.server.front import front
from tests.server.test_tls import SERVER
from tests.virtual import virtually

READY = {
    name: b"".join(found)
    for name, found in vars(refusals).items()
    if isinstance(found, tuple) and name not in ("CLOSE", "AGAIN")
}


@pytest.mark.parametrize("name", sorted(READY))
def test_each_answer_that_is_ready_is_one(name: str) -> None:
    head, _, body = READY[name].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    full = name in ("OVERLOADED", "OVERLOADED_LAST", "CROWDED")
    assert first.startswith("HTTP/1.1 503" if full else "HTTP/1.1 4")
    assert fields["content-length"] == str(len(body))
    assert fields["content-type"] == "application/problem+json"
    assert fields["cache-control"] == "no-store"
    assert fields.get("retry-after") == ("1" if full else None)
    assert fields.get("connection") == (None if name == "OVERLOADED" else "close")


async def test_what_is_refused_later_counts_too() -> None:
    async with front(LIMITS__QUERIES="1", LIMITS__QUERIES_WAITING="1") as found:
        busy = [await found.asked(1), await found.asked(2)]
        await found.until(1, 1)
        for path in ("/template/x", "/flow/x"):
            response = await found.site.send("POST", path, b"{}")
            assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert found.app.door.admission.refused == 2
        found.held.open.set()
        assert [await task for task in busy] == [200, 200]


def test_nobody_waits_for_longer_than_a_query_may_take() -> None:
    short = Limits.model_validate({"queries_wait": "5s", "query_timeout": "100ms"})
    found = Admission(short)
    assert found.longest == 0.1
    found.settle(Limits.model_validate({"queries_wait": "1s"}))
    assert found.longest == 1.0
    found.settle(short)
    assert found.longest == 0.1


def test_files_that_broke_since_they_were_checked_leave_those_before(tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    file.write_text(SERVER)
    settings = Settings(server=Server(certificate=str(file)))
    door = Door(settings)
    before = door.certificates
    assert before is not None
    assert isinstance(before.of(None), ssl.SSLContext)
    file.write_text("broken")
    door.settle(settings)
    assert door.certificates is before


class Sent:
    """A transport that keeps what it is sent."""

    def __init__(self, *, closing: bool = False) -> None:
        self.data: list[bytes] = []
        self.closing = closing

    def write(self, data: bytes) -> None:
        self.data.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.data.append(b"closed")


HEAD = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"


def test_a_head_is_sent_with_what_follows_or_at_the_end() -> None:
    found = Sent()
    corked = Corked(found)  # type: ignore[arg-type]
    corked.write(HEAD)
    assert found.data == []
    corked.write(b"body")
    corked.write(b"more")
    corked.write(HEAD)
    corked.release()
    corked.release()
    corked.write(HEAD)
    corked.close()
    assert found.data == [HEAD + b"body", b"more", HEAD, HEAD, b"closed"]


def test_nothing_is_sent_where_the_connection_ends() -> None:
    found = Sent(closing=True)
    corked = Corked(found)  # type: ignore[arg-type]
    corked.write(HEAD)
    corked.release()
    assert found.data == []


@virtually
async def test_nothing_ticks_where_nobody_is_connected() -> None:
    class Minded:
        seen = 0

        def mind(self, now: float) -> None:
            self.seen += 1

    rests, one, other = Rests(asyncio.get_running_loop()), Minded(), Minded()
    rests.begin(one)
    rests.begin(other)
    await asyncio.sleep(LOOK * 2.5)
    assert (one.seen, other.seen) == (2, 2)
    rests.end(other)
    await asyncio.sleep(LOOK)
    assert (one.seen, other.seen) == (3, 2)
    rests.end(one)
    await asyncio.sleep(LOOK)
    assert rests._timer is None
    rests.begin(other)
    await asyncio.sleep(LOOK * 1.5)
    assert other.seen == 3


def test_how_long_something_is_waited_for() -> None:
    found, first, second = Lateness(), object(), object()
    assert found.of(first, 10.0) == 0.0
    assert found.of(first, 13.0) == 3.0
    assert found.of(second, 14.0) == 0.0
    assert found.of(second, 15.5) == 1.5

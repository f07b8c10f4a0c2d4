"""Health checks: what they read, when a host moves, and that they end with their owner."""

from __future__ import annotations

import asyncio

import pytest

from apiql.errors import CallFailed, Code
from apiql.events import HostMoved
from apiql.settings import Health
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.health import Checks, Probe, Standing
from apiql.sources.hosts import Host, Hosts
from tests.sources.raw_upstream import OK, answering, hanging, reply, until, upstream


@pytest.mark.parametrize(
    ("results", "states"),
    [
        ("+++", "+++"),
        ("-++", "--+"),
        ("--+-+-++", "------" + "-+"),
        ("+-+-+", "+++++"),
        ("+--", "++-"),
        ("+---++-", "++--" + "-++"),
    ],
)
def test_results_in_a_row_decide_and_the_first_alone(results: str, states: str):
    standing = Standing(fails=2, passes=2)
    assert "".join("-+"[standing.after(each == "+")] for each in results) == states


def test_other_numbers_in_a_row():
    standing = Standing(fails=3, passes=1)
    found = [standing.after(each == "+") for each in "+--+---+"]
    assert found == [True, True, True, True, True, True, False, True]


class Scene:
    """Checks of some hosts whose pauses end when a test says so."""

    def __init__(self, *hosts: Host, every: float = 4.0, timeout: float = 1.0) -> None:
        self.told: list[HostMoved] = []
        self.pauses: list[float] = []
        self._pausing: list[asyncio.Future[None]] = []
        self.hosts = Hosts(
            "shop",
            hosts,
            clock=lambda: 0.0,
            random=lambda: 0.0,
            told=lambda notice: self.told.append(notice),  # type: ignore[arg-type]
        )
        health = Health(path="/health", every=every, timeout=timeout)
        probes = tuple(Probe(host, host.layer) for host in hosts)
        headers = (("Authorization", "key"),)
        self.checks = Checks(self.hosts, probes, health, headers, lambda: 0.5, self._pause)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pausing.append(future)
        await future

    async def round(self, count: int = 1) -> None:
        """Lets that many more checks of every host come to their end."""
        for _ in range(count):
            for future in self._pausing:
                future.set_result(None)
            self._pausing.clear()
            await self.rest()

    async def rest(self) -> None:
        await until(lambda: len(self._pausing) == len(self.hosts.all))


class Answering:
    def __init__(self, outcome: Reply | CallFailed) -> None:
        self.outcome = outcome
        self.asked: list[Call] = []

    async def __call__(self, made: Call) -> Reply:
        self.asked.append(made)
        if isinstance(self.outcome, CallFailed):
            raise self.outcome
        return self.outcome


WELL, SICK = Reply(200, (), b""), Reply(503, (), b"")


async def test_what_a_check_reads():
    layer = Answering(WELL)
    origin = Origin("http", "a", 80, True)
    scene = Scene(Host(origin, layer))
    scene.checks.begin()
    scene.checks.begin()
    now = asyncio.get_running_loop().time()
    await scene.rest()
    (made,) = layer.asked
    assert (made.method, made.origin, made.target, made.headers, made.body) == (
        "GET", origin, "/health", (("Authorization", "key"),), None,
    )  # fmt: skip
    assert 0.9 < made.deadline - now <= 1.1
    assert scene.pauses == [pytest.approx(3.6)]
    await scene.checks.aclose()


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (SICK, "its health check failed: status 503"),
        (Reply(301, (), b""), "its health check failed: status 301"),
        (CallFailed(Code.UPSTREAM_CONNECT, "connection refused"),
         "its health check failed: connection refused"),
    ],
)  # fmt: skip
async def test_a_host_goes_down_and_comes_back(outcome, why):
    a, b = Answering(WELL), Answering(WELL)
    scene = Scene(Host(Origin("http", "a", 80, True), a), Host(Origin("http", "b", 80, True), b))
    scene.checks.begin()
    await scene.rest()
    a.outcome = outcome
    await scene.round()
    assert not scene.told
    await scene.round(3)
    assert scene.told == [HostMoved("shop", "http://a", False, why)]
    assert {scene.hosts.choose().origin.host for _ in range(5)} == {"b"}
    a.outcome = WELL
    await scene.round(2)
    assert scene.told[1:] == [HostMoved("shop", "http://a", True, "its health checks pass")]
    await scene.checks.aclose()


async def test_the_end():
    scene = Scene(Host(Origin("http", "a", 80, True), Answering(WELL)))
    scene.checks.begin()
    await scene.rest()
    await scene.checks.aclose()
    assert len(asyncio.all_tasks()) == 1
    scene.checks.begin()
    assert len(asyncio.all_tasks()) == 1
    await scene.checks.aclose()


async def test_over_sockets_a_host_that_hangs_is_unwell_in_time(transport):
    async with upstream(hanging) as stuck, upstream(answering(OK)) as well:
        scene = Scene(
            Host(stuck.origin, transport), Host(well.origin, transport), timeout=0.05, every=0.1
        )
        scene.checks.begin()
        await scene.rest()
        assert [host.healthy for host in scene.hosts.all] == [False, True]
        await until(lambda: stuck.open == 0)
        await scene.checks.aclose()
    assert well.requests[0].startswith(b"GET /health HTTP/1.1\r\n")


async def test_over_sockets_a_host_that_dies_and_comes_back(transport):
    sick = reply(b"", status="503 Service Unavailable")
    async with upstream(answering(OK, sick, sick, OK, OK)) as one, upstream(answering(OK)) as two:
        scene = Scene(Host(one.origin, transport), Host(two.origin, transport))
        scene.checks.begin()
        await scene.rest()
        states = [scene.hosts.all[0].healthy]
        for _ in range(4):
            await scene.round()
            states.append(scene.hosts.all[0].healthy)
        assert states == [True, True, False, False, True]
        await scene.checks.aclose()

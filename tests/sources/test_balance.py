"""Calls over hosts: where they go, what goes elsewhere at once, what counts against a host."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.balance import balanced, layer_of
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.hosts import IN_A_ROW, Host, Hosts
from apiql.sources.http import PooledTransport
from apiql.sources.limits import Unanswered, Unreached
from tests.sources.raw_upstream import (
    OK,
    Peer,
    answering,
    call,
    failure,
    hanging,
    once,
    reply,
    until,
    upstream,
)

URL = Origin("http", "shop.test", 80, True)
REFUSED = Unreached(Code.UPSTREAM_CONNECT, "connection refused", retryable=True)
BROKEN = Unanswered(Code.UPSTREAM_CONNECT, "the connection closed before an answer")
LATE = CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came in time")


class Scripted:
    """A host that does one thing."""

    def __init__(self, outcome: Reply | CallFailed) -> None:
        self.outcome = outcome
        self.calls: list[Call] = []

    async def __call__(self, made: Call) -> Reply:
        self.calls.append(made)
        if isinstance(self.outcome, CallFailed):
            raise self.outcome
        return self.outcome


def over(
    *layers: Layer, clock: Callable[[], float] = time.monotonic, usual: float = 5.0
) -> tuple[Layer, Hosts]:
    made = [Host(Origin("http", name, 80, True), of) for name, of in zip("abc", layers)]  # noqa: B905
    hosts = Hosts("shop", made, clock=clock, random=lambda: 0.0)
    return layer_of(balanced(hosts, clock, usual)), hosts


async def test_a_host_replaces_the_origin_and_nothing_else():
    a, b = Scripted(reply_of(200)), Scripted(reply_of(200))
    layer, hosts = over(a, b)
    made = call(URL, "/x?y=1", "POST", headers=(("A", "b"),), body=b"z")
    for _ in range(4):
        await layer(made)
    assert len(a.calls) == len(b.calls) == 2
    seen = a.calls[0]
    assert seen.origin == Origin("http", "a", 80, True)
    assert (seen.method, seen.target, seen.headers, seen.body, seen.deadline) == (
        made.method, made.target, made.headers, made.body, made.deadline,
    )  # fmt: skip
    assert [host.busy for host in hosts.all] == [0, 0]


def reply_of(status: int) -> Reply:
    return Reply(status, (), b"")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_never_sent_goes_to_another_host(method):
    a, b = Scripted(REFUSED), Scripted(reply_of(200))
    layer, hosts = over(a, b)
    for _ in range(20):
        assert (await layer(call(URL, method=method))).status == 200
    assert len(a.calls) == IN_A_ROW == hosts.elsewhere
    assert len(b.calls) == 20


async def test_it_does_so_once():
    three = [Scripted(REFUSED) for _ in range(3)]
    layer, _ = over(*three)
    assert await failure(layer, URL) == REFUSED
    assert sum(len(each.calls) for each in three) == 2


async def test_a_single_host_is_not_called_twice():
    only = Scripted(REFUSED)
    layer, _ = over(only)
    assert await failure(layer, URL) == REFUSED
    assert len(only.calls) == 1


async def test_an_answer_ends_a_row_of_failures_and_an_ejection():
    now = 100.0
    a, b = Scripted(reply_of(500)), Scripted(reply_of(200))
    layer, hosts = over(a, b, clock=lambda: now)
    for _ in range(2):
        for _ in range(2 * IN_A_ROW - 2):
            await layer(call(URL))
        a.outcome = reply_of(404)
        for _ in range(2):
            await layer(call(URL))
        a.outcome = reply_of(500)
    assert hosts.ejections == 0
    for _ in range(2 * IN_A_ROW):
        await layer(call(URL))
    assert hosts.ejections == 1
    now += 11
    a.outcome = reply_of(200)
    a.calls.clear()
    for _ in range(20):
        await layer(call(URL))
    assert len(a.calls) >= 10


@pytest.mark.parametrize(
    ("method", "body", "calls"), [("GET", None, 1), ("HEAD", None, 1), ("GET", b"x", 0),
                                  ("POST", None, 0), ("PUT", b"x", 0), ("DELETE", None, 0)],
)  # fmt: skip
async def test_what_was_sent_goes_elsewhere_only_if_it_is_a_read(method, body, calls):
    a, b = Scripted(BROKEN), Scripted(reply_of(200))
    layer, _ = over(a, b)
    made = call(URL, method=method, body=body)
    if calls:
        assert (await layer(made)).status == 200
    else:
        with pytest.raises(Unanswered):
            await layer(made)
    assert (len(a.calls), len(b.calls)) == (1, calls)


async def test_reads_of_an_upstream_that_is_dead_everywhere_are_not_doubled():
    a, b = Scripted(BROKEN), Scripted(BROKEN)
    layer, _ = over(a, b)
    for _ in range(50):
        await failure(layer, URL)
    assert len(a.calls) + len(b.calls) <= 51


@pytest.mark.parametrize(
    ("outcome", "against"),
    [
        (reply_of(500), True),
        (reply_of(503), True),
        (LATE, True),
        (CallFailed(Code.BAD_PAYLOAD, "cut"), True),
        (REFUSED, True),
        (Unreached(Code.UPSTREAM_CONNECT, "the TLS certificate is not trusted"), True),
        (Unreached(Code.UPSTREAM_TIMEOUT, "no connection in time", retryable=True), True),
        (reply_of(429), False),
        (reply_of(404), False),
        (CallFailed(Code.UPSTREAM_TOO_LARGE, "large"), False),
        (CallFailed(Code.BAD_VALUE, "cannot be sent"), False),
        (Unreached(Code.UPSTREAM_TIMEOUT, "waited for a free connection"), False),
    ],
)
async def test_what_counts_against_a_host(outcome, against):
    layer, hosts = over(Scripted(outcome), Scripted(outcome))
    for _ in range(20):
        with contextlib.suppress(CallFailed):
            assert await layer(call(URL)) == outcome
    assert hosts.ejections == against


async def test_a_query_cannot_close_a_host_by_giving_its_calls_no_time():
    layer, hosts = over(Scripted(LATE), Scripted(LATE), clock=lambda: 100.0)
    made = Call("GET", URL, "/", (), None, 100.0)
    for _ in range(50):
        with pytest.raises(CallFailed):
            await layer(made)
    assert not any(host.failures for host in hosts.all)
    own = Call("GET", URL, "/", (), None, 100.1)  # it ended before its time was over
    with pytest.raises(CallFailed):
        await layer(own)
    assert sum(host.failures for host in hosts.all) == 1


async def test_a_cancelled_call_leaves_its_host():
    async def never(_: Call) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    layer, hosts = over(never, never)
    tasks = [asyncio.ensure_future(layer(call(URL))) for _ in range(6)]
    await until(lambda: [host.busy for host in hosts.all] == [3, 3])
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert [(host.busy, host.failures) for host in hosts.all] == [(0, 0), (0, 0)]


# -- over real sockets --------------------------------------------------------------------------


def of_raw(transport: PooledTransport, *raws) -> tuple[Layer, Hosts]:
    hosts = Hosts(
        "shop",
        [Host(raw.origin, transport) for raw in raws],
        clock=time.monotonic,
        random=lambda: 0.0,
    )
    return layer_of(balanced(hosts, time.monotonic, 5.0)), hosts


async def test_each_host_is_named_in_its_own_requests(transport):
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        layer, _ = of_raw(transport, one, two)
        for _ in range(6):
            assert (await layer(call(URL))).body == b"ok"
        for raw in (one, two):
            assert len(raw.requests) == 3
            assert all(f"Host: 127.0.0.1:{raw.port}\r\n".encode() in it for it in raw.requests)


async def test_a_host_that_refuses_is_not_noticed(transport):
    async with upstream(answering(OK)) as well:
        async with upstream() as gone:
            pass
        layer, hosts = of_raw(transport, gone, well)
        for _ in range(30):
            assert (await layer(call(URL, method="POST", body=b"x"))).body == b"ok"
    assert len(well.requests) == 30
    assert hosts.ejections == 1


async def test_killing_a_host_under_load_fails_no_read(transport):
    async def brief(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0.002)  # so that many are under way when it dies
            await peer.send(OK)

    failures: list[CallFailed] = []
    done = 0
    stopping = asyncio.Event()

    async def client(layer: Layer) -> None:
        nonlocal done
        while not stopping.is_set():
            try:
                await layer(call(URL))
            except CallFailed as failed:
                failures.append(failed)
            done += 1

    async with upstream(brief) as one, upstream(brief) as three:
        async with upstream(brief) as two:
            layer, hosts = of_raw(transport, one, two, three)
            clients = [asyncio.ensure_future(client(layer)) for _ in range(30)]
            await until(lambda: done > 300)
            assert hosts.all[1].busy > 3
        mark = done
        await until(lambda: done > mark + 600)
        stopping.set()
        await asyncio.gather(*clients)
    assert not failures
    assert len(two.requests) > 50
    assert hosts.ejections == 1


async def test_a_host_that_hangs_costs_only_its_own_calls(transport):
    async with upstream(hanging) as stuck, upstream(answering(OK)) as well:
        layer, hosts = of_raw(transport, stuck, well)
        tasks = [asyncio.ensure_future(layer(call(URL, within=0.4))) for _ in range(2)]
        await until(lambda: hosts.all[0].busy + hosts.all[1].busy == 1)
        for _ in range(50):
            assert (await layer(call(URL))).body == b"ok"
        await asyncio.wait(tasks)
    assert len(stuck.requests) <= 1


async def test_statuses_of_one_host_pass_it_by(transport):
    bad = answering(reply(b"", status="503 Service Unavailable"))
    async with upstream(bad) as sick, upstream(answering(OK)) as well:
        layer, _ = of_raw(transport, sick, well)
        statuses = [(await layer(call(URL))).status for _ in range(60)]
    assert statuses.count(503) == IN_A_ROW
    assert set(statuses[2 * IN_A_ROW :]) == {200}


async def test_a_cut_answer_is_not_repeated(transport):
    async with upstream(once(OK[:-1])) as cut, upstream(answering(OK)) as well:
        layer, _ = of_raw(transport, cut, well)
        assert (await failure(layer, URL)).code is Code.BAD_PAYLOAD
    assert not well.requests

"""Slots, the queue, fairness, cancellation: nothing leaks and nobody waits for a stranger."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.call import Origin
from apiql.sources.http import PooledTransport
from apiql.sources.limits import TransportLimits
from tests.sources.raw_upstream import (
    OK,
    Peer,
    answering,
    call,
    failure,
    hanging,
    reply,
    until,
    upstream,
)


class Gate:
    """An upstream script that answers when told, and counts who is inside."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = self.peak = 0

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.inside += 1
            self.peak = max(self.peak, self.inside)
            await self.open.wait()
            await peer.send(OK)
            self.inside -= 1


async def test_calls_beyond_the_limit_wait_in_turn():
    two = PooledTransport(TransportLimits(connections_per_origin=2))
    gate = Gate()
    async with upstream(gate) as raw:
        calls = [asyncio.ensure_future(two(call(raw.origin, f"/{n}"))) for n in range(10)]
        await until(lambda: gate.inside == 2)
        occupancy = two.occupancy[raw.origin]
        assert (occupancy.open, occupancy.idle, occupancy.waiting) == (2, 0, 8)
        gate.open.set()
        await asyncio.gather(*calls)
        asked = [request.split(b" ")[1] for request in raw.requests]
        assert sorted(asked[:2]) == [b"/0", b"/1"]
        assert [int(path[1:]) // 2 for path in asked] == [n // 2 for n in range(10)]
        assert (gate.peak, raw.accepted) == (2, 2)
        assert two.occupancy[raw.origin].idle == 2
    await two.aclose()


async def test_a_call_waits_for_a_connection_until_its_deadline():
    one = PooledTransport(TransportLimits(connections_per_origin=1))
    gate = Gate()
    async with upstream(gate) as raw:
        first = asyncio.ensure_future(one(call(raw.origin)))
        await until(lambda: gate.inside == 1)
        failed = await failure(one, raw.origin, within=0.03)
        assert failed.code is Code.UPSTREAM_TIMEOUT
        assert "waited for a free connection" in failed.message
        assert one.occupancy[raw.origin].waiting == 0
        gate.open.set()
        assert (await first).body == b"ok"
    await one.aclose()


async def test_a_cancelled_waiting_call_leaves_the_queue_to_the_next():
    one = PooledTransport(TransportLimits(connections_per_origin=1))
    gate = Gate()
    async with upstream(gate) as raw:
        calls = [asyncio.ensure_future(one(call(raw.origin, f"/{n}"))) for n in range(4)]
        await until(lambda: gate.inside == 1)
        calls[1].cancel()
        gate.open.set()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(each, asyncio.CancelledError) for each in done] == [
            False,
            True,
            False,
            False,
        ]
        assert len(raw.requests) == 3
    await one.aclose()


async def test_a_connection_granted_to_a_call_that_is_cancelled_then_goes_on():
    one = PooledTransport(TransportLimits(connections_per_origin=1))
    async with upstream(answering(OK)) as raw:
        calls = [asyncio.ensure_future(one(call(raw.origin, f"/{n}"))) for n in range(3)]
        calls[0].add_done_callback(lambda _: calls[1].cancel())
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(done[1], asyncio.CancelledError)
        assert not isinstance(done[2], BaseException)
        assert one.occupancy[raw.origin].open == 1
    await one.aclose()


async def test_a_hanging_origin_does_not_hold_up_another():
    limits = TransportLimits(connections_per_origin=4, connections=10)
    pooled = PooledTransport(limits)
    async with upstream(hanging) as bad, upstream(answering(OK)) as good:
        stuck = [asyncio.ensure_future(pooled(call(bad.origin))) for _ in range(50)]
        await until(lambda: bad.open == 4)
        for _ in range(100):
            assert (await pooled(call(good.origin, within=0.5))).body == b"ok"
        for each in stuck:
            each.cancel()
        await asyncio.wait(stuck)
        await until(lambda: bad.open == 0)
        assert bad.origin not in pooled.occupancy
    await pooled.aclose()


async def test_a_resting_connection_makes_way_when_the_total_is_reached():
    pooled = PooledTransport(TransportLimits(connections=1))
    async with upstream(answering(OK)) as one, upstream(answering(OK)) as two:
        for _ in range(3):
            await pooled(call(one.origin))
            await pooled(call(two.origin))
        assert list(pooled.occupancy) == [two.origin]
    await pooled.aclose()


async def test_the_total_is_shared_in_turn_between_origins():
    pooled = PooledTransport(TransportLimits(connections=2))
    gate = Gate()
    ended: list[str] = []

    async def one(origin: Origin, name: str) -> None:
        await pooled(call(origin))
        ended.append(name)

    async with upstream(gate) as busy, upstream(answering(OK)) as other:
        first = [asyncio.ensure_future(one(busy.origin, "first")) for _ in range(2)]
        await until(lambda: gate.inside == 2)
        rest = [asyncio.ensure_future(one(other.origin, "late"))]
        await asyncio.sleep(0)
        rest += [asyncio.ensure_future(one(busy.origin, "later")) for _ in range(20)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(*first, *rest)
    assert ended.index("late") < 12
    await pooled.aclose()


class Tap:
    """Answers once, then lets the test write to the connection behind the loop's back."""

    def __init__(self) -> None:
        self.peer: Peer | None = None

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        self.peer = peer
        await peer.gone()

    def say(self, data: bytes) -> None:
        assert self.peer is not None
        os.write(self.peer.writer.get_extra_info("socket").fileno(), data)


@pytest.mark.parametrize("seen_by_the_loop", [True, False])
async def test_bytes_on_a_resting_connection_end_it(transport, seen_by_the_loop):
    tap = Tap()
    async with upstream(tap, answering(reply(b"next"))) as raw:
        await transport(call(raw.origin))
        tap.say(reply(b"forged"))
        if seen_by_the_loop:
            await until(lambda: not transport.occupancy)
        answer = await transport(call(raw.origin, method="POST", body=b"x"))
        assert answer.body == b"next"
        assert raw.accepted == 2


async def test_a_cancelled_call_ends_its_connection_at_once(transport):
    async with upstream(hanging) as raw:
        task = asyncio.ensure_future(transport(call(raw.origin)))
        await until(lambda: raw.open == 1)
        loop = asyncio.get_running_loop()
        start = loop.time()
        task.cancel()
        await until(lambda: raw.open == 0)
        assert loop.time() - start < 0.05
        assert not transport.occupancy
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_call_cancelled_while_it_connects_leaks_nothing():
    begun = asyncio.Event()

    async def connect(protocol, address, port, tls, name):
        begun.set()
        await asyncio.Event().wait()

    pooled = PooledTransport(connect=connect)
    task = asyncio.ensure_future(pooled(call(Origin("http", "127.0.0.1", 1, pinned=True))))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert not pooled.occupancy
    await pooled.aclose()


async def test_churn_of_cancelled_calls_leaks_no_slot_and_mixes_up_no_answers():
    pooled = PooledTransport(TransportLimits(connections_per_origin=8))
    chance = random.Random(7)

    async def echo(peer: Peer) -> None:
        while True:
            path = (await peer.request()).split(b" ")[1]
            await asyncio.sleep(0)
            await peer.send(reply(path))

    async def one(number: int) -> None:
        answer = await pooled(call(raw.origin, f"/{number}"))
        assert answer.body == b"/%d" % number

    async with upstream(echo) as raw:
        for start in range(0, 4000, 40):
            tasks = [asyncio.ensure_future(one(start + n)) for n in range(40)]
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            for task in tasks:
                if chance.random() < 0.7:
                    task.cancel()
            for done in await asyncio.gather(*tasks, return_exceptions=True):
                assert done is None or isinstance(done, asyncio.CancelledError)
        occupancy = pooled.occupancy.get(raw.origin)
        assert occupancy is None or (occupancy.open == occupancy.idle and not occupancy.waiting)
        await asyncio.gather(*(one(n) for n in range(100)))
        assert pooled.occupancy[raw.origin].idle <= 8
        await until(lambda: raw.open == pooled.occupancy[raw.origin].open)
    await pooled.aclose()


async def test_closing_fails_what_is_under_way_and_what_comes_later():
    one = PooledTransport(TransportLimits(connections_per_origin=1))
    async with upstream(hanging) as raw:
        calls = [asyncio.ensure_future(one(call(raw.origin))) for _ in range(3)]
        await until(lambda: raw.open == 1)
        await one.aclose()
        for done in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(done, CallFailed)
            assert done.code is Code.UPSTREAM_CONNECT
        assert (await failure(one, raw.origin)).message == "the transport is closed"
        assert not one.occupancy

"""Hedged reads: when a second try is made, who wins, what becomes of the other."""

from __future__ import annotations

import asyncio
import gc
import random
import time

import pytest

from apiql.errors import CallFailed, Code
from apiql.settings import Hedge
from apiql.sources.balance import Spread, balanced
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.hedge import Hedged
from apiql.sources.hosts import Host, Hosts
from apiql.sources.latencies import FEWEST
from apiql.sources.limits import Unreached
from tests.sources.raw_upstream import OK, Peer, answering, call, failure, hanging, until, upstream

URL = Origin("http", "shop.test", 80, True)
GOOD, OTHER, BAD = Reply(200, (), b"first"), Reply(200, (), b"second"), Reply(503, (), b"")
REFUSED = CallFailed(Code.UPSTREAM_CONNECT, "connection refused")
LATE = CallFailed(Code.UPSTREAM_TIMEOUT, "late")


class Tries:
    """Each try waits until its outcome is set."""

    def __init__(self) -> None:
        self.made: list[asyncio.Future[Reply]] = []
        self.cancelled: list[int] = []
        self.tried: list[list[Host]] = []

    async def __call__(self, made: Call, tried: list[Host]) -> Reply:
        number = len(self.made)
        self.tried.append(tried)
        self.made.append(asyncio.get_running_loop().create_future())
        try:
            return await self.made[number]
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise

    def end(self, number: int, outcome: Reply | CallFailed) -> None:
        if isinstance(outcome, CallFailed):
            self.made[number].set_exception(outcome)
        else:
            self.made[number].set_result(outcome)


def hedging(spread: Spread, *, budget: float = 1.0, least: float = 0.001) -> Hedged:
    """One that knows already that answers take no time."""
    hedged = Hedged("shop", spread, Hedge(budget=budget, least=least), time.monotonic)
    for _ in range(FEWEST):
        hedged._latencies.add(0.0)
    return hedged


async def both(tries: Tries, hedged: Hedged, **more) -> asyncio.Future[Reply]:
    """A read whose two tries are under way."""
    task = asyncio.ensure_future(hedged(call(URL, **more)))
    await until(lambda: len(tries.made) == 2)
    return task


def counts(hedged: Hedged) -> tuple[float, float]:
    begun, won = (figure.value for figure in hedged.figures())
    return begun, won


async def test_one_that_answers_in_time_is_made_once():
    tries = Tries()
    hedged = hedging(tries, least=5.0)
    task = asyncio.ensure_future(hedged(call(URL)))
    await until(lambda: len(tries.made) == 1)
    tries.end(0, GOOD)
    assert await task == GOOD
    assert counts(hedged) == (0, 0)
    assert not hedged.seconds


async def test_the_second_try_wins_and_the_first_is_cancelled():
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    assert tries.tried[0] is tries.tried[1]
    tries.end(1, OTHER)
    assert await task == OTHER
    assert tries.cancelled == [0]
    assert counts(hedged) == (1, 1)
    assert not hedged.seconds


async def test_the_first_try_wins_and_the_second_is_cancelled():
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    tries.end(0, GOOD)
    assert await task == GOOD
    await until(lambda: tries.cancelled == [1])
    assert counts(hedged) == (1, 0)


@pytest.mark.parametrize("bad", [REFUSED, BAD])
async def test_a_second_try_that_ends_badly_is_not_minded(bad):
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    tries.end(1, bad)
    await until(lambda: not hedged.seconds)
    assert not task.done()
    tries.end(0, GOOD)
    assert await task == GOOD


@pytest.mark.parametrize("bad", [REFUSED, BAD])
async def test_a_first_try_that_ends_badly_waits_for_the_second(bad):
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    tries.end(0, bad)
    await asyncio.sleep(0)
    assert not task.done()
    tries.end(1, OTHER)
    assert await task == OTHER
    assert counts(hedged) == (1, 1)


async def test_both_fail_and_the_first_failure_is_told():
    for order in ((0, 1), (1, 0)):
        tries = Tries()
        task = await both(tries, hedging(tries))
        for number in order:
            tries.end(number, (REFUSED, LATE)[number])
            await asyncio.sleep(0)
        with pytest.raises(CallFailed) as failed:
            await task
        assert failed.value == REFUSED


async def test_a_bad_answer_is_better_than_two_failures():
    tries = Tries()
    task = await both(tries, hedging(tries))
    tries.end(0, BAD)
    tries.end(1, LATE)
    assert await task == BAD


async def test_a_quick_failure_is_no_reason_for_a_second_try():
    tries = Tries()
    hedged = hedging(tries, least=5.0)
    task = asyncio.ensure_future(hedged(call(URL)))
    await until(lambda: len(tries.made) == 1)
    tries.end(0, REFUSED)
    with pytest.raises(CallFailed):
        await task
    assert len(tries.made) == 1


@pytest.mark.parametrize(("method", "body"), [("POST", None), ("GET", b"x"), ("DELETE", None)])
async def test_only_reads_are_hedged(method, body):
    tries = Tries()
    hedged = hedging(tries)
    task = asyncio.ensure_future(hedged(call(URL, method=method, body=body)))
    await asyncio.sleep(0.02)
    assert len(tries.made) == 1
    tries.end(0, GOOD)
    await task


async def test_a_cancelled_caller_cancels_both():
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: sorted(tries.cancelled) == [0, 1] and not hedged.seconds)


async def test_a_caller_cancelled_while_it_waits_for_the_second_cancels_it():
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    tries.end(0, REFUSED)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: tries.cancelled == [1])


async def test_a_caller_cancelled_as_the_second_wins_stays_cancelled():
    for early in (True, False):
        tries = Tries()
        task = await both(tries, hedging(tries))
        if early:
            task.cancel()
        tries.end(1, OTHER)
        if not early:
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_caller_that_was_won_for_can_be_timed_out_afterwards():
    tries = Tries()
    hedged = hedging(tries)

    async def caller() -> None:
        async with asyncio.timeout(0.05):
            await hedged(call(URL))
            await asyncio.Event().wait()

    task = asyncio.ensure_future(caller())
    await until(lambda: len(tries.made) == 2)
    tries.end(1, OTHER)
    with pytest.raises(TimeoutError):
        await task
    assert not task.cancelling()


async def test_the_budget_is_never_exceeded():
    class Slow:
        made = 0

        async def __call__(self, _: Call, __: list[Host]) -> Reply:
            self.made += 1
            await asyncio.sleep(0.005)
            return GOOD

    slow = Slow()
    hedged = hedging(slow, budget=0.05)
    for _ in range(10):
        await asyncio.gather(*[hedged(call(URL)) for _ in range(40)])
    begun, _ = counts(hedged)
    assert 0 < begun <= 0.05 * 400
    assert 400 < slow.made <= 400 + begun


async def test_few_answers_say_nothing():
    tries = Tries()
    hedged = Hedged("shop", tries, Hedge(budget=1.0, least=0.001), time.monotonic)
    for number in range(FEWEST):
        task = asyncio.ensure_future(hedged(call(URL)))
        await until(lambda number=number: len(tries.made) == number + 1)  # type: ignore[misc]
        await asyncio.sleep(0.003)
        tries.end(number, GOOD)
        await task
    assert counts(hedged) == (0, 0)
    assert len(tries.made) == FEWEST


async def test_closing_ends_second_tries_and_fails_nobody():
    tries = Tries()
    hedged = hedging(tries)
    task = await both(tries, hedged)
    tries.end(0, REFUSED)
    await asyncio.sleep(0)
    await hedged.aclose()
    with pytest.raises(CallFailed):
        await task
    assert tries.cancelled == [1]


async def test_nothing_is_left_behind():
    lost: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    for first, second in ((REFUSED, LATE), (GOOD, LATE), (GOOD, OTHER)):
        tries = Tries()
        task = await both(tries, hedging(tries))
        tries.end(1, second)
        tries.end(0, first)
        await asyncio.wait([task])
        task.exception()
        del tries, task
    gc.collect()
    assert not lost


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_every_call_ends_once_and_nothing_is_held(seed):
    chance = random.Random(seed)

    async def host(_: Call) -> Reply:
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.002, 0.004]))
        match chance.randrange(6):
            case 0:
                raise Unreached(Code.UPSTREAM_CONNECT, "refused", retryable=True)
            case 1:
                return BAD
            case _:
                return GOOD

    made = [Host(Origin("http", name, 80, True), host) for name in "abc"]
    hosts = Hosts("shop", made, clock=time.monotonic, random=chance.random)
    hedged = hedging(balanced(hosts, time.monotonic, 5.0), budget=0.5, least=0.001)
    unasked = 0

    async def one() -> None:
        nonlocal unasked
        task = asyncio.current_task()
        assert task is not None
        try:
            async with asyncio.timeout(chance.choice([0.0005, 0.002, 1.0])):
                found = await hedged(call(URL))
            assert found in (GOOD, BAD)
        except CallFailed as failed:
            assert failed.code is Code.UPSTREAM_CONNECT  # noqa: PT017
        except TimeoutError:
            pass
        unasked += task.cancelling()

    tasks = [asyncio.ensure_future(one()) for _ in range(400)]
    await asyncio.sleep(0.001)
    leaving = chance.sample(tasks, 40)
    for task in leaving:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each is None or isinstance(each, asyncio.CancelledError) for each in done)
    assert unasked == 0
    await until(lambda: not hedged.seconds)
    assert [host.busy for host in hosts.all] == [0, 0, 0]
    assert 0 < counts(hedged)[0] <= 200


# -- over real sockets --------------------------------------------------------------------------


async def test_a_slow_host_is_beaten_and_its_connection_ends_at_once(transport):
    gone = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await peer.gone()
        gone.set()

    async with upstream(slow) as one, upstream(answering(OK)) as two:
        hosts = Hosts(
            "shop",
            [Host(one.origin, transport), Host(two.origin, transport)],
            clock=time.monotonic,
            random=lambda: 0.0,
        )
        hedged = hedging(balanced(hosts, time.monotonic, 5.0), least=0.02)
        assert (await hedged(call(URL))).body == b"ok"
        async with asyncio.timeout(0.05):
            await gone.wait()
        assert counts(hedged) == (1, 1)
        assert [host.busy for host in hosts.all] == [0, 0]
        assert [host.failures for host in hosts.all] == [0, 0]


async def test_both_hosts_hang_and_the_call_ends_at_its_deadline(transport):
    async with upstream(hanging) as one, upstream(hanging) as two:
        hosts = Hosts(
            "shop",
            [Host(one.origin, transport), Host(two.origin, transport)],
            clock=time.monotonic,
            random=lambda: 0.0,
        )
        hedged = hedging(balanced(hosts, time.monotonic, 5.0))
        assert (await failure(hedged, URL, within=0.1)).code is Code.UPSTREAM_TIMEOUT
        await until(lambda: one.open == two.open == 0)
        assert one.accepted == two.accepted == 1

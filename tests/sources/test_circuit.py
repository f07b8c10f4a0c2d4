"""The circuit as a state machine in virtual time, and what its layer counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import CallFailed, Code
from apiql.sources.breaker import guarded, verdict_of
from apiql.sources.call import Call, Origin, Reply
from apiql.sources.circuit import BreakerRules, Circuit, Phase, Verdict
from apiql.sources.limits import Unreached
from apiql.sources.refusals import Refused
from apiql.sources.window import Window

RULES = BreakerRules()
HOME = Origin("http", "upstream.test", 80, pinned=True)


def no_jitter() -> float:
    return 0.0


def made(rules: BreakerRules = RULES) -> Circuit:
    return Circuit(rules, no_jitter)


def fail(circuit: Circuit, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        circuit.settle(circuit.epoch, Verdict.FAILED, now)


def test_so_many_failures_in_a_row_open_it() -> None:
    circuit = made()
    fail(circuit, 4)
    assert circuit.phase is Phase.CLOSED
    fail(circuit, 1)
    assert (circuit.phase, circuit.until, circuit.opened) == (Phase.OPEN, 10.0, 1)
    assert circuit.why == "5 calls in a row failed"


def test_an_answer_between_failures_begins_the_row_anew() -> None:
    circuit = made()
    fail(circuit, 4)
    circuit.settle(circuit.epoch, Verdict.WELL, 0.0)
    fail(circuit, 4)
    assert circuit.phase is Phase.CLOSED


def test_half_of_enough_calls_open_it() -> None:
    circuit = made()
    for _ in range(9):
        circuit.settle(circuit.epoch, Verdict.WELL, 0.0)
        fail(circuit, 1)
    circuit.settle(circuit.epoch, Verdict.WELL, 0.0)
    assert circuit.opened == 0
    fail(circuit, 1)
    assert circuit.phase is Phase.OPEN
    assert circuit.why == "10 of the last 20 calls failed"


def test_what_is_older_than_the_window_does_not_count() -> None:
    circuit = made()
    for now in range(9):
        circuit.settle(circuit.epoch, Verdict.WELL, now * 5.0)
        fail(circuit, 2, now * 5.0)
    assert circuit.phase is Phase.CLOSED


def test_one_probe_at_a_time() -> None:
    circuit = made()
    fail(circuit, 5)
    assert circuit.wait(9.9) == pytest.approx(0.1)
    assert circuit.wait(10.0) == 0.0
    assert circuit.phase is Phase.PROBING
    assert [circuit.wait(10.0) for _ in range(3)] == [1.0] * 3


def test_a_probe_that_is_answered_closes_it() -> None:
    circuit = made()
    fail(circuit, 5)
    circuit.wait(10.0)
    assert circuit.settle(circuit.epoch, Verdict.WELL, 10.1)
    assert circuit.phase is Phase.CLOSED
    fail(circuit, 4, 10.2)
    assert circuit.phase is Phase.CLOSED
    fail(circuit, 1, 10.2)
    assert circuit.until == pytest.approx(20.2)


def test_its_time_doubles_with_each_probe_that_fails_up_to_the_longest() -> None:
    circuit = made()
    fail(circuit, 5)
    lasted = []
    now = 0.0
    for _ in range(8):
        lasted.append(circuit.until - now)
        now = circuit.until
        assert circuit.wait(now) == 0.0
        fail(circuit, 1, now)
    assert lasted == [10, 20, 40, 80, 160, 300, 300, 300]


def test_a_probe_whose_caller_left_lets_the_next_one_be_it() -> None:
    circuit = made()
    fail(circuit, 5)
    circuit.wait(10.0)
    assert not circuit.settle(circuit.epoch, Verdict.NOTHING, 10.5)
    assert circuit.wait(10.5) == 0.0
    assert circuit.phase is Phase.PROBING


def test_a_probe_with_too_little_time_costs_a_period_that_is_no_longer() -> None:
    circuit = made()
    fail(circuit, 5)
    circuit.wait(10.0)
    circuit.settle(circuit.epoch, Verdict.UNKNOWN, 10.0)
    assert (circuit.phase, circuit.until) == (Phase.OPEN, 20.0)


def test_calls_from_before_a_change_are_not_counted() -> None:
    circuit = made()
    before = circuit.epoch
    fail(circuit, 5)
    circuit.wait(10.0)
    assert not circuit.settle(before, Verdict.WELL, 10.0)
    assert circuit.phase is Phase.PROBING


def test_jitter_only_shortens() -> None:
    circuit = Circuit(RULES, lambda: 1.0)
    fail(circuit, 5)
    assert circuit.until == pytest.approx(9.0)


def test_what_others_say_opens_it_but_not_twice() -> None:
    circuit = made()
    assert circuit.hear(30.0, 2)
    assert not circuit.hear(30.01, 2)
    assert circuit.wait(29.0) == pytest.approx(1.0)
    assert circuit.wait(30.0) == 0.0
    assert not circuit.hear(99.0, 3)  # it is finding out for itself


STEPS = st.lists(
    st.tuples(st.sampled_from([*Verdict, None]), st.floats(0, 30), st.booleans()), max_size=60
)


@given(STEPS)
def test_whatever_happens_it_lets_calls_through_again(steps) -> None:
    """Never more than one probe, and after the longest time there is always one."""
    circuit, now, waiting = made(), 0.0, 0
    under_way: list[int] = []
    for verdict, passed, old in steps:
        now += passed
        if verdict is None:
            probing = circuit.phase is not Phase.CLOSED
            if circuit.wait(now) == 0.0:
                under_way.append(circuit.epoch)
                waiting += probing
        elif under_way:
            circuit.settle(under_way.pop(0 if old else -1), verdict, now)
        if circuit.phase is Phase.PROBING:
            assert under_way.count(circuit.epoch) == 1
        if circuit.phase is Phase.OPEN:
            assert circuit.until <= now + RULES.longest
    for epoch in under_way:
        circuit.settle(epoch, Verdict.NOTHING, now)
    assert circuit.wait(now + RULES.longest) == 0.0


@given(st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=200))
def test_a_window_counts_its_span_to_a_tenth(calls) -> None:
    """What came within nine tenths of it is there, what is older than the span is not."""
    window, now, told = Window(10.0), 0.0, []
    for passed, marked in calls:
        now += passed
        window.look(now)
        window.count()
        if marked:
            window.mark()
        told.append((now, marked))
        young = [mark for at, mark in told if at > now - 9.0]
        old = [mark for at, mark in told if at >= now - 10.001]
        assert len(young) <= window.calls <= len(old)
        assert sum(young) <= window.marked <= sum(old)


def test_what_was_unseen_is_spread_over_the_time_since() -> None:
    """Of a day of answers only those of the last seconds stand beside a failure."""
    window = Window(10.0)
    window.look(0.0)
    window.unseen += 100
    window.look(5.0)
    assert window.calls == 100
    window.unseen += 86_400
    window.look(86_405.0)
    assert (window.calls, window.unseen) == (10, 0)
    window.look(86_500.0)
    assert window.calls == 0


def test_a_window_counts_what_came_before_it_was_looked_at() -> None:
    window = Window(10.0)
    window.unseen += 7
    window.look(1000.0)
    assert window.calls == 7


# -- the layer ----------------------------------------------------------------------------------


@dataclass
class Host:
    """An upstream that answers with what it is told to, and the clock it lives by."""

    answers: Reply | CallFailed | None = field(default_factory=lambda: Reply(200, (), b""))
    now: float = 100.0
    calls: int = 0
    moves: list[str] = field(default_factory=list)
    slow: float = 0.0

    def __post_init__(self) -> None:
        self.circuit = made()
        self.layer = guarded(
            self._answer, self.circuit, 5.0, lambda it: self.moves.append(it.phase.value),
            lambda: self.now,
        )  # fmt: skip

    async def _answer(self, call: Call) -> Reply:
        self.calls += 1
        self.now += self.slow
        if self.answers is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(self.answers, CallFailed):
            raise self.answers
        assert self.answers is not None
        return self.answers

    async def call(self, seconds: float = 5.0) -> str:
        try:
            call = Call("GET", HOME, "/", (), None, self.now + seconds)
            return str((await self.layer(call)).status)
        except CallFailed as failed:
            return failed.code.value


async def test_a_dead_host_sees_five_calls_then_one_a_period() -> None:
    host = Host(Reply(503, (), b""))
    assert [await host.call() for _ in range(8)] == ["503"] * 5 + ["CIRCUIT_OPEN"] * 3
    host.now += 10
    assert [await host.call() for _ in range(3)] == ["503", "CIRCUIT_OPEN", "CIRCUIT_OPEN"]
    host.now += 19
    assert await host.call() == "CIRCUIT_OPEN"
    host.now += 1
    host.answers = Reply(404, (), b"")
    assert [await host.call() for _ in range(3)] == ["404"] * 3
    assert host.moves == ["open", "open", "closed"]
    assert host.calls == 5 + 1 + 3


async def test_the_refusal_says_when_to_come_again() -> None:
    host = Host(CallFailed(Code.UPSTREAM_CONNECT, "refused"))
    for _ in range(5):
        await host.call()
    host.now += 2.5
    with pytest.raises(Refused) as refused:
        await host.layer(Call("GET", HOME, "/", (), None, host.now + 5))
    assert refused.value.wait == pytest.approx(7.5)
    assert refused.value.retryable
    assert "7.5 s" in (refused.value.hint or "")


async def test_a_cancelled_probe_frees_the_way() -> None:
    host = Host(Reply(500, (), b""))
    for _ in range(5):
        await host.call()
    host.now += 10
    host.answers = None
    probe = asyncio.ensure_future(host.call())
    await asyncio.sleep(0)
    assert await host.call() == "CIRCUIT_OPEN"
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    host.answers = Reply(200, (), b"")
    assert await host.call() == "200"
    assert host.circuit.phase is Phase.CLOSED


async def test_calls_that_give_too_little_time_close_no_way() -> None:
    """`within 5ms` is the caller's own doing; half of the usual time is the upstream's."""
    host = Host(CallFailed(Code.UPSTREAM_TIMEOUT, "late"), slow=0.005)
    for _ in range(40):
        assert await host.call(0.005) == "UPSTREAM_TIMEOUT"
    host.slow = 2.5
    for _ in range(5):
        assert await host.call(2.5) == "UPSTREAM_TIMEOUT"
    assert await host.call(2.5) == "CIRCUIT_OPEN"


LATE, DEAD, GARBLED = Code.UPSTREAM_TIMEOUT, Code.UPSTREAM_CONNECT, Code.BAD_PAYLOAD


@pytest.mark.parametrize(
    ("failed", "verdict"),
    [
        (CallFailed(DEAD, ""), Verdict.FAILED),
        (CallFailed(GARBLED, ""), Verdict.FAILED),
        (Unreached(LATE, "no connection"), Verdict.FAILED),
        (Refused(LATE, "waited"), Verdict.NOTHING),
        (Refused(Code.UPSTREAM_BUSY, ""), Verdict.NOTHING),
        (CallFailed(Code.UPSTREAM_TOO_LARGE, ""), Verdict.NOTHING),
        (CallFailed(Code.FORBIDDEN_UPSTREAM, ""), Verdict.NOTHING),
        (CallFailed(Code.BAD_VALUE, ""), Verdict.NOTHING),
    ],
)
def test_what_counts(failed: CallFailed, verdict: Verdict) -> None:
    assert verdict_of(failed, deadline=105.0, began=100.0, ended=103.0, least=2.5) is verdict

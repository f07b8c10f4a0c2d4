"""Tries of a call in time, and the failures of many elements: what golden cases cannot show."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.engine import Engine, Query
from apiql.errors import CallFailed, Code
from apiql.runtime.assemble import Answer
from apiql.settings import Settings
from apiql.sources.addresses import parse_url
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.limits import Unreached
from apiql.sources.refusals import NotAgain, Refused
from tests.harness.script import Exchange, key_of
from tests.harness.stage import Stage

URL = "http://upstream.test"
HOME, _ = parse_url(URL)
MOST = -1


class Timed:
    """An engine in virtual time; every call is answered by `status`, and its moment is noted."""

    def __init__(self, draw: int = MOST, **limits: Any) -> None:
        self.moments: list[float] = []
        self.stage = Stage(self._answering, HOME)
        self._began = self.stage.now
        self.engine = Engine(
            Settings.model_validate({"upstreams": {"default": {"url": URL}}, "limits": limits}),
            self.stage.layer,
            clock=self.stage.clock,
            random_bits=lambda bits: draw % (1 << bits),
        )

    def answer(self, text: str, **params: Any) -> Answer:
        """The answer to a query."""
        return self.stage.run(self.engine.answer(Query(text, params)))

    @property
    def passed(self) -> float:
        """The seconds since the start."""
        return round(self.stage.now - self._began, 3)

    def _answering(self, call: Call) -> Exchange:
        self.moments.append(self.passed)
        number = call.target.rpartition("/")[2]
        status = int(number) if number.isdigit() else 503
        return Exchange(call.method, call.target, None, Reply(status, (), b""), 0.0,
                        line=key_of(call, HOME))  # fmt: skip


def test_pauses_double() -> None:
    """The longest that is drawn."""
    timed = Timed()
    assert timed.answer("select * from /a as a retry 3 backoff 100ms").status == 502
    assert timed.moments == [0.0, 0.1, 0.3, 0.7]


def test_pauses_are_drawn() -> None:
    """Half the bits, half the pause."""
    timed = Timed(draw=(1 << 15) - 1)
    timed.answer("select * from /a as a retry 2 backoff 100ms")
    assert timed.moments == pytest.approx([0.0, 0.05, 0.15], abs=0.001)


def test_the_usual_pause() -> None:
    """Where the text names none."""
    timed = Timed()
    timed.answer("select * from /a as a retry 2")
    assert timed.moments == [0.0, 0.05, 0.15]


def test_a_pause_that_leaves_no_time_is_not_begun() -> None:
    """The failure is there at once."""
    timed = Timed()
    answer = timed.answer("select * from /a as a timeout 500ms retry 3 backoff 200ms")
    assert timed.moments == [0.0, 0.2]
    assert timed.passed == 0.2
    assert [error["code"] for error in answer.errors] == ["UPSTREAM_STATUS"]


def test_a_pause_holds_up_nobody() -> None:
    """Who waits to try again gives its turn to others."""
    timed = Timed(query_concurrency=1)
    timed.answer("select * from /a as a retry 1 backoff 1s; select * from /b as b retry 0")
    assert timed.moments == [0.0, 0.0, 1.0]


def engine(upstream: Layer, **upstreams: Any) -> Engine:
    """One that makes at most seven calls for a query."""
    found = {"upstreams": {"default": {"url": URL, **upstreams}}, "limits": {"calls": 7}}
    return Engine(Settings.model_validate(found), upstream)


async def test_what_is_refused_here_is_not_tried_again() -> None:
    """A moment later it would be refused again."""
    made: list[int] = []

    async def upstream(call: Call) -> Reply:
        made.append(call.attempt)
        raise Refused(Code.CIRCUIT_OPEN, "was not called: its circuit is open", retryable=True)

    found = await engine(upstream).answer(Query("select * from /a as a retry 2"))
    assert (made, [error["code"] for error in found.errors]) == ([0], ["CIRCUIT_OPEN"])


async def test_tries_that_nobody_asked_for_break_no_limit() -> None:
    """Where no calls are left the failure is that of the call, and not that there were too many."""
    calls: list[str] = []

    async def upstream(call: Call) -> Reply:
        calls.append(call.target)
        raise Unreached(Code.UPSTREAM_CONNECT, "connection refused", retryable=True)

    ids = {"ids": [*range(7)]}
    usual = engine(upstream, retry={"times": 9, "backoff": "1ms"}, concurrency=1)
    found = await usual.answer(Query("select * from /a as a where id in $ids", ids))
    assert len(calls) == 7
    assert found.errors[0]["code"] == "UPSTREAM_CONNECT"


async def test_a_try_that_is_one_too_many_takes_no_call_from_others() -> None:
    """Nor where equal reads share it."""
    made: list[str] = []

    async def upstream(call: Call) -> Reply:
        if call.attempt:
            raise NotAgain(Code.UPSTREAM_CONNECT, "too many calls have been made again")
        made.append(call.target)
        return Reply(503 if call.target == "/a/1" else 200, (), b"")

    text = """select * from /a/{id} as a where id = $x retry 1 optional;
    select * from /a/{id} as b where id = $y retry 1 optional;
    select * from /c as c where id in $ids after a, b"""
    found = await engine(upstream).answer(Query(text, {"x": 1, "y": "1", "ids": [*range(6)]}))
    assert len(made) == 7
    assert [error["code"] for error in found.errors] == ["UPSTREAM_STATUS"] * 2


IDS = [404] * 15 + [[409] * 10, 500, None, 404]


def test_many_failures_are_counted_by_kind() -> None:
    """The first twenty with their places, the others as one for each code and status."""
    answer = Timed().answer("select * from /x/{id} as a where id in $ids", ids=IDS)
    told, counted = answer.errors[:20], answer.errors[20:]
    places = [["a", n] for n in range(15)] + [["a", 15, n] for n in range(5)]
    assert [error["path"] for error in told] == places
    assert [(e["code"], e["status"], e["count"], e["path"], e["message"]) for e in counted] == [
        ("UPSTREAM_STATUS", 409, 5, ["a"], "a: 5 more of its elements failed"),
        ("UPSTREAM_STATUS", 500, 1, ["a"], "a: 1 more of its elements failed"),
        ("UPSTREAM_STATUS", 404, 1, ["a"], "a: 1 more of its elements failed"),
    ]
    assert answer.status == 502


def test_those_that_are_counted_have_their_status() -> None:
    """The highest is the highest of all, and no other."""
    found = Timed().answer("use status max; select * from /x/{id} as a where id in $ids", ids=IDS)
    assert found.status == 500
    ids = [404] * 30
    found = Timed().answer("use status max; select * from /x/{id} as a where id in $ids", ids=ids)
    assert found.status == 404


def test_as_many_failures_as_are_told() -> None:
    """Twenty are told one by one."""
    answer = Timed().answer("select * from /x/{id} as a where id in $ids", ids=[404] * 20)
    assert [error["path"] for error in answer.errors] == [["a", n] for n in range(20)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select * from /x/{id} as a where id in $ids", 21),
        ("select * from /x as a where id in $ids batch 1", 1),
    ],
)
async def test_what_takes_all_along_does_so_when_it_is_counted(text: str, told: int) -> None:
    """A late call of a source whose lateness means that there is no data."""

    async def upstream(call: Call) -> Reply:
        if call.target.endswith("20"):
            raise CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came in time")
        return Reply(404, (), b"")

    found = {"upstreams": {"default": {"url": URL, "on_timeout": "required"}}}
    engine = Engine(Settings.model_validate(found), upstream)
    answer = await engine.answer(Query(text, {"ids": [*range(21)]}))
    assert (answer.data, len(answer.errors)) == (b"null", told)


def test_warnings_are_counted_apart() -> None:
    """What a fallback stands in for is told, and spoils nothing."""
    text = "select * from /x/{id} as a where id in $ids fallback 0"
    answer = Timed().answer(text, ids=[404] * 30)
    assert answer.status == 200
    assert all(error["warning"] for error in answer.errors)
    assert answer.errors[20]["count"] == 10

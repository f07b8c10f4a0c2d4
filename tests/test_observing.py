"""What is told of a run: events made of it at once or later, without secrets."""

from __future__ import annotations

from apiql.errors import Code
from apiql.events import CallMade, Event, Queued
from apiql.ir.redaction import Redaction
from apiql.observing import Happened, telling
from apiql.runtime.told import call_ended
from apiql.server.under_way import UnderWay
from apiql.server.visit import Visit
from apiql.sources.call import Call, Origin, Reply

SECRET = "s3cret-4711"
CALL = Call("GET", Origin("http", "a", 80), f"/x?key={SECRET}", (), None, 0.0)
ANSWERED = call_ended(
    "a", "users", CALL, 1.0, 2.0, Reply(200, (), b"{}", 5.0, True, "hit", 9.0), None
)
UNANSWERED = call_ended("a", "users", CALL, 1.0, 2.0, None, Code.UPSTREAM_TIMEOUT)


def test_a_call_that_has_ended_is_an_event() -> None:
    assert ANSWERED.event == CallMade(
        "a", "users", "GET", CALL.target, 1.0, 2.0, 200, 2, None, 5.0, True, "hit", 9.0
    )
    assert UNANSWERED.event == CallMade(
        "a", "users", "GET", CALL.target, 1.0, 2.0, None, 0, Code.UPSTREAM_TIMEOUT,
        use="fwd=uri-miss",
    )  # fmt: skip


def test_what_is_told_later_is_what_is_told_at_once() -> None:
    waited, hide = Queued("a", 1.0, 2.0), Redaction([SECRET])
    at_once: list[Event] = []
    later = Happened()
    for tell in (telling(at_once.append, hide), telling(later, hide)):
        tell(ANSWERED)
        tell(waited)
    assert [*later] == [*later] == at_once
    assert at_once[1] == waited
    assert SECRET not in repr(at_once)
    assert SECRET in repr(ANSWERED.event)


def test_the_oldest_under_way_is_shown_first() -> None:
    under_way = UnderWay(lambda visit: "")
    visits = [Visit({}, None, {}, b"%d" % n, begun=9.0 - n) for n in range(3)]  # type: ignore[arg-type]
    for visit in visits:
        under_way.begun(visit)
    under_way.ended(visits[1])
    under_way.ended(visits[1])
    assert [found["id"] for found in under_way.shown()] == ["2", "0"]

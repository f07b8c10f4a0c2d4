"""The replay of recordings itself: it sees each kind of difference, and nothing where none is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from apiql.sources.call import Call, Origin
from tests.apihub.comparing import Comparison, same_text
from tests.apihub.replay import Deviation, Replayed, replay, table, unexplained
from tests.apihub.traces import BEGAN, Asked, Expected, Got, Trace, traces_of
from tests.apihub.upstream import HOST, PORT, Seen, Upstream
from tests.virtual import virtually

HERE = Origin("http", HOST, PORT, pinned=True)
CALL = Seen("GET", "/a", "b=1", {"x-h": "1", "user-agent": "Go"}, '{"n": 1}')
BODY = '{"v": 1795246183.2082362, "l": [1, 2]}'
RIGHT = Expected(200, "application/json; charset=utf-8", BODY, (CALL,), None)
TRACE = Trace(7, Asked("GET", "/api/x", {}, b""), (RIGHT,), 1, 0.0)
GOT = Got(200, "application/json;charset=utf-8", b'{"l":[1,2.0],"v":1795246190.5}')


def differing(
    got: Got = GOT, calls: tuple[Seen, ...] = (CALL,), most: int = 1, trace: Trace = TRACE
) -> list[str]:
    """The first word of each difference."""
    return [line.split(":")[0] for line in Comparison().differences(trace, got, calls, most)]


def test_what_is_right_has_no_difference() -> None:
    assert differing() == []
    call = CALL._replace(headers={"x-h": "1", "accept": "*/*"}, body='{"n":1}')
    assert differing(calls=(call,)) == []


@pytest.mark.parametrize(
    ("got", "word"),
    [
        (GOT._replace(status=201), "status"),
        (GOT._replace(media="text/html"), "media"),
        (GOT._replace(body=b'{"l":[2,1],"v":1795246190.5}'), "body"),
        (GOT._replace(body=b'{"l":[1,2,3],"v":1795246190.5}'), "body"),
        (GOT._replace(body=b'{"l":[true,2],"v":1795246190.5}'), "body"),
        (GOT._replace(body=b'{"l":[1,2]}'), "body"),
        (GOT._replace(body=b""), "body"),
    ],
)
def test_differences_of_answers(got: Got, word: str) -> None:
    assert differing(got) == [word]


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"}, {"path": "/b"}, {"query": "b=2"}, {"headers": {"x-h": "2"}},
        {"headers": {}}, {"headers": {"x-h": "1", "x-i": "1"}}, {"body": ""},
    ],
)  # fmt: skip
def test_differences_of_calls(changed: dict[str, Any]) -> None:
    assert differing(calls=(CALL._replace(**changed),)) == ["upstream 0"]


def test_calls_that_are_missing_too_many_or_in_another_order() -> None:
    assert differing(calls=()) == ["upstream"]
    assert differing(calls=(CALL, CALL)) == ["upstream"]
    other = CALL._replace(path="/b")
    two = replace(TRACE, expected=(replace(RIGHT, upstream=(CALL, other)),))
    assert differing(calls=(other, CALL), trace=two) == ["upstream 0", "upstream 1"]
    beside = replace(two, most=2)
    assert differing(calls=(other, CALL), most=2, trace=beside) == []
    assert differing(calls=(other, CALL), most=1, trace=beside) == ["in flight"]


def test_refusals_are_compared_by_their_class_and_what_they_tell() -> None:
    refused = replace(RIGHT, status=500, body="null", media=None)
    trace = replace(TRACE, expected=(refused,))
    assert differing(Got(502, "x", b"{}"), trace=trace) == []
    assert differing(Got(404, "x", b"{}"), trace=trace) == ["status"]
    assert differing(trace=trace) == ["status"]
    told = replace(TRACE, expected=(replace(refused, body='{"code": "500", "root": "x"}'),))
    assert differing(Got(500, "x", b'{"code":"500","root":"x","more":1}'), trace=told) == []
    assert differing(Got(500, "x", b'{"code":"500","root":"y"}'), trace=told) == ["body"]


def test_one_of_several_answers_is_enough() -> None:
    either = replace(TRACE, expected=(RIGHT, replace(RIGHT, status=503, body="", upstream=())))
    assert differing(trace=either) == []
    assert differing(Got(503, "", b""), (), 0, either) == []


def test_calls_that_notify_stand_apart() -> None:
    told = replace(RIGHT, notify=("/cgi-bin/message/send",))
    trace = replace(TRACE, expected=(told,))
    assert differing(calls=(CALL,), trace=trace) == ["notify"]
    assert differing(calls=(CALL, CALL._replace(path="/cgi-bin/message/send")), trace=trace) == []


def test_what_is_made_anew_is_the_same_wherever_it_was() -> None:
    comparison = Comparison()
    assert comparison.differences(TRACE, GOT, (CALL,), 1) == []
    assert comparison.differences(TRACE, GOT, (CALL,), 1) == []
    anew = GOT._replace(body=b'{"l":[1,2],"v":1795246191.5}')
    assert [line[:4] for line in comparison.differences(TRACE, anew, (CALL,), 1)] == ["body"]


def test_bodies_in_texts_and_one_behind_the_other() -> None:
    assert same_text('{"a": "{\\"x\\": 1, \\"y\\": [\\"\\u003c\\"]}"}',
                     '{"a":"{\\"y\\":[\\"<\\"],\\"x\\":1}"}', {})  # fmt: skip
    assert same_text("[1][2]", "[1]\n[2]", {})
    assert not same_text("[1][2]", "[1]", {})
    assert not same_text("<p>1</p>", "<p>2</p>", {})


def test_deviations_explain_and_must_occur() -> None:
    one = Replayed(TRACE, GOT, ("upstream 0: path",))
    meant = Deviation(7, "/api/x", "upstream", "why")
    assert unexplained([one], [meant]) == []
    assert unexplained([one], []) == ["7 /api/x: upstream 0: path"]
    assert "no longer differs" in unexplained([replace(one, differences=())], [meant])[0]
    assert "meant: why" in table([one], [meant])
    assert "upstream 0: path" in table([one], [])


@virtually
async def test_a_replay_waits_in_its_own_time_and_sees_calls_beside_each_other() -> None:
    loop = asyncio.get_running_loop()
    upstream = Upstream(lambda: BEGAN + loop.time())

    async def gateway(asked: Asked) -> Got:
        target = asked.path.removeprefix("/api")
        call = Call("GET", HERE, target, (), None, 0.0)
        first, _ = await asyncio.gather(upstream(call), upstream(call))
        return Got(first.status, first.header("content-type") or "", first.body)

    asked = Asked("GET", "/api/echo?sleep=0.2", {}, b"")
    found = await replay([replace(TRACE, asked=asked, wait=3.0)], gateway, upstream)
    assert loop.time() == pytest.approx(3.2)
    assert found[0].differences[-1].startswith("upstream: ['GET /echo?sleep=0.2', ")


def test_the_recordings_are_all_there() -> None:
    assert [len(traces_of(generation)) for generation in ("v1", "v2")] == [75, 70]
    raw = next(t for t in traces_of("v1") if t.asked.path == "/api/t_tmplsyntax")
    assert [one.status for one in raw.expected] == [500, 503]

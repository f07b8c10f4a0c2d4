"""Equal reads in flight become one call (single flight), across requests.

The key holds the method, the origin, the target and every header, so callers with other
credentials never share, and the last change that concerns the URL, so that no call shares an
answer of the time before. No task is made: the first caller makes the call itself and the others
wait for it. If it is cancelled, or its own deadline ends it, one of the waiting takes its place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from apiql.errors import CallFailed, Code
from apiql.sources.cache_request import concerns
from apiql.sources.call import Call, Headers, Layer, Origin, Reply
from apiql.sources.changes import Changes
from apiql.sources.refusals import NotAgain

_EARLY = 0.002
"""Timers of some loops count whole milliseconds and fire a little early."""

_Key = tuple[str, Origin, str, Headers, int, bytes | None]


class _Turn(Enum):
    """What a waiting call may be told instead of an outcome."""

    LEAD = "make the call yourself, the others wait for you"
    LATE = "your deadline has passed"


_Outcome = Reply | CallFailed | _Turn
_Waiting = deque[tuple[asyncio.Future[_Outcome], float]]


def shared(inner: Layer, changes: Changes | None = None) -> Layer:
    """Wraps a layer so that equal GET and HEAD calls without a body share one answer, and calls
    with one that the configuration lets be kept.
    """
    return _Shared(inner, {}, changes or Changes()).call_once


@dataclass(frozen=True, slots=True)
class _Shared:
    """The calls under way, each with those that wait for its answer."""

    inner: Layer
    flights: dict[_Key, _Waiting]
    changes: Changes

    async def call_once(self, call: Call) -> Reply:
        flights, inner = self.flights, self.inner
        if _is_alone(call):
            return await inner(call)
        mark = self.changes.mark(call)
        key = (call.method, call.origin, call.target, call.headers, mark, call.body)
        mine: _Waiting = deque()
        waiting = flights.setdefault(key, mine)
        if waiting is not mine:
            reply = await _follow(call, waiting, flights, key)
            if reply is not None:
                return reply
        found: Reply | CallFailed | None = None
        try:
            found = await inner(call)
            return found
        except CallFailed as failure:  # who waits may be making its first try
            found = None if isinstance(failure, NotAgain) else failure
            raise
        finally:  # whatever ends the call, cancellation too, is told or hands the lead on
            left = flights.pop(key)
            if left:
                flights[key] = left
                _end(found, call.deadline, flights, key)


def _is_alone(call: Call) -> bool:
    """Whether a call is made for itself, however many equal ones there are."""
    if (call.body is not None or call.method not in ("GET", "HEAD")) and not concerns(call):
        return True
    caching = call.caching
    return caching is not None and caching.rule is not None and caching.rule.alone


async def _follow(
    call: Call, waiting: _Waiting, flights: dict[_Key, _Waiting], key: _Key
) -> Reply | None:
    """What the leader's call yields, or None where the lead was handed to this one."""
    outcome = await _join(call, waiting, flights, key)
    if isinstance(outcome, CallFailed):
        raise replace(outcome)
    if outcome is _Turn.LATE:
        raise CallFailed(Code.UPSTREAM_TIMEOUT, "no answer came in time")
    if not isinstance(outcome, Reply):
        return None
    use = "fwd=uri-miss; collapsed"
    return Reply(outcome.status, outcome.headers, outcome.body, use=use, hint=outcome.hint)


def _end(
    found: Reply | CallFailed | None, deadline: float, flights: dict[_Key, _Waiting], key: _Key
) -> None:
    if found is None:
        _hand_on(flights, key)
    else:
        _tell(found, deadline, flights, key)


async def _join(
    call: Call, waiting: _Waiting, flights: dict[_Key, _Waiting], key: _Key
) -> _Outcome:
    """Waits for the outcome, at most until the caller's own deadline."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Outcome] = loop.create_future()
    waiting.append((future, call.deadline))
    timer = loop.call_at(call.deadline, _settle, future, _Turn.LATE)
    try:
        return await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled() and future.result() is _Turn.LEAD:
            _hand_on(flights, key)
        raise
    finally:
        timer.cancel()


def _settle(future: asyncio.Future[_Outcome], outcome: _Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _tell(
    outcome: Reply | CallFailed, deadline: float, flights: dict[_Key, _Waiting], key: _Key
) -> None:
    """Gives the outcome to all that wait; a failure that only says that the leader's own
    deadline came first is kept from those with more time. Of these the most patient leads, so
    that a hanging upstream sees one more call and not one for each.
    """
    late = isinstance(outcome, CallFailed) and outcome.code is Code.UPSTREAM_TIMEOUT
    own = late and asyncio.get_running_loop().time() >= deadline - _EARLY
    patient = []
    for future, until in flights[key]:
        if own and until > deadline:
            patient.append((future, until))
        else:
            _settle(future, outcome)
    patient.sort(key=lambda entry: entry[1], reverse=True)
    flights[key] = deque(patient)
    _hand_on(flights, key)


def _hand_on(flights: dict[_Key, _Waiting], key: _Key) -> None:
    """Makes the first that still waits the leader; without one the flight is over."""
    waiting = flights[key]
    while waiting:
        future, _ = waiting.popleft()
        if not future.done():
            future.set_result(_Turn.LEAD)
            return
    del flights[key]

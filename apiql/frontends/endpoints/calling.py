"""What is done around a call of an endpoint: state -> request; request, reply -> state.

Each is a function that is made once, at load; no value that it is given is ever changed. Knows no
plan and no HTTP but names of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from apiql.errors import Code, ValueRefused
from apiql.frontends.endpoints.address import Moment, addresser
from apiql.frontends.endpoints.answer import aborts, answer_of
from apiql.frontends.endpoints.forward import forwarder
from apiql.frontends.endpoints.gateway import Backend, Endpoint
from apiql.frontends.endpoints.json_value import TooDeep
from apiql.frontends.endpoints.message import Message, body_of, canonical
from apiql.frontends.endpoints.modify import Exchange, Past, after, before
from apiql.frontends.endpoints.state import Refusal, State
from apiql.frontends.endpoints.units import duration_text

Pairs: TypeAlias = Iterable[tuple[str, str]]
NOT_SENT = frozenset(("Accept-Encoding", "Content-Length", "Host"))
"""Fields that say what the transport says itself: it undoes codings, so it names those it can."""
_HOP = frozenset(
    "connection content-length keep-alive proxy-connection te trailer transfer-encoding"
    " upgrade".split()
)
_SHORT = 64


class Sent(NamedTuple):
    """A call that is made: all that goes out, and the exchange that it belongs to."""

    url: str
    headers: list[tuple[str, str]]
    body: bytes | None
    exchange: Exchange


class Replied(NamedTuple):
    """What one call came to: an answer as it came, or why there is none."""

    status: int
    fields: Pairs
    body: bytes
    refusal: Refusal | None = None


def begun(moment: object, request: Message, trace: str, client: str) -> State:
    """The state before the first call: the request with who asks, and its trace."""
    if not trace and not client:
        return State(request)
    headers = dict(request.headers)
    if client:
        there = headers.get("X-Forwarded-For", ())
        headers["X-Forwarded-For"] = (", ".join((*there, client)),)
    if trace:
        headers["X-Trace-Id"] = (trace,)
    return State(Message(headers, request.body, 0, request.path, request.params, request.query))


def preparer(endpoint: Endpoint, backend: Backend) -> Callable[[Moment, State], Sent | State]:
    """What makes a call of the state before it; a state, where it is not made."""
    forwarded, address, changes = forwarder(backend), addresser(backend), backend.changes
    past_of = _past_of(endpoint)

    def prepare(moment: Moment, state: State) -> Sent | State:
        if state.has_ended:
            return state
        try:
            exchange = Exchange(forwarded(state.onward), state.onward)
            if changes.before:
                exchange = before(changes, exchange, past_of(state))
            request = exchange.request
            url = address(moment, request)
        except ValueRefused as refused:
            return _refused(state, Refusal(400, f"bad request error: {refused.message}"))
        except TooDeep as deep:
            return _refused(state, Refusal(500, f"gateway panic error occurred! detail: {deep}"))
        body = request.body
        return Sent(url, _pairs(request), None if body is None else body.data, exchange)

    return prepare


def concluder(endpoint: Endpoint, backend: Backend) -> Callable[[State, Exchange, Replied], State]:
    """What makes the state behind a call of the one before it, and of what was answered."""
    changes, abort_if, past_of = backend.changes, endpoint.abort_if, _past_of(endpoint)

    def conclude(state: State, exchange: Exchange, replied: Replied) -> State:
        if replied.refusal is not None:
            return _refused(state, replied.refusal)
        response = response_of(replied)
        exchange = Exchange(exchange.request, exchange.onward, response)
        if changes.after:
            try:
                exchange = after(changes, exchange, past_of(state))
            except TooDeep as deep:
                found = Refusal(500, f"gateway panic error occurred! detail: {deep}")
                return _refused(state, found)
            response = exchange.response or response
        return State(
            exchange.onward,
            (*state.requests, exchange.request),
            (*state.responses, response),
            aborts(abort_if, replied.status, response.status),
        )

    return conclude


def response_of(replied: Replied) -> Message:
    """An answer as modifiers see it."""
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in replied.fields:
        if name not in _HOP:
            known = _canonical(name) if len(name) <= _SHORT else canonical(name)
            headers[known] = (*headers[known], value) if known in headers else (value,)
    media = headers.get("Content-Type", ("",))[0]
    return Message(headers, body_of(replied.body, media), replied.status)


def refuser(endpoint: Endpoint) -> Callable[[Mapping[str, Any]], Refusal]:
    """What says why a call could not be made; nothing of it names an address."""
    late = Refusal(504, f"gateway timeout: {duration_text(endpoint.timeout)}")

    def refuse(failure: Mapping[str, Any]) -> Refusal:
        code, message = failure["code"], str(failure["message"]).removeprefix("failed: ")
        if code == Code.QUERY_TIMEOUT:
            return late
        if code == Code.BAD_VALUE:
            return Refusal(400, f"bad request error: {message}")
        return Refusal(502, f"bad gateway error: {message}")

    return refuse


def _refused(state: State, refusal: Refusal) -> State:
    return State(state.onward, state.requests, state.responses, state.aborted, refusal)


def _past_of(endpoint: Endpoint) -> Callable[[State], Past]:
    shape = replace(endpoint.shape, notation=None)

    def answer(responses: tuple[Message, ...]) -> Message | None:
        return answer_of(shape, responses) if responses else None

    return lambda state: Past(state.requests, state.responses, answer)


def _pairs(request: Message) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in request.headers.items()
        if name not in NOT_SENT
        for value in values
    ]


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return canonical(name)

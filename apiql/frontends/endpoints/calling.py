"""What is done around a call of an endpoint: state -> request; request, reply -> state.

Each is a function that is made once, at load; no value that it is given is ever changed. Knows no
plan and no HTTP but names of fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from apiql.frontends.endpoints.address import Moment, addresser
from apiql.frontends.endpoints.answer import aborts, answer_of
from apiql.frontends.endpoints.forward import forwarder, sent_fields
from apiql.frontends.endpoints.gateway import Backend, Endpoint
from apiql.frontends.endpoints.json_value import TooDeep
from apiql.frontends.endpoints.message import Message, body_of, canonical
from apiql.frontends.endpoints.modify import Exchange, Past, after, before
from apiql.frontends.endpoints.state import Refusal, Reply, State
from apiql.ir.outgoing import Outgoing

HOP = frozenset(
    "connection content-length keep-alive proxy-connection te trailer transfer-encoding"
    " upgrade".split()
)
"""Fields of an answer that say how it came (RFC 9110, 7.6.1)."""
_SHORT = 64


class Sent(NamedTuple):
    """A call that is made: all that goes out, the state before it, and the exchange it begins."""

    outgoing: Outgoing
    state: State
    exchange: Exchange


def begun(moment: object, request: Message) -> State:
    """The state before the first call."""
    return State(request)


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
            sent, body = exchange.request, exchange.request.body
            url = address(moment, sent.path, sent.params, sent.query)
        except TooDeep as deep:
            return refused_at(state, broken(deep))
        data = None if body is None else body.data
        fields, passing = sent_fields(sent.headers)
        return Sent(Outgoing(url, fields, data, passing), state, exchange)

    return prepare


def concluder(endpoint: Endpoint, backend: Backend) -> Callable[[Sent, Reply], State]:
    """What makes the state behind a call of what was sent and what was answered."""
    changes, abort_if, past_of = backend.changes, endpoint.abort_if, _past_of(endpoint)

    def conclude(sent: Sent, reply: Reply) -> State:
        state, exchange, response = sent.state, sent.exchange, response_of(reply)
        if changes.after:
            exchange = Exchange(exchange.request, exchange.onward, response)
            try:
                exchange = after(changes, exchange, past_of(state))
            except TooDeep as deep:
                return refused_at(state, broken(deep))
            response = exchange.response or response
        return State(
            exchange.onward,
            (*state.requests, exchange.request),
            (*state.responses, response),
            aborts(abort_if, reply.status, response.status),
        )

    return conclude


def response_of(reply: Reply) -> Message:
    """An answer as modifiers see it."""
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in reply.headers:
        if name not in HOP:
            known = _canonical(name) if len(name) <= _SHORT else canonical(name)
            headers[known] = (*headers[known], value) if known in headers else (value,)
    media = headers.get("Content-Type", ("",))[0]
    return Message(headers, body_of(reply.value, media), reply.status)


def refused_at(state: State, refusal: Refusal) -> State:
    """The state, ended by the gateway itself."""
    return State(state.onward, state.requests, state.responses, state.aborted, refusal)


def broken(why: Exception) -> Refusal:
    """What is said of a value that cannot be made."""
    return Refusal(500, f"gateway panic error occurred! detail: {why}")


def _past_of(endpoint: Endpoint) -> Callable[[State], Past]:
    shape = replace(endpoint.shape, notation=None)

    def answer(responses: tuple[Message, ...]) -> Message | None:
        return answer_of(shape, responses) if responses else None

    return lambda state: Past(state.requests, state.responses, answer)


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return canonical(name)

"""A call of an endpoint -> the task that makes it.

    state     what the call before it hands on
    sent      the call, made of that: fields, parameters, query, body, modifiers
    when      there is something to be sent: nothing has ended the endpoint
    result    the state behind the call: its answer, modifiers, whether that ends the endpoint
    instead   the state as it was; where the call could not be made, with the reason

One that is made several times at once is so many tasks, and one more that takes what they came to:
the first that ends the endpoint, else the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from apiql.frontends.endpoints.address import places_of_hosts
from apiql.frontends.endpoints.calling import (
    Pairs,
    Replied,
    Sent,
    concluder,
    preparer,
    refuser,
)
from apiql.frontends.endpoints.gateway import Backend, Endpoint
from apiql.frontends.endpoints.lowered import EndpointGround
from apiql.frontends.endpoints.modify import Exchange
from apiql.frontends.endpoints.state import State
from apiql.frontends.endpoints.units import SECOND
from apiql.ir.plan import Making, Task
from apiql.ir.values import (
    FailureRoot,
    Invoke,
    LocalRoot,
    Part,
    Ref,
    ReplyRoot,
    ResultRoot,
    Value,
)
from apiql.ir.works import Accepts, Compute, Media, Send

Failed: TypeAlias = Mapping[str, Any] | None
Made: TypeAlias = "tuple[Exchange, Replied] | State"

STATE, SENT, FAILURE = Ref(LocalRoot("state")), Ref(LocalRoot("sent")), Ref(FailureRoot())
REPLY: tuple[Value, ...] = (
    Ref(ReplyRoot(), part=Part.STATUS),
    Ref(ReplyRoot(), part=Part.FIELDS),
    Ref(ReplyRoot()),
)


def tasks_of(
    endpoint: Endpoint, backend: Backend, name: str, state: Value, ground: EndpointGround
) -> Iterator[Task]:
    """The tasks of a call; the last one has the name, and the state behind the call."""
    prepare = preparer(endpoint, backend)
    let = (("state", state), ("sent", Invoke("sent", prepare, (STATE,))))
    send = _send(endpoint, backend, ground)
    if backend.concurrent == 1:
        yield _task(name, send, let, *_behind(endpoint, backend))
        return
    parts = [f"{name}#{number}" for number in range(1, backend.concurrent + 1)]
    result, instead = _beside(endpoint)
    for part in parts:
        yield _task(part, send, let, result, instead)
    made = tuple(Ref(ResultRoot(part)) for part in parts)
    value = Invoke("together", _together(endpoint, backend), (STATE, *made))
    yield Task(name, Compute(value), made=Making((("state", state),)))


def _task(
    name: str, send: Send, let: tuple[tuple[str, Value], ...], result: Value, instead: Value
) -> Task:
    when = Invoke("made", _is_made, (SENT,))
    return Task(name, send, when=when, made=Making(let, result, instead))


def _send(endpoint: Endpoint, backend: Backend, ground: EndpointGround) -> Send:
    hosts = [*dict.fromkeys(backend.hosts)]
    shown = f"{hosts[0]}{backend.path}"
    return Send(
        backend.method.lower(),
        hosts[0].partition("://")[2].partition("/")[0],
        Invoke("url", lambda _, sent: sent.url, (SENT,)),
        Invoke("headers", lambda _, sent: sent.headers, (SENT,)),
        Invoke("body", lambda _, sent: sent.body, (SENT,)),
        pinned=places_of_hosts(hosts),
        permits=ground.permits,
        accepts=Accepts.ANY,
        media=Media.BYTES,
        timeout=endpoint.timeout / SECOND,
        shown=shown if len(hosts) == 1 else f"{shown} (1 of {len(hosts)} hosts)",
    )


def _is_made(moment: object, sent: Sent | State) -> bool:
    return isinstance(sent, Sent)


def _behind(endpoint: Endpoint, backend: Backend) -> tuple[Value, Value]:
    """The state behind the one call, and where it is not made."""
    conclude, refuse = concluder(endpoint, backend), refuser(endpoint)

    def behind(
        moment: object, state: State, sent: Sent, status: int, fields: Pairs, body: bytes
    ) -> State:
        return conclude(state, sent.exchange, Replied(status, fields, body))

    def without(moment: object, state: State, sent: Sent | State, failed: Failed) -> State:
        if isinstance(sent, State) or failed is None:
            return state if isinstance(sent, Sent) else sent
        return conclude(state, sent.exchange, Replied(0, (), b"", refuse(failed)))

    return (
        Invoke("behind", behind, (STATE, SENT, *REPLY)),
        Invoke("without", without, (STATE, SENT, FAILURE)),
    )


def _beside(endpoint: Endpoint) -> tuple[Value, Value]:
    """What one of several calls at once came to, and where it is not made."""
    refuse = refuser(endpoint)

    def replied(moment: object, sent: Sent, status: int, fields: Pairs, body: bytes) -> Made:
        return sent.exchange, Replied(status, fields, body)

    def without(moment: object, sent: Sent | State, failed: Failed) -> Made:
        if isinstance(sent, State) or failed is None:
            assert isinstance(sent, State)
            return sent
        return sent.exchange, Replied(0, (), b"", refuse(failed))

    return Invoke("replied", replied, (SENT, *REPLY)), Invoke("without", without, (SENT, FAILURE))


def _together(endpoint: Endpoint, backend: Backend) -> Callable[..., State]:
    conclude = concluder(endpoint, backend)

    def together(moment: object, state: State, *made: Made) -> State:
        states = [m if isinstance(m, State) else conclude(state, *m) for m in made]
        return next((found for found in states if found.has_ended), states[0])

    return together

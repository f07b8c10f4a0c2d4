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
from typing import Any, NamedTuple, TypeAlias

from apiql.errors import Code
from apiql.frontends.endpoints.address import places_of_hosts
from apiql.frontends.endpoints.calling import Sent, concluder, preparer, refused_at
from apiql.frontends.endpoints.gateway import Backend, Endpoint
from apiql.frontends.endpoints.lone import lone_request
from apiql.frontends.endpoints.lowered import REQUEST, EndpointGround
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.state import Refusal, Reply, State
from apiql.frontends.endpoints.units import SECOND, duration_text
from apiql.ir.caching import CacheRule
from apiql.ir.plan import Making, Task
from apiql.ir.values import (
    FailureRoot,
    Invoke,
    Literal,
    LocalRoot,
    ParamRoot,
    Part,
    Ref,
    ReplyRoot,
    ResultRoot,
    Value,
)
from apiql.ir.works import Accepts, Compute, Media, Send

Failed: TypeAlias = Mapping[str, Any] | None
Let: TypeAlias = tuple[tuple[str, Value], ...]

FOR_REQUESTS = CacheRule(http=False, alone=True)
"""Answers go to clients as they are, with cookies and all: what is kept of them, endpoints say."""
GIVEN = (Ref(ParamRoot(REQUEST)),)
"""What a plan starts with."""
STATE, SENT, FAILURE = Ref(LocalRoot("state")), Ref(LocalRoot("sent")), Ref(FailureRoot())
REPLY = Ref(ReplyRoot(), part=Part.WHOLE)


class Around(NamedTuple):
    """What calls are lowered on, and what is kept of their answers."""

    ground: EndpointGround
    cache: CacheRule


def lone_task(endpoint: Endpoint, backend: Backend, name: str, around: Around) -> Task:
    """The task of a backend whose reply is the endpoint's answer."""
    refuse = refuser(endpoint)

    def without(moment: object, failed: Failed) -> State:
        assert failed is not None
        return State(Message(), refusal=refuse(failed))

    made = Making((), REPLY, Invoke("without", without, (FAILURE,)))
    ask = Invoke("call", lone_request(backend), GIVEN)
    return Task(name, _send(endpoint, backend, ask, around), made=made)


def tasks_of(
    endpoint: Endpoint, backend: Backend, name: str, state: Value, around: Around
) -> Iterator[Task]:
    """The tasks of a call; the last one has the name, and the state behind the call."""
    let = (("state", state), ("sent", Invoke("call", preparer(endpoint, backend), (STATE,))))
    send = _send(endpoint, backend, Invoke("outgoing", _outgoing, (SENT,)), around)
    result, instead = _behind(endpoint, backend)
    when = Invoke("made", _is_made, (SENT,))
    making = Making(let, result, instead)
    if backend.concurrent == 1:
        yield Task(name, send, when=when, made=making)
        return
    parts = [f"{name}#{number}" for number in range(1, backend.concurrent + 1)]
    yield from (Task(part, send, when=when, made=making) for part in parts)
    states = tuple(Ref(ResultRoot(part)) for part in parts)
    yield Task(name, Compute(Invoke("first", _first, states)))


def _behind(endpoint: Endpoint, backend: Backend) -> tuple[Value, Value]:
    """The state behind a call, and where it is not made."""
    conclude, refuse = concluder(endpoint, backend), refuser(endpoint)

    def behind(moment: object, sent: Sent, reply: Reply) -> State:
        return conclude(sent, reply)

    def without(moment: object, sent: Sent | State, failed: Failed) -> State:
        if isinstance(sent, State) or failed is None:
            return sent if isinstance(sent, State) else sent.state
        return refused_at(sent.state, refuse(failed))

    return Invoke("behind", behind, (SENT, REPLY)), Invoke("without", without, (SENT, FAILURE))


def _send(endpoint: Endpoint, backend: Backend, outgoing: Value, around: Around) -> Send:
    hosts = [*dict.fromkeys(backend.hosts)]
    shown = f"{hosts[0]}{backend.path}"
    return Send(
        backend.method.lower(),
        hosts[0].partition("://")[2].partition("/")[0],
        outgoing,
        Literal(None),
        Literal(None),
        pinned=places_of_hosts(hosts),
        permits=around.ground.permits,
        cache=around.cache,
        accepts=Accepts.ANY,
        media=Media.BYTES,
        timeout=endpoint.timeout / SECOND,
        shown=shown if len(hosts) == 1 else f"{shown} (1 of {len(hosts)} hosts)",
    )


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


def _outgoing(moment: object, sent: Sent) -> Any:
    return sent.outgoing


def _is_made(moment: object, sent: Sent | State) -> bool:
    return isinstance(sent, Sent)


def _first(moment: object, *states: State) -> State:
    return next((state for state in states if state.has_ended), states[0])

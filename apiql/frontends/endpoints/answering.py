"""What an endpoint's plan came to -> the answer to the request, or the data of a select."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from apiql.errors import Code, Failure, ValueRefused
from apiql.frontends.endpoints.answer import Notation, aborted, answer_of
from apiql.frontends.endpoints.calling import broken
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.json_value import Json, TooDeep
from apiql.frontends.endpoints.lone import lone_answer
from apiql.frontends.endpoints.lowered import Ended, EndpointGround, GatewayAnswer
from apiql.frontends.endpoints.message import Kind, Message
from apiql.frontends.endpoints.refused import refused
from apiql.frontends.endpoints.state import Refusal, State
from apiql.frontends.endpoints.tasks import refuser

SET_COOKIE = "set-cookie"
"""The one field whose values cannot be joined (RFC 9110, 5.3)."""
UNKNOWN = Refusal(500, "gateway panic error occurred! detail: there is no answer")


def answerer(
    endpoint: Endpoint, file: str, ground: EndpointGround
) -> Callable[[Ended], GatewayAnswer]:
    """What makes the answer of what the plan came to."""
    refuse, path = refuser(endpoint), endpoint.path

    def answer(ended: Ended) -> GatewayAnswer:
        found = ended.value
        if ended.failure is not None:
            refusal = refuse(_shown(ended.failure))
        elif isinstance(found, State):
            made = _answer(endpoint, found)
            if isinstance(made, GatewayAnswer):
                return made
            refusal = made
        elif found is not None:
            return lone_answer(found)
        else:
            refusal = UNKNOWN
        return refused(refusal.status, refusal.message, path, file, ground.now())

    return answer


def _answer(endpoint: Endpoint, state: State) -> GatewayAnswer | Refusal:
    if state.refusal is not None:
        return state.refusal
    try:
        return _written(_message(endpoint, state))
    except TooDeep as deep:
        return broken(deep)


def data_of(endpoint: Endpoint, name: str) -> Callable[[object, State], Json]:
    """What makes the data of a select: the body as JSON, a text where it is none, null for nothing.

    Whatever stands for no success is refused (`ValueRefused`), with its status.
    """
    notation = endpoint.shape.notation
    kept = notation if notation is Notation.JSON else None
    plain = replace(endpoint, shape=replace(endpoint.shape, notation=kept))

    def data(moment: object, state: State) -> Json:
        if state.refusal is not None:
            raise _unusable(name, state.refusal.status, state.refusal.message)
        try:
            message = _message(plain, state)
        except TooDeep as deep:
            raise _unusable(name, 500, str(deep)) from None
        if not 200 <= message.status < 300:
            raise _unusable(name, message.status, f"answered {message.status}")
        body = message.body
        if body is None:
            return None
        return body.value if body.kind is Kind.JSON else body.text

    return data


def _message(endpoint: Endpoint, state: State) -> Message:
    responses = state.responses
    if state.aborted:
        return aborted(endpoint.shape, responses[-1], len(responses))
    return answer_of(endpoint.shape, responses)


def _written(message: Message) -> GatewayAnswer:
    headers: list[tuple[str, str]] = []
    for name, values in message.headers.items():
        field = name.lower()
        if len(values) == 1:
            headers.append((field, values[0]))
        elif field == SET_COOKIE:
            headers += [(field, value) for value in values]
        elif values:
            headers.append((field, ", ".join(values)))
    body = message.body
    return GatewayAnswer(message.status, tuple(headers), b"" if body is None else body.data)


def _shown(failure: Failure) -> dict[str, object]:
    return {"code": failure.code, "message": failure.message}


def _unusable(name: str, status: int, message: str) -> ValueRefused:
    code = Code.QUERY_TIMEOUT if status == 504 else Code.UPSTREAM_STATUS
    return ValueRefused(f"endpoint.{name}: {message}", None, code, status)

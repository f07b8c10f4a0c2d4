"""An endpoint of one backend that changes nothing: its call and its answer, without a state.

It is most of what gateways do, so its bodies are not looked into, and nothing is made of its fields
but what goes out. What it answers is exactly what states would come to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from apiql.frontends.endpoints.address import Moment, addresser
from apiql.frontends.endpoints.answer import CACHE, COMPLETE, SUCCESS
from apiql.frontends.endpoints.calling import HOP
from apiql.frontends.endpoints.forward import field_filter, query_filter, sent_fields
from apiql.frontends.endpoints.gateway import Backend, Endpoint
from apiql.frontends.endpoints.lowered import GatewayAnswer
from apiql.frontends.endpoints.message import JSON_TYPE, TEXT_TYPE, Message
from apiql.frontends.endpoints.state import Reply
from apiql.ir.outgoing import Outgoing

Ask: TypeAlias = Callable[[Moment, Message], Outgoing]

_LEFT = HOP | {"date", "content-type", *(name.lower() for name in (CACHE, COMPLETE, SUCCESS))}
_SUCCESS, _NO_SUCCESS = (
    ((CACHE.lower(), "false"), (COMPLETE.lower(), "true"), (SUCCESS.lower(), said))
    for said in ("true", "false")
)
_JSON, _TEXT = ("content-type", JSON_TYPE), ("content-type", TEXT_TYPE)


def is_lone(endpoint: Endpoint) -> bool:
    """Whether an endpoint answers what its one backend does."""
    if len(endpoint.calls) != 1 or endpoint.shape.expected != 1:
        return False
    backend, shape = endpoint.calls[0].backend, endpoint.shape
    part = shape.parts[0]
    is_plain = not backend.changes and backend.concurrent == 1
    return is_plain and not (part.is_omitted or part.is_grouped) and shape.notation is None


def lone_request(backend: Backend) -> Ask:
    """What makes the call of the endpoint's request."""
    listed, queries, address = field_filter(backend), query_filter(backend), addresser(backend)
    path, omits = backend.path, backend.omits_request_body

    def ask(moment: Moment, request: Message) -> Outgoing:
        fields, passing = sent_fields(listed(request.headers))
        body = None if omits else request.body
        url = address(moment, path, request.params, queries(request.query))
        return Outgoing(url, fields, None if body is None else body.data, passing)

    return ask


def lone_answer(reply: Reply) -> GatewayAnswer:
    """The backend's answer as the endpoint's."""
    media, body = "", reply.value
    headers: list[tuple[str, str]] = []
    for pair in reply.headers:
        if pair[0] not in _LEFT:
            headers.append(pair)
        elif pair[0] == "content-type" and not media:
            media = pair[1]
    if len({name for name, _ in headers}) != len(headers):
        headers = _joined(headers)
    headers += _SUCCESS if 200 <= reply.status <= 299 else _NO_SUCCESS
    if body:
        headers.append(_JSON if "json" in media.lower() else _TEXT)
    return GatewayAnswer(reply.status, tuple(headers), body)


def _joined(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """With the values of a name in one, but for cookies."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    made: list[tuple[str, str]] = []
    for name, values in found.items():
        if name == "set-cookie":
            made += [(name, value) for value in values]
        else:
            made.append((name, ", ".join(values)))
    return made

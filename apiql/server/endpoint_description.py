"""Gateway endpoints in an OpenAPI description: an operation each, with what its configuration tells
of requests and answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from apiql.access.principal import ANYONE
from apiql.access.rights import Rights
from apiql.frontends.endpoints.answer import XML_TYPE, Notation
from apiql.frontends.endpoints.gateway import Cors, Endpoint
from apiql.frontends.endpoints.message import JSON_TYPE, TEXT_TYPE
from apiql.gateways import Served, is_of_the_server
from apiql.ir.reach import Kind

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["file", "line", "endpoint", "message", "timestamp"],
    "properties": {name: {"type": "string"} for name in ("file", "endpoint", "message")}
    | {"line": {"type": "integer"}, "timestamp": {"type": "string", "format": "date-time"}},
}
"""What the gateway itself answers with."""
REFUSAL = {JSON_TYPE: {"schema": {"$ref": "#/components/schemas/GatewayError"}}}
REFUSALS = {
    "413": "the body is too large", "431": "the header is too large",
    "502": "a backend cannot be reached", "504": "the time is over",
}  # fmt: skip
MEDIA = {Notation.JSON: (JSON_TYPE,), Notation.XML: (XML_TYPE,), Notation.TEXT: (TEXT_TYPE,)}
TOLD_ELSEWHERE = frozenset({"accept", "authorization", "content-type"})
"""Header fields that are no parameters in OpenAPI."""
BODIES = frozenset({"POST", "PUT", "PATCH"})


def endpoint_paths(served: Iterable[Served], rights: Rights) -> dict[str, Any]:
    """The paths of what everybody may use. One path has one set of names for its parameters: those
    of its first endpoint.
    """
    found: dict[str, Any] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for each in served:
        endpoint = each.lowered.endpoint
        if is_of_the_server(endpoint.path) or not rights.may(Kind.ENDPOINT, each.name, ANYONE):
            continue
        shape = tuple("{}" if part.startswith(":") else part for part in _parts(endpoint))
        parts = known.setdefault(shape, _parts(endpoint))
        names = tuple(part[1:] for part in parts if part.startswith(":"))
        path = "/".join(f"{{{part[1:]}}}" if part.startswith(":") else part for part in parts)
        found.setdefault(path, {})[endpoint.method.lower()] = _operation(each, names)
    return found


def _parts(endpoint: Endpoint) -> tuple[str, ...]:
    return tuple(endpoint.path.split("/"))


def _operation(served: Served, names: Iterable[str]) -> dict[str, Any]:
    endpoint = served.lowered.endpoint
    told: dict[str, Any] = {
        "summary": " ".join(endpoint.comment.split()) or str(endpoint),
        "tags": ["endpoints"],
        "operationId": f"{Kind.ENDPOINT}.{served.name}",
        "parameters": [*_path_parameters(names), *_parameters(endpoint)],
        "responses": _answers(endpoint) | _refusals(served),
    }
    sends = any(not call.backend.omits_request_body for call in endpoint.calls)
    if endpoint.method in BODIES and sends:
        told["requestBody"] = {"content": {"*/*": {}}}
    return told


def _path_parameters(names: Iterable[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """What is listed to be forwarded; where nothing is, anything may be sent."""
    backends = [call.backend for call in endpoint.calls]
    queries = dict.fromkeys(name for each in backends for name in each.forward_queries)
    headers = dict.fromkeys(name for each in backends for name in each.forward_headers)
    for name in queries:
        several = {"type": "array", "items": {"type": "string"}}
        yield {"name": name, "in": "query", "schema": several}
    for name in headers:
        if name.lower() not in TOLD_ELSEWHERE:
            yield {"name": name, "in": "header", "schema": {"type": "string"}}


def _answers(endpoint: Endpoint) -> dict[str, Any]:
    notation = endpoint.shape.notation
    media = (JSON_TYPE, TEXT_TYPE) if notation is None else MEDIA[notation]
    content: dict[str, Any] = {name: {} for name in media}
    return {"default": {"description": "what becomes of its backends' answers", "content": content}}


def _refusals(served: Served) -> dict[str, Any]:
    told = dict(REFUSALS)
    if served.gateway.cors != Cors():
        told["403"] = "what asks is not let in"
    rate = served.lowered.endpoint.limits.rate
    if rate is not None:
        told["429"] = "too many requests"
    return {
        status: {"description": why, "content": REFUSAL} for status, why in sorted(told.items())
    }

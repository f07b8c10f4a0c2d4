"""Definitions in an OpenAPI description: an operation each, with what it reads of a request and,
where its documents show it, what it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apiql.documents.shape import Shape
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.inputs import Inputs, inputs_of
from apiql.frontends.definitions.kinds import Generation, Kind, word
from apiql.frontends.definitions.v1.api import Api
from apiql.frontends.definitions.v1.flow import Flow
from apiql.frontends.definitions.v2.right import Right
from apiql.server.schemas import problems

KINDS = (Kind.API, Kind.FLOW, Kind.SCHEDULE)
REFUSALS = ("400", "401", "403", "404", "413")


def defined_paths(definitions: Definitions) -> dict[str, Any]:
    """The paths of the definitions that may be called from outside."""
    return {
        f"/{_word(document)}/{name}": _path(definitions, document)
        for kind in KINDS
        for name, document in sorted(definitions.documents[kind].items())
        if not _is_internal(definitions, document)
    }


def _word(document: Document[Shape]) -> str:
    return word(document.origin.generation, document.origin.kind)


def _is_internal(definitions: Definitions, document: Document[Shape]) -> bool:
    """Whether its right lets nobody in from outside, or it is one of the gateway's own flows."""
    name = document.origin.name
    own = "httpapi" if document.origin.kind is Kind.API else document.origin.kind.value
    right = definitions.documents[Kind.RIGHT].get(f"{own}/{name}")
    if right is not None and isinstance(right.model, Right):
        return right.model.right not in ("public", "whitelist", "blacklist")
    return document.origin.generation is Generation.V2 and name.startswith("_")


def _path(definitions: Definitions, document: Document[Shape]) -> dict[str, Any]:
    origin, inputs = document.origin, inputs_of(definitions, document)
    has_body = bool(inputs.members) or inputs.whole
    media, answer = _answer(document)
    told: dict[str, Any] = {
        "summary": " ".join(getattr(document.model, "description", "").split()) or str(origin),
        "tags": [f"{_word(document)}s"],
        "operationId": f"{_word(document)}.{origin.name.replace('/', '.')}",
        "parameters": list(_parameters(inputs)),
        "responses": {"200": {"description": "the answer", "content": {media: {"schema": answer}}}}
        | problems(*REFUSALS),
    }
    if has_body:
        told["requestBody"] = {
            "content": {"application/json": {"schema": _members(inputs.members)}}
        }
    return {"post" if has_body else "get": told}


def _parameters(inputs: Inputs) -> Iterator[dict[str, Any]]:
    for place, names in (("query", inputs.query), ("header", inputs.headers)):
        for name in names:
            if name:
                yield {"name": name, "in": place, "schema": {"type": "string"}}


def _members(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members of any kind; those with members of their own are objects."""
    if not members:
        return {}
    return {
        "type": "object", "properties": {name: _members(of) for name, of in members.items()},
    }  # fmt: skip


def _answer(document: Document[Shape]) -> tuple[str, dict[str, Any]]:
    """The media type and the schema of what is answered: anything, where it cannot be seen."""
    model, rules = document.model, None
    if isinstance(model, Api) and model.response is not None:
        rules = model.response.data
    if isinstance(model, Flow):
        made = next((step.response for step in reversed(model.steps) if step.result_key), None)
        if made is not None and made.type == "html":
            return "text/html", {"type": "string"}
        if made is not None:
            rules = made.source.data if made.source is not None else made.data
    return "application/json", {} if rules is None else _made(rules)


def _made(rules: Any) -> dict[str, Any]:
    """What JSON makes whose texts are templates: texts stay texts, but for lists that repeat."""
    match rules:
        case Mapping():
            inner = {name: _made(rule) for name, rule in rules.items() if "{{" not in name}
            return {"type": "object", "properties": inner}
        case list() | tuple():
            return {"type": "array"}
        case bool():
            return {"type": "boolean"}
        case str():
            return {"type": "string"}
        case None:
            return {"type": "null"}
        case _:
            return {"type": "number"}

"""Stored queries in the OpenAPI description: a path each, with its parameters and its answer."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from apiql.access.principal import ANYONE
from apiql.access.rights import Rights
from apiql.ir.plan import Parameter, Plan
from apiql.ir.reach import Kind
from apiql.runtime.decode import to_json
from apiql.server.read_stored import PREFIX
from apiql.server.schemas import ERRORS, problems, responses
from apiql.stored import Catalog, StoredQuery


def stored_paths(catalog: Catalog, rights: Rights) -> dict[str, Any]:
    """The paths of what everybody may use: of each query the newest revision; of those with
    several, each of them too.
    """
    revisions = Counter(q.name for path, q in catalog.queries.items() if path != q.name)
    return {
        PREFIX + path: _path(path, query)
        for path, query in sorted(catalog.queries.items())
        if (path == query.name or revisions[query.name] > 1)
        and rights.may(Kind.QUERY, query.name, ANYONE)
    }


def _path(path: str, query: StoredQuery) -> dict[str, Any]:
    plan = query.executable.plan
    told: dict[str, Any] = {
        "summary": _summary(query),
        "tags": ["stored queries"],
        "responses": responses(_answer(plan)),
    }
    name = path.replace("/", ".")
    post = told | {"operationId": f"post.{name}", "requestBody": _body(plan)}
    post["responses"] = told["responses"] | problems(
        "401", "403", "404", "408", "413", "415", "431"
    )
    if plan.writes:
        return {"post": post}
    get = told | {
        "operationId": f"get.{name}",
        "parameters": [_parameter(parameter) for parameter in plan.parameters],
        "responses": told["responses"] | problems("401", "403", "404", "431"),
    }
    return {"get": get, "post": post}


def _summary(query: StoredQuery) -> str:
    """The comment that its text begins with, else its name."""
    lines = query.text.lstrip().splitlines()
    first = lines[0] if lines else ""
    told = first.removeprefix("--").strip() if first.startswith("--") else ""
    return told or f"{query.name}, revision {query.revision}"


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": parameter.name, "in": "query", "required": parameter.required,
    }  # fmt: skip
    schema = _schema(parameter)
    if parameter.type == "object":
        return found | {"content": {"application/json": {"schema": schema}}}
    return found | {"schema": {"type": "string"} | schema}


def _body(plan: Plan) -> dict[str, Any]:
    """The parameters as an object; those of the URL count too, so none is required here."""
    members = {parameter.name: _schema(parameter) for parameter in plan.parameters}
    schema = {"type": "object", "properties": members}
    return {"content": {"application/json": {"schema": schema}}}


def _schema(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {} if parameter.type == "any" else {"type": parameter.type}
    if parameter.type == "array":
        found["items"] = {}
    if parameter.has_default:
        found["default"] = _plain(parameter.default)
    return found


def _plain(value: Any) -> Any:
    """A default as a JSON encoder without decimals knows it."""
    return json.loads(to_json(value))


def _answer(plan: Plan) -> dict[str, Any]:
    data: dict[str, Any] = {"description": "what the query returns"}
    if plan.returned is None:
        names = [output.name for output in plan.outputs if output.is_member]
        data = {"type": "object", "properties": {name: {} for name in names}, "required": names}
    if plan.settings.bare:
        return data
    members = {"data": data, "errors": ERRORS, "extensions": {"type": "object"}}
    return {"type": "object", "properties": members}

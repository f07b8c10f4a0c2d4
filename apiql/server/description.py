"""The OpenAPI description of the routes that FastAPI does not see."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from apiql.access.rights import OPEN
from apiql.frontends.definitions.folder import Definitions
from apiql.gateways import GatewayCatalog
from apiql.server.current import Current
from apiql.server.defined_description import defined_paths
from apiql.server.endpoint_description import ERROR as GATEWAY_ERROR
from apiql.server.endpoint_description import endpoint_paths
from apiql.server.schemas import ANSWER, ANY_ANSWER, ERROR, PROBLEM, problems, responses
from apiql.server.stored_description import stored_paths
from apiql.server.template_description import template_paths
from apiql.stored import Catalog

ENVELOPE: dict[str, Any] = {
    "type": "object",
    "anyOf": [{"required": ["query"]}, {"required": ["id"]}],
    "properties": {
        "query": {"type": "string", "examples": ["select name from /users/{id} where id = $id"]},
        "id": {
            "type": "string",
            "pattern": "^sha256:[0-9a-f]{64}$",
            "description": "the hash of the query's canonical form: once sent with the text, "
            "it stands for it",
        },
        "params": {"type": "object", "description": "the values of $names"},
        "extensions": {"type": "object", "properties": {"trace": {"type": "boolean"}}},
    },
}
PATH = "/openapi.json"
SCHEMAS = {
    "ApiqlError": ERROR, "ApiqlAnswer": ANSWER, "Problem": PROBLEM, "GatewayError": GATEWAY_ERROR,
}  # fmt: skip
"""What the paths refer to."""


def stored_queries(
    catalog: Catalog, definitions: Definitions | None, gateways: GatewayCatalog, title: str,
    version: str,
) -> dict[str, Any]:  # fmt: skip
    """A description of what is stored, of definitions and of endpoints, of all of them: it is the
    operator who asks.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": endpoint_paths(gateways.served, OPEN)
        | stored_paths(catalog, OPEN)
        | template_paths(catalog.templates, OPEN)
        | (defined_paths(definitions) if definitions is not None else {}),
        "components": {"schemas": SCHEMAS},
    }


def describe(app: FastAPI, current: Current) -> None:
    """Adds /openapi.json, where the settings have it on; it describes /apiql, the stored
    queries, the call templates and the endpoints of gateways too.
    """

    def openapi() -> dict[str, Any]:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas |= SCHEMAS
        schema["paths"]["/apiql"] = {"post": _post(), "get": _get()}
        catalog, rights = current.engine.catalog, current.held.rights
        served = current.engine.definitions.gateways.served
        schema["paths"] = endpoint_paths(served, rights) | schema["paths"]
        schema["paths"] |= stored_paths(catalog, rights)
        schema["paths"] |= template_paths(catalog.templates, rights)
        return schema

    async def described() -> JSONResponse:
        if not current.engine.settings.server.docs:
            raise HTTPException(404)
        return JSONResponse(openapi())

    app.openapi = openapi  # type: ignore[method-assign]
    app.add_api_route(PATH, described, include_in_schema=False)


def _post() -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    return {
        "summary": "Answer a query",
        "operationId": "postQuery",
        "tags": ["queries"],
        "parameters": [_params_parameter("the values of $names, for a bare text")],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ENVELOPE},
                "text/plain": text,
                "application/apiql": text,
            },
        },
        "responses": responses(ANY_ANSWER)
        | problems("401", "403", "404", "408", "413", "415", "431"),
    }


def _get() -> dict[str, Any]:
    query, known_as = ({"name": name, "in": "query", "schema": {"type": "string"}}
                       for name in ("query", "id"))  # fmt: skip
    return {
        "summary": "Answer a query that only reads",
        "operationId": "getQuery",
        "tags": ["queries"],
        "parameters": [query, known_as, _params_parameter("the values of $names")],
        "responses": responses(ANY_ANSWER) | problems("401", "403", "404", "405", "431"),
    }


def _params_parameter(description: str) -> dict[str, Any]:
    return {
        "name": "params",
        "in": "query",
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }

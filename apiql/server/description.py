"""The OpenAPI description of the routes that FastAPI does not see."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from apiql.server.render import TITLES

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "string", "description": "a stable word for the cause"},
        "message": {"type": "string"},
        "task": {"type": "string", "description": "the select it belongs to"},
        "path": {"type": "array", "items": {}},
        "locations": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"line": {"type": "integer"}, "column": {"type": "integer"}},
            },
        },
        "excerpt": {"type": "string", "description": "the line and a caret under the token"},
        "hint": {"type": "string"},
        "status": {"type": "integer", "description": "what the upstream answered"},
        "retryable": {"type": "boolean"},
        "warning": {"type": "boolean"},
        "upstream": {"type": "object"},
    },
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "data": {"description": "a member for each select that is not hidden"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ApiqlError"}},
        "extensions": {"type": "object"},
    },
}
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "required": ["query"],
    "properties": {
        "query": {"type": "string", "examples": ["select name from /users/{id} where id = $id"]},
        "params": {"type": "object", "description": "the values of $names"},
        "extensions": {"type": "object", "properties": {"trace": {"type": "boolean"}}},
    },
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code")
    }
    | {"status": {"type": "integer"}, "errors": {"type": "array", "items": {}}},
}


def describe(app: FastAPI) -> None:
    """Lets /openapi.json describe /apiql too."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas |= {"ApiqlError": ERROR, "ApiqlAnswer": ANSWER, "Problem": PROBLEM}
            schema["paths"]["/apiql"] = {"post": _post(), "get": _get()}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


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
        "responses": _responses() | _problems("403", "408", "413", "415", "431"),
    }


def _get() -> dict[str, Any]:
    query = {"name": "query", "in": "query", "required": True, "schema": {"type": "string"}}
    return {
        "summary": "Answer a query that only reads",
        "operationId": "getQuery",
        "tags": ["queries"],
        "parameters": [query, _params_parameter("the values of $names")],
        "responses": _responses() | _problems("403", "405", "431"),
    }


def _params_parameter(description: str) -> dict[str, Any]:
    return {
        "name": "params",
        "in": "query",
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }


def _problems(*statuses: str) -> dict[str, Any]:
    """Requests that cannot be read as a query, or may not be."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[int(status)], "content": content} for status in statuses}


def _responses() -> dict[str, Any]:
    answer = {"schema": {"$ref": "#/components/schemas/ApiqlAnswer"}}
    content = {"application/json": answer, "application/apiql-response+json": answer}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    text = {"schema": {"type": "string"}}
    streamed = {"application/x-ndjson": text, "text/event-stream": text}
    return {
        "200": {"description": "the answer; partial if X-APIQL-Completed is false; in pieces for "
                               "application/x-ndjson and text/event-stream",
                "content": content | streamed},
        "204": {"description": "every select is hidden"},
        "294": {"description": "a partial answer, for application/apiql-response+json",
                "content": content},
        "400": {"description": "the text or the body cannot be read", "content": content | problem},
        "422": {"description": "the query cannot be run; nothing was called", "content": content},
        "502": {"description": "no output could be had", "content": content},
        "504": {"description": "no output came in time", "content": content},
    }  # fmt: skip

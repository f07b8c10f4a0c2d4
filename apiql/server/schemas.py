"""The schemas of answers, errors and problems, and which comes with which status, in the API
description.
"""

from __future__ import annotations

from typing import Any

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
ERRORS = {"type": "array", "items": {"$ref": "#/components/schemas/ApiqlError"}}
"""The member `errors` of an answer."""
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "data": {"description": "a member for each select that is not hidden"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ApiqlError"}},
        "extensions": {"type": "object"},
    },
}
ANY_ANSWER = {"$ref": "#/components/schemas/ApiqlAnswer"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code")
    }
    | {"status": {"type": "integer"}, "errors": {"type": "array", "items": {}}},
}


def problems(*statuses: str) -> dict[str, Any]:
    """Requests that cannot be read as a query, or may not be."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": TITLES[int(status)], "content": content} for status in statuses}


def responses(schema: dict[str, Any]) -> dict[str, Any]:
    """What queries are answered with; `schema` is that of a whole answer."""
    answer = {"schema": schema}
    content = {"application/json": answer, "application/apiql-response+json": answer}
    text = {"schema": {"type": "string"}}
    streamed = {"application/x-ndjson": text, "text/event-stream": text}
    told = {"schema": ANY_ANSWER}
    refused = {"application/json": told, "application/apiql-response+json": told}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "200": {"description": "the answer; partial if X-APIQL-Completed is false; in pieces for "
                               "application/x-ndjson and text/event-stream",
                "content": content | streamed},
        "204": {"description": "every select is hidden"},
        "294": {"description": "a partial answer, for application/apiql-response+json",
                "content": content},
        "400": {"description": "the text or the body cannot be read", "content": refused | problem},
        "422": {"description": "the query cannot be run; nothing was called", "content": refused},
        "502": {"description": "no output could be had", "content": refused},
        "504": {"description": "no output came in time", "content": refused},
    }  # fmt: skip

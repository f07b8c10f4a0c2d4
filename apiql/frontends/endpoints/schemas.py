"""The JSON Schema of configurations, made of their models: what editors check files with.

It knows the spelling of today alone: `beforeware` and `afterware` are taken, not shown.
"""

from __future__ import annotations

import sys
from typing import Any

from apiql.documents.schema_text import GRAMMAR, schema_of, text_of, updated
from apiql.frontends.endpoints.written import WrittenGateway

NAME = "gopen-gateway.schema.json"


def schema_text() -> str:
    """The text of the schema. A value may be `$NAME` wherever a text of some form stands."""
    made = schema_of(WrittenGateway)
    made["title"] = "GOPEN gateway"
    made["properties"]["$schema"] = {"type": "string"}
    return text_of(_with_names(made))


def _with_names(schema: Any) -> Any:
    """Patterns let a name of the environment through as well."""
    if isinstance(schema, list):
        return [_with_names(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        word: rf"({told})|\$\w+" if word == "pattern" else _with_names(told)
        for word, told in schema.items()
    }


if __name__ == "__main__":
    sys.exit(updated(GRAMMAR, {NAME: schema_text()}, sys.argv[1:]))

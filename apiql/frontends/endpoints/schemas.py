"""The JSON Schema of configurations, made of their models: what editors check files with.

It knows the spelling of today alone: `beforeware` and `afterware` are taken, not shown.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from apiql.frontends.endpoints.written import WrittenGateway

NAME = "gopen-gateway.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
GRAMMAR = Path(__file__).resolve().parents[3] / "grammar"


class _Schema(GenerateJsonSchema):
    """Pydantic's, without what says nothing: defaults that stand for what is absent, null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def generate(self, schema: CoreSchema, mode: Any = "validation") -> JsonSchemaValue:
        return {"$schema": DIALECT} | super().generate(schema, mode)


def schema_text() -> str:
    """The text of the schema. A value may be `$NAME` wherever a text of some form stands."""
    made = WrittenGateway.model_json_schema(by_alias=True, schema_generator=_Schema)
    made["title"] = "GOPEN gateway"
    made["properties"]["$schema"] = {"type": "string"}
    return json.dumps(_with_names(made), ensure_ascii=False, indent=2) + "\n"


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


def main(arguments: list[str]) -> int:
    """Names the file of `grammar/` if it is out of date; `--write` writes it."""
    path, text = GRAMMAR / NAME, schema_text()
    if path.is_file() and path.read_text("utf-8") == text:
        return 0
    print(path.name)
    if "--write" in arguments:
        path.write_text(text, encoding="utf-8")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

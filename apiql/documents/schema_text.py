"""The JSON Schema of a model of documents: what editors check files with. Knows no model.

It knows the spellings of today alone: names in another case and older ones are taken, not shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from apiql.documents.fold import SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
GRAMMAR = Path(__file__).resolve().parents[2] / "grammar"


class _Schema(GenerateJsonSchema):
    """Pydantic's, without what says nothing: defaults that stand for what is absent, null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def generate(self, schema: CoreSchema, mode: Any = "validation") -> JsonSchemaValue:
        return {SCHEMA: DIALECT} | super().generate(schema, mode)


def schema_of(model: Any) -> dict[str, Any]:
    """The schema of a model, or of a type made of models."""
    return TypeAdapter[Any](model).json_schema(by_alias=True, schema_generator=_Schema)


def text_of(schema: Mapping[str, Any]) -> str:
    """The text of the file of a schema."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def changed(folder: Path, made: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """The files of a folder that are not as they were made, with the text they should have."""
    for name, text in made.items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            yield path, text


def updated(folder: Path, made: Mapping[str, str], arguments: list[str]) -> int:
    """Names the files of a folder that are out of date; `--write` writes them. The exit code."""
    found = list(changed(folder, made))
    for path, text in found:
        if "--write" in arguments:
            path.write_text(text, encoding="utf-8")
        print(path.name)
    return 0 if "--write" in arguments else int(bool(found))

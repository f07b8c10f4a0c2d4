"""The JSON Schemas of all kinds of documents, made of their models: what editors check files with.

They know the spellings of today alone: names in another case and older ones are taken, not shown.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from apiql.frontends.definitions.fold import SCHEMA
from apiql.frontends.definitions.kinds import MODELS, Generation, Kind, word
from apiql.frontends.definitions.shape import Shape

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
        return {SCHEMA: DIALECT} | super().generate(schema, mode)


def schemas() -> Mapping[str, str]:
    """The text of each schema by the name of its file."""
    return {
        f"apihub-{generation}-{word(generation, kind)}.schema.json": _text(model, generation, kind)
        for (generation, kind), model in MODELS.items()
    }


def _text(model: type[Shape], generation: Generation, kind: Kind) -> str:
    made = model.model_json_schema(by_alias=True, schema_generator=_Schema)
    made["title"] = f"APIHUB {generation.upper()} {word(generation, kind)}"
    made["properties"] = {SCHEMA: {"type": "string"}} | made.get("properties", {})
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def changed(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files of a folder that are not as the models are, with the text they should have."""
    for name, text in schemas().items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            yield path, text


def main(arguments: list[str]) -> int:
    """Names the files of `grammar/` that are out of date; `--write` writes them."""
    found = list(changed(GRAMMAR))
    for path, text in found:
        if "--write" in arguments:
            path.write_text(text, encoding="utf-8")
        print(path.name)
    return 0 if "--write" in arguments else int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

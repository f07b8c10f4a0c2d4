"""The JSON Schemas of all kinds of definitions, made of their models."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from apiql.documents.fold import SCHEMA
from apiql.documents.schema_text import GRAMMAR, schema_of, text_of, updated
from apiql.documents.shape import Shape
from apiql.frontends.definitions.kinds import MODELS, Generation, Kind, word


def schemas() -> Mapping[str, str]:
    """The text of each schema by the name of its file."""
    return {
        f"apihub-{generation}-{word(generation, kind)}.schema.json": _text(model, generation, kind)
        for (generation, kind), model in MODELS.items()
    }


def _text(model: type[Shape], generation: Generation, kind: Kind) -> str:
    made = schema_of(model)
    made["title"] = f"APIHUB {generation.upper()} {word(generation, kind)}"
    made["properties"] = {SCHEMA: {"type": "string"}} | made.get("properties", {})
    return text_of(made)


def main(arguments: list[str]) -> int:
    """Names the files of `grammar/` that are out of date; `--write` writes them."""
    return updated(GRAMMAR, schemas(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

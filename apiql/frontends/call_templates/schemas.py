"""The JSON Schema of a file of call templates, made of their models."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

from apiql.documents.schema_text import GRAMMAR, schema_of, text_of, updated
from apiql.frontends.call_templates.document import CallTemplate

NAME = "call-templates.schema.json"
File: TypeAlias = CallTemplate | dict[str, CallTemplate]


def schemas() -> Mapping[str, str]:
    """The text of the schema by the name of its file."""
    made = schema_of(File)
    one, several = made.pop("anyOf")
    several["properties"] = {"$schema": {"type": "string"}}
    definitions: dict[str, Any] = made["$defs"]
    definitions["CallTemplate"]["properties"] |= {"$schema": {"type": "string"}}
    made |= {"title": "Call templates", "description": "One template, or several by name."}
    made["anyOf"] = [one, several]
    return {NAME: text_of(made)}


def main(arguments: list[str]) -> int:
    """Names the file of `grammar/` if it is out of date; `--write` writes it."""
    return updated(GRAMMAR, schemas(), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

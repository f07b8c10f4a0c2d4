"""The formats by their names, and which of them a text is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from apiql.importers.curl import read_curl
from apiql.importers.documents import json_document
from apiql.importers.har import read_har
from apiql.importers.imported import Choice, Imported, ImportRefused
from apiql.importers.openapi import read_openapi
from apiql.importers.postman import read_postman

Format: TypeAlias = Literal["auto", "openapi", "swagger", "postman", "curl", "har"]
_Read: TypeAlias = Callable[[dict[str, Any], Choice], Imported]
_DOCUMENTS: Mapping[str, tuple[str, _Read]] = {
    "openapi": ("openapi", read_openapi),
    "swagger": ("swagger", read_openapi),
    "postman": ("item", read_postman),
    "har": ("log", read_har),
}
"""The member that a document of each format has, and what reads it."""
_CURL = re.compile(r"^[ \t]*(?:\$ )?\S*curl(?:\.exe)?\s", re.MULTILINE)
_YAML = re.compile(r"^[\"']?(?:openapi|swagger)[\"']?\s*:", re.MULTILINE)


def read(text: str, told: Format, choice: Choice) -> Imported:
    """What a text describes.

    Raises:
        ImportRefused: it is of no format, of another than `told`, or broken.
    """
    is_json = text.lstrip()[:1] in ("{", "[")
    if told == "curl" or (told == "auto" and not is_json and not _YAML.search(text)):
        if told == "auto" and not _CURL.search(text):
            raise ImportRefused(
                f"{choice.name}: of no format that is known; say which: "
                "openapi, swagger, postman, curl, har"
            )
        return read_curl(text, choice)
    root = json_document(text, choice.name) if is_json else _yaml(text, choice.name)
    found = next((name for name, (key, _) in _DOCUMENTS.items() if key in root), None)
    if found is None:
        wanted = ", ".join(f"`{key}`" for key, _ in _DOCUMENTS.values())
        raise ImportRefused(f"{choice.name}: expected one of the members {wanted}")
    if told not in ("auto", found):
        raise ImportRefused(f"{choice.name}: this is {found}, not {told}; say so, or say auto")
    return _DOCUMENTS[found][1](root, choice)


def _yaml(text: str, name: str) -> dict[str, Any]:
    try:
        from apiql.importers.yaml_documents import yaml_document
    except ModuleNotFoundError:
        raise ImportRefused(f"{name}: no JSON; to read YAML: pip install 'apiql[import]'") from None
    return yaml_document(text, name)

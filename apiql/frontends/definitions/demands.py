"""What several kinds of definitions demand of their members. Knows no kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from apiql.documents.shape import Demand, text_of, warning
from apiql.json_nodes import Node, quoted


def reserved_key(found: Mapping[str, Node]) -> Iterator[Demand]:
    """Results may not be kept under the names that definitions find other things by."""
    key = text_of(found, "resultKey")
    if key in RESERVED:
        expected = f"another name than {', '.join(RESERVED)}"
        yield warning(f"{quoted(key)} is a reserved name", expected, "resultKey")


SECOND = "second"
"""The layout of an end that is told in seconds from now on."""
RESERVED = ("origin", "vars", "result", "loop", "base")


def has_url(found: Mapping[str, Node]) -> Iterator[Demand]:
    """An address is there, or made."""
    url = found.get("url")
    if (url is None or url.value == "") and "dynamicUrl" not in found:
        yield Demand("there is no URL", '"url", or "dynamicUrl" that makes one')


WITH_URL: Mapping[str, Any] = MappingProxyType(
    {
        "anyOf": [
            {"required": ["url"], "properties": {"url": {"minLength": 1}}},
            {"required": ["dynamicUrl"]},
        ]
    }
)
"""What a schema says of `has_url`."""

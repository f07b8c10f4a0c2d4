"""Where a value of the second generation comes from, and the arguments that have one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from apiql.documents.shape import Demand, Json, Older, Renamed, Shape, text_of
from apiql.json_nodes import Node

DATA = ("json", "jsonRaw")
RENAMED = MappingProxyType({"StepResult": "heap", "JsonTemplate": "json"})


class Value(Shape):
    """A value and where it comes from."""

    schema_rules: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "if": {"properties": {"from": {"enum": list(DATA)}}},
            "then": {"required": ["json"]},
            "else": {"required": ["content"]},
        }
    )

    kind: Annotated[
        Literal[
            "literal", "query", "header", "env", "private", "origin", "heap", "template", "json",
            "jsonRaw", "func",
        ],
        Renamed(RENAMED),
    ] = Field(alias="from")  # fmt: skip
    """The kind of source: the content itself (literal), a query parameter, a header, a variable of
    the environment, a private value, a path of the request body (origin) or of all results
    (heap), a template, JSON as a text (json) or as it is (jsonRaw), a function."""
    content: Annotated[str, Older(("name",))] = ""
    """The text, the name of what is meant, the path, or the text of the template."""
    data: Annotated[Json, Older(("template",))] = Field(default=None, alias="json")
    """For json and jsonRaw: JSON whose texts are templates."""
    args: str = ""
    """For a function: names of arguments before this one, separated by spaces."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """json and jsonRaw have JSON, all others have a content."""
        kind = text_of(found, "from")
        wanted = "json" if kind in DATA else "content"
        if kind and wanted not in found:
            yield Demand(f'"{wanted}" is missing', f'"{wanted}" beside "from": "{kind}"')


class Expiry(Value):
    """When an answer may no longer be used: `header` is one of the answer."""

    kind: Annotated[
        Literal[
            "template", "header", "literal", "query", "env", "private", "origin", "heap", "json",
            "jsonRaw", "func",
        ],
        Renamed(RENAMED, ("header",)),
    ] = Field(alias="from")  # fmt: skip
    """A template over `.result`, a header of the answer, `Set-Cookie.expires` an attribute of its
    first cookie; the others are as in arguments."""


class Argument(Shape):
    """A named value."""

    name: str
    """The name."""
    value: Value
    """Its value."""

"""Where a value of the first generation comes from, and the parameters that have one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from apiql.documents.shape import Demand, Json, Older, Renamed, Shape, text_of, warning
from apiql.json_nodes import Node

RENAMED = Renamed(MappingProxyType({"heap": "StepResult", "json": "JsonTemplate"}))


class Content(Shape):
    """What belongs to a kind of source."""

    name: Annotated[str, Older(("content",))] = ""
    """The name of what is meant, the path, or the text of the template."""
    args: str = ""
    """For a function: names of parameters before this one, separated by spaces."""
    data: Annotated[Json, Older(("json",))] = Field(default=None, alias="template")
    """For a JSON template: JSON whose texts are templates."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A JSON template has a template, all others have a name."""
        kind = text_of(found, "from")
        if kind == "JsonTemplate" and "template" not in found:
            yield warning('"template" is missing: the value is null', "JSON", None)
        elif kind in ("query", "private", "func") and not text_of(found, "name"):
            yield warning(f'"name" is missing: {kind} finds nothing', "a name", None)


class Source(Content):
    """Where a value comes from; all are texts."""

    kind: Annotated[
        Literal[
            "query", "origin", "StepResult", "template", "result", "private", "JsonTemplate", "func"
        ],
        RENAMED,
    ] = Field(alias="from")
    """The kind of source: a query parameter, a path of the request body (origin), of all results
    (StepResult) or of the last one (result), a template, a private value, a JSON template, a
    function."""


class CacheSource(Content):
    """Where the end of an answer's life comes from: also a header of the answer."""

    kind: Annotated[
        Literal[
            "header", "query", "origin", "StepResult", "template", "result", "private",
            "JsonTemplate", "func",
        ],
        Renamed(RENAMED.words, ("header",)),
    ] = Field(alias="from")  # fmt: skip
    """The kind of source: `header` names a header of the answer, `Set-Cookie.expires` an attribute
    of its first cookie; the others are as in parameters."""


class Given(Shape):
    """A named value: fixed, or from a source."""

    name: str = ""
    """The name."""
    value: str = ""
    """The fixed value; where it is not empty, `from` is not asked."""
    source: Source | None = Field(default=None, alias="from")
    """Where the value comes from."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A name, and a value from somewhere."""
        if not text_of(found, "name"):
            yield warning('"name" is missing', "a name")
        if "value" not in found and "from" not in found:
            yield warning("there is no value: it is an empty text", '"value" or "from"')

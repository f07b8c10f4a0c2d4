"""An httpapi of the second generation: one upstream call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apiql.documents.shape import Demand, Listed, Older, Shape, Words
from apiql.frontends.definitions.demands import WITH_URL, has_url
from apiql.frontends.definitions.v2.value import Argument, Expiry, Value
from apiql.json_nodes import Node


class Sent(Argument):
    """A value that is sent, or kept for later ones."""

    place: Annotated[str, Words(("header", "vars", "body", "query"))] = Field(alias="in")
    """Where it goes: query, header, body, or vars alone; all go to vars too."""


class Cache(Shape):
    """How long an answer may be used again."""

    expire: Annotated[Expiry, Older(("from",))]
    """Where the end comes from."""
    format: str
    """`second`, or the layout of a time as Go writes it: `20060102150405`."""


class HttpApi(Shape):
    """One upstream call."""

    closed: ClassVar[bool] = True
    schema_rules: ClassVar[Mapping[str, Any]] = WITH_URL

    id: str
    """The name in figures; an httpapi is found by the name of its file."""
    url: str = ""
    """The address; query parameters of it stay."""
    dynamic_url: Value | None = None
    """Makes the address where `url` is empty."""
    description: str = ""
    """For people."""
    private: str = ""
    """The file of private values."""
    method: Annotated[str, Words(("POST", "GET"))]
    """POST or GET."""
    request_content_type: Annotated[
        str, Words(("json", "form", "origin", "none", "text"), also="/")
    ]
    """json, form, origin (what came in is sent on), none, text, or a content type."""
    args: Annotated[Listed[Sent], Older(("parameters",))] = ()
    """The values, in order: later ones see earlier ones."""
    cache: Cache | None = None
    """How long an answer may be used again."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """An address."""
        yield from has_url(found)

"""An api of the first generation: one upstream call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apiql.documents.shape import Demand, Json, Listed, Older, Shape, Words
from apiql.frontends.definitions.demands import WITH_URL, has_url
from apiql.frontends.definitions.v1.source import CacheSource, Given, Source
from apiql.json_nodes import Node

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


class Parameter(Given):
    """A value that is sent, or kept for later ones."""

    place: Annotated[str, Words(("query", "header", "body", "vars"))] = Field(
        default="", alias="in"
    )
    """Where it goes: query, header, body, or vars alone; all go to vars too."""


class Rewritten(Shape):
    """What is answered in place of the upstream's JSON."""

    data: Annotated[Json, Older(("template",))] = Field(default=None, alias="json")
    """JSON whose texts are templates over the upstream's JSON."""


class Cache(Shape):
    """How long an answer may be used again."""

    source: Annotated[CacheSource, Older(("expire",))] = Field(alias="from")
    """Where the end comes from."""
    format: str = ""
    """`second`, or the layout of a time as Go writes it: `20060102150405`."""


class ExpectedStatus(Shape):
    """What must stand in an answer for it to be one."""

    source: Source = Field(alias="from")
    """Where it stands."""
    format: str = ""
    """number or string; the comparison is one of texts."""
    expected: str = ""
    """What must stand there."""


class Api(Shape):
    """One upstream call."""

    schema_rules: ClassVar[Mapping[str, Any]] = WITH_URL

    id: str = ""
    """For people: an api is found by the name of its file."""
    description: str = ""
    """For people."""
    url: str = ""
    """The address; query parameters of it stay."""
    dynamic_url: Source | None = None
    """Makes the address where `url` is empty."""
    method: Annotated[str, Words(METHODS)] = ""
    """The method; GET where it is empty. A body is sent with POST alone."""
    private: str = ""
    """The file of private values."""
    request_content_type: Annotated[str, Words(("none", "json", "form", "origin"), also="/")] = ""
    """json, form, origin (what came in is sent on), none, or a content type."""
    parameters: Annotated[Listed[Parameter], Older(("args",))] = ()
    """The values, in order: later ones see earlier ones."""
    response: Rewritten | None = None
    """What is answered in place of the upstream's JSON."""
    cache: Cache | None = None
    """How long an answer may be used again."""
    resp_status: ExpectedStatus | None = None
    """What must stand in an answer for it to be one."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """An address."""
        yield from has_url(found)

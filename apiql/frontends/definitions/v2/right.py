"""A rights file of the second generation: who may call one definition from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from apiql.documents.shape import Demand, Listed, Shape, Words, text_of, warning
from apiql.json_nodes import Node

LISTS = ("whitelist", "blacklist")


class Listee(Shape):
    """One who is listed."""

    user: str
    """The name."""


class Right(Shape):
    """Who may call the definition of the file's name from outside."""

    closed: ClassVar[bool] = True

    type: Annotated[str, Words(("httpapi", "flow", "schedule"))]
    """The kind of definition."""
    right: Annotated[str, Words(("public", "internal", "whitelist", "blacklist"))]
    """public (all), internal (nobody from outside), whitelist (those listed alone), blacklist (all
    but them); every other word keeps all out."""
    listed: Listed[Listee] = Field(default=(), alias="list")
    """Those whom a whitelist or a blacklist names."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A list where the right is one."""
        if text_of(found, "right") in LISTS and "list" not in found:
            yield warning('"list" is missing: it names nobody', '"list": [{"user": …}]')

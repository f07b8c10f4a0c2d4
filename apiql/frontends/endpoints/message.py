"""Requests and answers as modifiers see them: frozen values. Knows no modifier and no HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from apiql.frontends.endpoints.json_value import MISSING, Json, Missing, decoded, encoded

Fields: TypeAlias = Mapping[str, tuple[str, ...]]
"""Header fields or query parameters: the values of each name, in their order."""

NO_FIELDS: Fields = MappingProxyType({})
NO_PARAMS: Mapping[str, str] = MappingProxyType({})
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"


class Kind(Enum):
    """What can be done with a body."""

    JSON = "json"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True)
class Body:
    """Bytes of a media type; read as JSON only when somebody asks, and once."""

    data: bytes
    media: str = JSON_TYPE

    @cached_property
    def kind(self) -> Kind:
        """JSON that is broken is text; what says no type is one of the two."""
        media = self.media.lower()
        if "json" in media or not media:
            return Kind.TEXT if self.value is MISSING else Kind.JSON
        return Kind.TEXT if media.lstrip().startswith(TEXT_TYPE) else Kind.OTHER

    @cached_property
    def value(self) -> Json | Missing:
        """The JSON in it, MISSING where it is none."""
        return decoded(self.data)

    @cached_property
    def text(self) -> str:
        """The letters in it; bytes that are no UTF-8 become U+FFFD."""
        return self.data.decode("utf-8", "replace")

    def with_value(self, value: Json) -> Body:
        """The same with other JSON."""
        return Body(encoded(value), self.media)

    def with_text(self, text: str) -> Body:
        """The same with other letters."""
        return Body(text.encode("utf-8", "replace"), self.media)


def body_of(data: bytes, media: str) -> Body | None:
    """The body of a message: no bytes are no body."""
    return Body(data, media) if data else None


class Message(Struct, frozen=True):
    """A request (path, params, query) or an answer (status). Names of header fields are as Go has
    them (`canonical`); `path` is the one with `:name` in it.
    """

    headers: Fields = NO_FIELDS
    body: Body | None = None
    status: int = 0
    path: str = ""
    params: Mapping[str, str] = NO_PARAMS
    query: Fields = NO_FIELDS


def canonical(name: str) -> str:
    """The name of a header field as Go's net/http has it: `X-Trace-Id`."""
    if not name or any(not (c.isascii() and (c.isalnum() or c in "!#$%&'*+-.^_`|~")) for c in name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))

"""What a call is made of: endpoints with their templates, and bindings of values to places."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from apiql.ir.caching import CacheRule
from apiql.ir.policy import USUAL_RETRY, Retry
from apiql.ir.push import Push
from apiql.ir.secret import Secret
from apiql.ir.values import Value

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
"""Headers of a request that say who asks; `cookie` stands for any of its cookies too."""


class Place(Enum):
    """Where in the request a binding goes."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    MEMBER = "body member"
    BODY = "body"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Binding:
    """A value for one place of the request. A MEMBER's name is a path into the JSON body; `style`
    says how lists are written where that is not left to the source.
    """

    place: Place
    name: tuple[str, ...]
    value: Value
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder of a path or query template. An `optional` one may stay empty."""

    name: str
    optional: bool = False


TemplatePart: TypeAlias = str | Slot


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What stands after `from`, resolved: the service, its base URL and the path template.

    `base` is scheme, authority and path prefix; `path` alternates encoded text and slots;
    `query` are fixed pairs and pairs filled by a slot. `pinned`: the operator configured it.
    `retry` is for queries that say nothing of it, `on_timeout` what a late call means (`error`,
    `warning`, `required`). `push` is what it does with its rows itself; calls are equal without it.
    `cache` is how its answers are kept; `source` the name it has in the configuration, if it has
    one there. Headers of the caller's request that are in `forward` are passed on, those in
    `withheld` (lower case) are not let through whatever a query says.
    """

    service: str
    base: str
    path: tuple[TemplatePart, ...]
    query: tuple[tuple[str, TemplatePart], ...] = ()
    pinned: bool = True
    list_style: str = "repeat"
    headers: tuple[tuple[str, str | Secret], ...] = ()
    timeout: float | None = None
    concurrency: int | None = None
    retry: Retry = field(default=USUAL_RETRY, repr=False)
    on_timeout: str = field(default="error", repr=False)
    push: Push | None = field(default=None, repr=False, compare=False)
    cache: CacheRule | None = field(default=None, repr=False)
    source: str = field(default="", repr=False, compare=False)
    forward: tuple[str, ...] = field(default=(), repr=False)
    withheld: frozenset[str] = field(default=CREDENTIALS, repr=False)

    @property
    def template(self) -> str:
        """The path for people: `/users/{id}?{page}`."""
        pairs = "&".join(_pair_text(name, part) for name, part in self.query)
        return "".join(_part_text(part) for part in self.path) + (f"?{pairs}" if pairs else "")


def _part_text(part: TemplatePart) -> str:
    if isinstance(part, str):
        return part
    return "{" + part.name + ("?" if part.optional else "") + "}"


def _pair_text(name: str, part: TemplatePart) -> str:
    if isinstance(part, Slot) and part.name == name:
        return _part_text(part)
    return f"{name}={_part_text(part)}"

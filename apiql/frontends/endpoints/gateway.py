"""What a configuration says, with all that is inherited and all defaults in it: frozen values.

Knows no file but its name, and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from apiql.frontends.endpoints.answer import Part, Shape
from apiql.frontends.endpoints.modifier import Modifier
from apiql.frontends.endpoints.modify import Changes
from apiql.frontends.endpoints.units import SECOND, Duration, Size

DEFAULT_TIMEOUT = 30 * SECOND
DEFAULT_CAPACITY = 5
DEFAULT_EVERY = SECOND
DEFAULT_HEADER = 1 << 20
DEFAULT_BODY = 3 << 20
DEFAULT_MULTIPART = 5 << 20


@dataclass(frozen=True, slots=True)
class Redis:
    """The store of the cache; its password is never shown."""

    address: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket for each client: `capacity` at once, another one after `every`."""

    capacity: int = DEFAULT_CAPACITY
    every: Duration = DEFAULT_EVERY


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a request may be, and how many a client may make; without `rate`, any number."""

    header: Size = DEFAULT_HEADER
    body: Size = DEFAULT_BODY
    multipart: Size = DEFAULT_MULTIPART
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    """Who may ask: addresses of clients, methods, header fields; empty lets everything in."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caching:
    """How long an answer is kept. `statuses` and `methods` None are all of them."""

    duration: Duration
    strategy_headers: tuple[str, ...] = ()
    statuses: frozenset[int] | None = None
    methods: frozenset[str] | None = None
    heeds_cache_control: bool = False
    ignores_query: bool = False


class Role(Enum):
    """Which list of an endpoint a call stands in."""

    BEFORE = "beforeware"
    BACKEND = "backend"
    AFTER = "afterware"


@dataclass(frozen=True, slots=True)
class Backend:
    """A call. An empty `forward_…` forwards all; `concurrent` is how often it is made at once."""

    name: str
    hosts: tuple[str, ...]
    path: str
    method: str
    forward_headers: tuple[str, ...] = ()
    forward_queries: tuple[str, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    status: int = 0
    changes: Changes = field(default_factory=Changes, compare=False)
    omits_request_body: bool = False
    groups_response: bool = False
    omits_response: bool = False
    concurrent: int = 1
    comment: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A backend in its place of an endpoint; `middleware` is the name it is called by."""

    role: Role
    backend: Backend
    middleware: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a path. `calls` are made one behind the other; `shape` is what their answers
    become, `abort_if` the statuses that end it (None: from 400 on), `unknown` the middlewares that
    there are not.
    """

    method: str
    path: str
    calls: tuple[Call, ...]
    shape: Shape
    timeout: Duration = DEFAULT_TIMEOUT
    caching: Caching | None = None
    limits: Limits = field(default_factory=Limits)
    abort_if: frozenset[int] | None = None
    unknown: tuple[str, ...] = ()
    comment: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A file. `settings` are its members as they may be shown: nothing that is likely secret."""

    file: str
    port: int
    endpoints: tuple[Endpoint, ...]
    version: str = ""
    hot_reload: bool = False
    redis: Redis | None = None
    cors: Cors = field(default_factory=Cors)
    middlewares: Mapping[str, Backend] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)


def part_of(call: Call) -> Part:
    """What becomes of a call's answer: those of middlewares are omitted."""
    backend = call.backend
    is_omitted = backend.omits_response or call.role is not Role.BACKEND
    return Part(backend.name, is_omitted, backend.groups_response)

"""A configuration as it stands in a file: what it may hold, object by object. Knows no defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field

from apiql.frontends.endpoints.shape import (
    DurationText,
    Encoding,
    Host,
    Listed,
    Method,
    Part,
    Path,
    SizeText,
    Status,
    StatusOrZero,
)

Context: TypeAlias = Literal["REQUEST", "RESPONSE", ""]
Scope: TypeAlias = Literal["REQUEST", "RESPONSE"]
FieldAction: TypeAlias = Literal["ADD", "APD", "SET", "RPL", "REN", "DEL"]
ParamAction: TypeAlias = Literal["SET", "RPL", "REN", "DEL"]


class WrittenModifier(Part):
    """What all modifiers have."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"properties": {"action": {"const": "DEL"}}}, {"required": ["value"]}]
        }
    )

    context: Context
    """When: before the call (REQUEST), behind it (RESPONSE), both (empty)."""
    key: str = ""
    """What is changed."""
    value: str | None = None
    """What it becomes; `#request…` and `#response…` in it are replaced."""
    propagate: bool = False
    """Whether later backends see the change."""


class HeaderModifier(WrittenModifier):
    """A change of a header field."""

    action: FieldAction
    """What is done."""
    scope: Scope | None = None
    """Whose header: the request's or the response's; that of the context where it is absent."""


class ParamModifier(WrittenModifier):
    """A change of a path parameter."""

    action: ParamAction
    """What is done."""


class QueryModifier(WrittenModifier):
    """A change of a query parameter."""

    action: FieldAction
    """What is done."""


class BodyModifier(HeaderModifier):
    """A change of a body."""


class WrittenModifiers(Part):
    """All changes that a backend makes."""

    status_code: StatusOrZero = 0
    """The status that the answer gets; 0 leaves it as it is."""
    header: Listed[HeaderModifier] = ()
    """Changes of header fields."""
    param: Listed[ParamModifier] = ()
    """Changes of path parameters."""
    query: Listed[QueryModifier] = ()
    """Changes of query parameters."""
    body: Listed[BodyModifier] = ()
    """Changes of bodies."""


class ExtraConfig(Part):
    """What else a backend does."""

    omit_request_body: bool = False
    """The body of the request is not sent."""
    group_response: bool = False
    """The body of the answer stands under the backend's name."""
    omit_response: bool = False
    """The answer is not shown."""


class WrittenRequest(Part):
    """What the later format says of a backend's request, as far as it is taken."""

    concurrent: Annotated[int, Field(ge=2, le=10)] | None = None
    """How often the call is made at once."""


class WrittenBackend(Part):
    """A call."""

    name: Annotated[str, Field(pattern=r"^([a-zA-Z_][a-zA-Z_0-9 -]*)?$")] = ""
    """Its name in grouped answers."""
    hosts: Annotated[Listed[Host], Field(min_length=1)]
    """One of them is called, each as often as it stands here."""
    path: Path
    """The path there; `:name` is a parameter."""
    method: Method
    """The method."""
    forward_headers: Listed[str] = ()
    """The header fields that are sent on; all of them where it is empty."""
    forward_queries: Listed[str] = ()
    """The query parameters that are sent on; all of them where it is empty."""
    modifiers: WrittenModifiers | None = None
    """Changes of the request and of the answer."""
    extra_config: ExtraConfig | None = None
    """What else it does."""
    request: WrittenRequest | None = None
    """Of the later format: how often it is called at once."""


class WrittenRate(Part):
    """How many requests of one client are let in."""

    capacity: Annotated[int, Field(ge=1)]
    """At once."""
    every: DurationText | None = None
    """After how long there is room for another; 1s."""


class WrittenLimiter(Part):
    """How large and how many requests may be."""

    max_header_size: SizeText | None = None
    """1MB."""
    max_body_size: SizeText | None = None
    """3MB."""
    max_multipart_memory_size: SizeText | None = None
    """5MB."""
    rate: WrittenRate | None = None
    """None: as many as come."""


class WrittenCache(Part):
    """What is kept, and how long, where an endpoint does not say otherwise."""

    duration: DurationText
    """How long."""
    strategy_headers: Listed[str] = ()
    """The header fields whose values tell answers apart."""
    only_if_status_codes: Listed[Status] | None = None
    """The statuses that are kept."""
    only_if_methods: Listed[Method] | None = None
    """The methods whose answers are kept."""
    allow_cache_control: bool = False
    """Whether `no-cache` and `no-store` of others are heeded."""


class WrittenEndpointCache(Part):
    """What is kept of an endpoint; what is absent is as at the root."""

    enabled: bool
    """Whether anything is."""
    ignore_query: bool = False
    """Whether answers are the same whatever the query string is."""
    duration: DurationText | None = None
    """How long."""
    strategy_headers: Listed[Annotated[str, Field(min_length=1)]] | None = None
    """The header fields whose values tell answers apart."""
    only_if_status_codes: Listed[Status] | None = None
    """The statuses that are kept."""
    allow_cache_control: bool | None = None
    """Whether `no-cache` and `no-store` of others are heeded."""


class WrittenEndpoint(Part):
    """A method and a path that clients ask for."""

    path: Path
    """The path; `:name` is a parameter."""
    method: Method
    """The method."""
    timeout: DurationText | None = None
    """How long all of it may take."""
    cache: WrittenEndpointCache | None = None
    """What is kept."""
    limiter: WrittenLimiter | None = None
    """How large and how many requests may be; what is absent is as at the root."""
    response_encode: Encoding | None = None
    """The notation of the answer."""
    aggregate_responses: bool = False
    """Whether several answers become one object."""
    abort_if_status_codes: Listed[Status] | None = None
    """The statuses that end it; from 400 on where it is absent, none where it is empty."""
    beforewares: Listed[str] = ()
    """Middlewares that are called first."""
    backends: Annotated[Listed[WrittenBackend], Field(min_length=1)]
    """The calls, one behind the other."""
    afterwares: Listed[str] = ()
    """Middlewares that are called last."""


class WrittenCors(Part):
    """Who may ask, and what; what is absent or empty lets everything in."""

    allow_origins: Listed[str] = ()
    """Addresses of clients."""
    allow_methods: Listed[Method] = ()
    """Methods."""
    allow_headers: Listed[str] = ()
    """Header fields."""


class WrittenRedis(Part):
    """A Redis."""

    address: Annotated[str, Field(min_length=1)]
    """Name and port."""
    password: str = Field(default="", repr=False)
    """Its password; it is never shown."""


class WrittenStore(Part):
    """Where answers are kept."""

    redis: WrittenRedis
    """In a Redis."""


class WrittenGateway(Part):
    """A configuration."""

    schema_: Any = Field(default=None, alias="$schema")
    """Editors find the schema of the file by it."""
    version: str = ""
    """What `/version` answers."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """The port of the gateway."""
    hot_reload: bool = False
    """Whether a change of the file is put in force."""
    store: WrittenStore | None = None
    """Where answers are kept; in the process where it is absent."""
    timeout: DurationText | None = None
    """How long an endpoint may take; 30s."""
    cache: WrittenCache | None = None
    """What endpoints keep that have a cache."""
    limiter: WrittenLimiter | None = None
    """How large and how many requests may be."""
    security_cors: WrittenCors | None = None
    """Who may ask."""
    middlewares: dict[str, WrittenBackend] = Field(default_factory=dict)
    """Calls that endpoints name, by name."""
    endpoints: Listed[WrittenEndpoint] = ()
    """The endpoints."""

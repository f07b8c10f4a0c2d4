"""The sections of the settings, with every default. They know nothing of files or variables.

A `Settings` that exists is valid. Durations are seconds, sizes are bytes; both may be written as
text where a section is made ("500ms", "8MiB").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from apiql.settings.values import (
    Abilities,
    Count,
    Duration,
    HeaderName,
    HeaderText,
    HostRules,
    ListStyle,
    MemberKind,
    MemberName,
    Method,
    Methods,
    ParameterName,
    ParameterNames,
    PathTemplate,
    ProxyAddress,
    PushStyle,
    QueryValue,
    Renamed,
    Size,
    SourceName,
    Trust,
    UpstreamName,
    WebAddress,
    refusal,
)

_KIB = 1024
_MIB = 1024 * _KIB
KEY_KINDS = ("integer", "number", "ordered text")


class Section(BaseModel):
    """A table of settings: what it does not know is an error, and nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Server(Section):
    """Where the engine listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes any free port."""
    workers: Count = 1
    docs: bool = False
    """The pages /docs, /openapi.json and /."""


class Answer(Section):
    """What answers tell about how they came about."""

    details: Literal["status", "full"] = "status"
    """`full` shows the URLs and bodies of upstreams in errors."""
    plan: bool = True
    """Whether `explain` is answered over HTTP."""
    timings: bool = False
    """The `Server-Timing` header, and `explain analyze` over HTTP."""


class Security(Section):
    """What a query may reach by itself, without a source of the configuration."""

    allow_hosts: HostRules = ()
    """Hosts that an absolute URL may name; none: absolute URLs are refused."""
    allow_private_networks: bool = False
    """Whether such a host may resolve to a private or loopback address."""
    allow_methods: Methods = ("get", "post", "put", "patch", "delete", "head")


class Queries(Section):
    """Which texts are run, and what is kept of those that clients send by their ids."""

    mode: Literal["any", "log-unknown", "stored-only"] = "any"
    """`stored-only` runs nothing but the stored queries; `log-unknown` tells what that would
    refuse.
    """
    persisted: int = Field(default=1000, ge=0)
    """Texts that are remembered by their ids."""
    persisted_bytes: Size = 4 * _MIB
    """Of all of them together."""


class Limits(Section):
    """The most that one query, call, answer or connection may take; no limit can be off."""

    text_bytes: Size = 64 * _KIB
    params_bytes: Size = _MIB
    body_bytes: Size = _MIB
    header_bytes: Size = 64 * _KIB
    tokens: Count = 5000
    nesting: Count = 64
    name_length: Count = 128
    number_digits: Count = 400
    tasks: Count = 20
    depth: Count = 8
    aliases_depth: Count = 8
    calls: Count = 200
    retries: int = Field(default=5, ge=0, le=100)
    """More tries of one call than this cannot be asked for."""
    fanout: Count = 100
    """Distinct elements of one fan-out."""
    elements: Count = 100_000
    """Elements of one fan-out, equal ones counted each."""
    fields: Count = 200
    literal_bytes: Size = 16 * _KIB
    url_bytes: Size = 2 * _KIB
    path_segments: Count = 16
    params_per_task: Count = 100
    answer_bytes: Size = 16 * _MIB
    response_bytes: Size = 8 * _MIB
    response_header_bytes: Size = 64 * _KIB
    query_timeout: Duration = 10.0
    call_timeout: Duration = 5.0
    connect_timeout: Duration = 2.0
    dns_timeout: Duration = 1.0
    query_concurrency: Count = 8
    """Upstream calls that one query makes at a time."""
    connections_per_origin: Count = 64
    connections: Count = 1024
    idle_timeout: Duration = 15.0
    plans_cached: int = Field(default=1000, ge=0)
    cache_entries: int = Field(default=10_000, ge=0)
    """Answers of upstreams that one process keeps."""
    cache_bytes: Size = 64 * _MIB


class Bulk(Section):
    """How a source answers for several elements in one call: used for `in` without being asked."""

    path: PathTemplate | None = None
    """Unset: the source's own."""
    param: str = Field(min_length=1)
    """The parameter of the query string that takes the list."""
    style: ListStyle = "csv"
    max: Count = 100
    key: str = Field(min_length=1)
    """The member of a row that says whose it is; names joined by dots."""
    rows: str = ""
    """Where the rows are in the answer, names joined by dots; empty: they are the answer."""


class Push(Section):
    """What a source does with its rows itself. What is said here is a promise: clauses are sent
    there instead of being carried out here, and the answers must be the same.
    """

    style: PushStyle
    can: Abilities
    members: Mapping[MemberName, MemberKind] = Field(default_factory=dict)
    """Members of a row by what they are; with `?` they may be null or missing."""
    key: MemberName | None = None
    """Never null and never twice; rows come in its order unless asked otherwise."""
    rows: str | None = None
    """Where the rows are in the answer, names joined by dots; unset: where the style has them."""
    max_limit: Count = 1000
    names: Mapping[Renamed, ParameterName] = Field(default_factory=dict)
    """Names of parameters that are not those of the style."""
    paging: ParameterNames = ()
    """Other parameters that choose among the rows: with one of them only fields are pushed."""
    descending: Literal["-name", "name desc"] = "-name"
    """How `jsonapi` and `param` write a descending key."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        can = set(self.can)
        if self.style == "google" and not can <= {"limit", "fields"}:
            raise refusal("this style has no such parameter", 'can = ["limit", "fields"] or less')
        if can & {"order", "filter", "fields"} and not self.members:
            raise refusal("members are not named", 'members = { id = "integer", name = "text?" }')
        if "order" in can and self.members.get(self.key or "") not in KEY_KINDS:
            expected = f"key = a member that is one of {', '.join(KEY_KINDS)}"
            raise refusal("an order needs the key that makes it total", expected)
        if self.style == "jsonapi" and "fields" in can and "fields" not in self.names:
            raise refusal("the type of the rows is not said", 'names = { fields = "fields[type]" }')
        if self.style not in ("jsonapi", "param") and any("-" in name for name in self.members):
            raise refusal("this style has no names with -", "letters, digits and _")
        return self


class Source(Section):
    """A named operation of an upstream: what `from <name>` calls."""

    method: Method = "get"
    path: PathTemplate
    query: Mapping[str, QueryValue] = Field(default_factory=dict)
    headers: Mapping[HeaderName, HeaderText] = Field(default_factory=dict, repr=False)
    list_style: ListStyle | None = None
    """Unset: the upstream's."""
    concurrency: Count | None = None
    """Calls of it that one `in` makes at a time; unset: the upstream's."""
    bulk: Bulk | None = None
    """How it answers for several elements at once."""
    push: Push | None = None
    """What it does with its rows itself."""


class Upstream(Section):
    """A service: its address, and how its calls are made. Paths go to the one named `default`."""

    url: WebAddress
    headers: Mapping[HeaderName, HeaderText] = Field(default_factory=dict, repr=False)
    list_style: ListStyle = "repeat"
    timeout: Duration | None = None
    """Unset: `limits.call_timeout`."""
    concurrency: Count | None = None
    """Calls to it that one `in` makes at a time; unset: `limits.query_concurrency`."""
    http2: bool = False
    proxy: ProxyAddress | None = Field(default=None, repr=False)
    trust_env: bool = False
    """Whether HTTP_PROXY and its like are minded."""
    verify: Trust = True
    sources: Mapping[SourceName, Source] = Field(default_factory=dict)


class Settings(Section):
    """Everything that is set; `Settings()` holds the defaults."""

    server: Server = Server()
    answer: Answer = Answer()
    security: Security = Security()
    queries: Queries = Queries()
    limits: Limits = Limits()
    upstreams: Mapping[UpstreamName, Upstream] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place_per_source(self) -> Self:
        found: dict[str, str] = {}
        for upstream, settings in self.upstreams.items():
            for source in settings.sources:
                if found.setdefault(source, upstream) != upstream:
                    where = f"{found[source]} and {upstream}"
                    raise PydanticCustomError("twin", f"source {source} is in upstreams {where}")
        return self

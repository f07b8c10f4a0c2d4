"""The sections of upstreams and their sources, with every default. They know nothing of files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from apiql.settings.caching import Caching
from apiql.settings.conductor import in_our_words
from apiql.settings.credentials import Auth
from apiql.settings.files import FilePath
from apiql.settings.forwarding import Forwarded
from apiql.settings.guards import Breaker, BreakerOrNot, OnTimeout, Retry
from apiql.settings.hosts import Health, Hedging, Host, Hosts, hosts_that_fit
from apiql.settings.section import Section
from apiql.settings.values import (
    Abilities,
    Count,
    Duration,
    HeaderName,
    HeaderText,
    ListStyle,
    MemberKind,
    MemberName,
    Method,
    ParameterName,
    ParameterNames,
    PathTemplate,
    ProxyAddress,
    PushStyle,
    QueryValue,
    Renamed,
    SourceName,
    Trust,
    WebAddress,
    refusal,
)

KEY_KINDS = ("integer", "number", "ordered text")


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
    forward: Forwarded | None = None
    """Headers of the caller's request that are passed on; unset: the upstream's."""
    list_style: ListStyle | None = None
    """Unset: the upstream's."""
    concurrency: Count | None = None
    """Calls of it that one `in` makes at a time; unset: the upstream's."""
    bulk: Bulk | None = None
    """How it answers for several elements at once."""
    push: Push | None = None
    """What it does with its rows itself."""
    timeout: Duration | None = None
    """Unset: the upstream's."""
    on_timeout: OnTimeout | None = None
    """Unset: the upstream's."""
    retry: Retry | None = None
    """When a call is made again; unset: the upstream's."""
    cache: Caching = None
    """How its answers are kept; unset: as the upstream's."""

    @model_validator(mode="before")
    @classmethod
    def _translated(cls, table: Any) -> Any:
        return in_our_words(table) if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.cache is not None and self.method not in ("get", "head", "post"):
            raise refusal(f"answers to {self.method} are not kept", "a source of get, head or post")
        return self


class Upstream(Section):
    """A service: its address, and how its calls are made. Paths go to the one named `default`."""

    url: WebAddress
    headers: Mapping[HeaderName, HeaderText] = Field(default_factory=dict, repr=False)
    forward: Forwarded = ()
    """Headers of the caller's request that are passed on; credentials go to nobody else."""
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
    client_cert: FilePath | None = None
    """The certificate that the engine shows it, a file in PEM form."""
    client_key: FilePath | None = None
    """The key of that; unset: it is in the same file."""
    auth: Auth | None = None
    """The credentials that every call shows."""
    redirects: int = Field(default=0, ge=0, le=5)
    """How many in a row are followed, to the same origin only."""
    apiql: bool = False
    """Whether APIQL runs there: calls then say how deep they are, so that no circle goes on."""
    on_timeout: OnTimeout = "error"
    """What it means for the answer that a call was not in time."""
    retry: Retry = Retry()
    """When a call is made again, where the query does not say `retry`."""
    breaker: BreakerOrNot = Breaker()
    """When the way to it is closed because it fails; `false`: never."""
    in_flight: Count | None = None
    """Calls to it at a time, of all queries; unset: `limits.connections_per_origin`."""
    queue: int = Field(default=128, ge=0)
    """Calls that wait for one of these to end; more fail at once if that line does not move."""
    adaptive: bool = False
    """Whether fewer than `in_flight` are let through while it answers slower than usual."""
    deadline_header: HeaderName | None = None
    """The header that tells it how many milliseconds are left; unset: none."""
    hosts: Hosts = ()
    """Where its calls go; none: to the url. The url says who it is to everything else."""
    hedge: Hedging = None
    """How slow reads are made a second time; unset: they are not."""
    health: Health | None = None
    """How it is found out whether a host is well; unset: only calls tell."""
    http_cache: bool = True
    """Whether its answers are kept as they say themselves (RFC 9111)."""
    cache: Caching = None
    """How answers to reads are kept beyond that."""
    sources: Mapping[SourceName, Source] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _translated(cls, table: Any) -> Any:
        return in_our_words(table) if isinstance(table, dict) else table

    @model_validator(mode="after")
    def _key_has_its_certificate(self) -> Self:
        if self.client_key is not None and self.client_cert is None:
            raise refusal("a key without its certificate", "client_cert too", "client_key")
        return self

    @field_validator("http2")
    @classmethod
    def _is_spoken(cls, http2: bool) -> bool:
        if http2 and find_spec("h2") is None:
            wrong = "the package that speaks HTTP/2 is not installed"
            raise refusal(wrong, "pip install 'apiql[http2]', or no http2")
        return http2

    @field_validator("hosts")
    @classmethod
    def _hosts_fit(cls, hosts: tuple[Host, ...], info: ValidationInfo) -> tuple[Host, ...]:
        url = info.data.get("url")
        return hosts if url is None else hosts_that_fit(hosts, url)

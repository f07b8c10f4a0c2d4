"""The sections of the settings, with every default. They know nothing of files or variables.

A `Settings` that exists is valid. Durations are seconds, sizes are bytes; both may be written as
text where a section is made ("500ms", "8MiB").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from apiql.settings.access import Access
from apiql.settings.addresses import Addresses
from apiql.settings.admin import Admin
from apiql.settings.browsers import Cors, Forgery
from apiql.settings.buckets import Buckets
from apiql.settings.certificates import Certificates
from apiql.settings.clients import Clients
from apiql.settings.endpoints import Endpoints
from apiql.settings.files import FilePath
from apiql.settings.hosts import one_way_to_each
from apiql.settings.legacy import Legacy
from apiql.settings.log import Log
from apiql.settings.plug_ins import PlugIns
from apiql.settings.private_text import NO_SECRETS, Secrets
from apiql.settings.remote import Remote
from apiql.settings.rights import Rights
from apiql.settings.section import Section
from apiql.settings.signing import Signing
from apiql.settings.store import Store
from apiql.settings.telemetry import Telemetry
from apiql.settings.upstreams import Upstream
from apiql.settings.values import (
    Count,
    Duration,
    HostRules,
    Methods,
    Pause,
    Size,
    UpstreamName,
    refusal,
)

_KIB = 1024
_MIB = 1024 * _KIB


WAY = (
    "hosts", "hedge", "health", "breaker", "in_flight", "queue", "adaptive", "deadline_header",
    "http2", "proxy", "trust_env", "verify", "client_cert", "client_key", "auth", "redirects",
    "apiql",
)  # fmt: skip
"""What says how the calls of an upstream go: upstreams at one host have it in common."""


class Server(Section):
    """Where the engine listens."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes any free port."""
    workers: Count = 1
    docs: bool = False
    """The pages /docs, /openapi.json and /."""
    reload: bool = True
    """Whether changes in the conf folder are put in force as they come."""
    connections: Count | None = None
    """Clients' connections of one process; unset: 5,000, or what the open files leave room for."""
    drain_delay: Pause = 5.0
    """How long requests are still accepted after the signal to end."""
    drain: Duration = 30.0
    """How long what is under way may take after that."""
    certificate: FilePath | None = None
    """A file in PEM form, the server's own first; unset: plain HTTP."""
    private_key: FilePath | None = None
    """The key of that; unset: it is in the same file."""
    certificates: Certificates = ()
    """Others, for clients that ask for other names."""

    @model_validator(mode="after")
    def _has_a_certificate_for_the_rest(self) -> Self:
        if self.certificate is None and (self.private_key or self.certificates):
            key = "private_key" if self.private_key else "certificates"
            raise refusal("there is no certificate for all other names", "certificate too", key)
        return self


class Answer(Section):
    """What answers tell about how they came about."""

    details: Literal["status", "full"] = "status"
    """`full` shows the URLs and bodies of upstreams in errors."""
    plan: bool = False
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
    queries: Count = 512
    """Queries that one process carries out at a time."""
    queries_waiting: int = Field(default=2048, ge=0)
    """Queries that wait for one of these to end; more are refused."""
    queries_wait: Duration = 2.0
    """The longest that one waits; one that would have to wait longer is refused at once."""
    query_concurrency: Count = 8
    """Upstream calls that one query makes at a time."""
    connections_per_origin: Count = 64
    connections: Count = 1024
    idle_timeout: Duration = 15.0
    plans_cached: int = Field(default=1000, ge=0)
    cache_entries: int = Field(default=10_000, ge=0)
    """Answers of upstreams that one process keeps."""
    cache_bytes: Size = 64 * _MIB
    bytes_in_flight: Size = 192 * _MIB
    """Of all bodies of upstreams that one process is taking in."""


class Settings(Section):
    """Everything that is set; `Settings()` holds the defaults."""

    server: Server = Server()
    admin: Admin = Admin()
    log: Log = Log()
    answer: Answer = Answer()
    security: Security = Security()
    queries: Queries = Queries()
    rights: Rights = Rights()
    addresses: Addresses = Addresses()
    cors: Cors = Cors()
    forgery: Forgery = Forgery()
    signing: Signing = Signing()
    clients: Clients = Clients()
    access: Access = Access()
    limits: Limits = Limits()
    store: Store = Store()
    telemetry: Telemetry = Telemetry()
    buckets: Buckets = Buckets()
    endpoints: Endpoints = Endpoints()
    legacy: Legacy = Legacy()
    remote: Remote = Remote()
    plugins: PlugIns = PlugIns()
    upstreams: Mapping[UpstreamName, Upstream] = Field(default_factory=dict)
    _secrets: Secrets = PrivateAttr(default=NO_SECRETS)

    @property
    def secrets(self) -> Secrets:
        """What of them is never shown."""
        return self._secrets

    def with_secrets(self, secrets: Secrets) -> Settings:
        """The same settings, and what of them is never shown."""
        found = self.model_copy()
        found._secrets = secrets
        return found

    @model_validator(mode="after")
    def _one_place_per_source(self) -> Self:
        found: dict[str, str] = {}
        for upstream, settings in self.upstreams.items():
            for source in settings.sources:
                if found.setdefault(source, upstream) != upstream:
                    where = f"{found[source]} and {upstream}"
                    raise PydanticCustomError("twin", f"source {source} is in upstreams {where}")
        return self

    @model_validator(mode="after")
    def _somebody_can_ask(self) -> Self:
        access = self.access
        if access.required and not (
            access.keys or access.users or access.tokens or self.signing.apps
        ):
            wrong = "nobody could ask"
            raise refusal(wrong, "keys, users, tokens or signing apps", "access", "required")
        return self

    @model_validator(mode="after")
    def _one_way_to_each_host(self) -> Self:
        upstreams = self.upstreams.items()
        one_way_to_each(
            {
                name: (upstream.url, {way: getattr(upstream, way) for way in WAY})
                for name, upstream in upstreams
            }
        )
        return self

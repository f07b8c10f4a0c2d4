"""What goes to an upstream and what comes back: the port between the core and any transport.

Knows nothing of queries, tasks or how bytes travel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from apiql.ir.caching import CacheRule

Headers = tuple[tuple[str, str], ...]


class Origin(Struct, frozen=True):
    """Where connections go. `host` is canonical: lower case ASCII, IPv6 without brackets.

    `pinned` origins come from the operator's configuration and may be private addresses; any
    other origin came from a query, and the addresses it resolves to are checked.
    """

    scheme: str
    host: str
    port: int
    pinned: bool = False

    @property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


class Caching(Struct, frozen=True):
    """What a query says of the answer to one call: `keep` is the age in seconds up to which one
    is used again, `off` that none is used or kept, `stale` that the last good one may stand in
    when the call's time is over. `rule` is what the configuration says of the source.
    """

    keep: float | None = None
    off: bool = False
    stale: bool = False
    rule: CacheRule | None = None


class Call(Struct, frozen=True):
    """One HTTP exchange to make.

    `target` is the encoded path and query (ASCII, starts with `/`); `headers` hold no `Host`,
    no `Content-Length` and no hop-by-hop field: the transport writes those. `deadline` is on
    the loop's clock, in seconds; whatever the call waits for ends there. `attempt` is how often it
    was made before; `passing` are headers that differ each time, so no two calls differ by them.
    `service` is what the query calls the other side, for who counts.
    """

    method: str
    origin: Origin
    target: str
    headers: Headers
    body: bytes | None
    deadline: float
    caching: Caching | None = None
    attempt: int = 0
    passing: Headers = ()
    service: str = ""

    def __repr__(self) -> str:
        """Where it goes, and nothing that may be a secret."""
        return f"<Call {self.method} {self.origin}>"


class Reply(Struct, frozen=True):
    """A complete answer: header names in lower case, the body without its content coding.

    `age` is how many seconds ago a cache took it, None where it comes straight from the upstream;
    `stale`: it stands in for one that was not in time. `use` is what caches had to do with it, as
    Cache-Status has it (RFC 9211), empty for nothing; `ttl` the seconds for which it stays fresh.
    `hint` says more where the status alone would not tell why there is no other answer.
    """

    status: int
    headers: Headers
    body: bytes
    age: float | None = None
    stale: bool = False
    use: str = ""
    ttl: float | None = None
    hint: str = ""

    def header(self, name: str) -> str | None:
        """The value of a field (lower-case name), several joined by `, `."""
        first = None
        for key, value in self.headers:
            if key == name:
                first = value if first is None else f"{first}, {value}"
        return first


Layer = Callable[[Call], Awaitable[Reply]]
"""Makes one call, or raises `CallFailed`. Layers wrap layers; the innermost is a transport."""

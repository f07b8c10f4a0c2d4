"""No circles: where this server itself listens, and the header by which engines count how many of
them a request has come through. Resolves no names.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from apiql.settings import Settings
from apiql.sources.addresses import Address
from apiql.sources.call import Call, Layer, Origin, Reply

HEADER, LOWER = "X-APIQL-Depth", "x-apiql-depth"
DEEPEST = 3
"""Engines that a request may have come through."""
_EVERYWHERE = frozenset(("0.0.0.0", "::", ""))
_LOOPBACK_NAMES = frozenset(("localhost", "ip6-localhost", "ip6-loopback"))
_INNER = (".localhost", ".local", ".internal", ".lan", ".home.arpa")

IsLocal = Callable[[str], bool]


def depth_of(text: str) -> int | None:
    """The engines that a request has come through by its header; None where that is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


def deeper(inner: Layer, depth: int) -> Layer:
    """Wraps a layer so that all calls tell that they are one deeper. It is a header as any other:
    a call must not wait for one further out in the same circle because they are equal.
    """
    pair = (HEADER, str(depth + 1))

    def layer(call: Call) -> Awaitable[Reply]:
        return inner(replace(call, headers=(*_without(call), pair)))

    return layer


def beginning(inner: Layer) -> Layer:
    """Wraps a layer so that calls which do not tell their depth yet tell that it is 1. It stands
    below the caches, so the header is in no key.
    """
    first = (HEADER, "1")

    def layer(call: Call) -> Awaitable[Reply]:
        for name, _ in call.headers:
            if name == HEADER or name.lower() == LOWER:
                return inner(_told_once(call, first))
        return inner(replace(call, headers=(*call.headers, first)))

    return layer


def _told_once(call: Call, first: tuple[str, str]) -> Call:
    """The call as `deeper` has made it, its last header; else what a query says does not count."""
    if call.headers[-1][0] == HEADER:
        return call
    return replace(call, headers=(*_without(call), first))


def _without(call: Call) -> tuple[tuple[str, str], ...]:
    """What a query itself says of depths does not count."""
    return tuple([pair for pair in call.headers if pair[0].lower() != LOWER])


def is_near(origin: Origin) -> bool:
    """Whether an engine of the same house may listen there, as far as the name can tell."""
    host = origin.host
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_INNER)
    return not found.is_global


def is_local(address: str) -> bool:
    """Whether an address is one of this machine: then the system would send from it. Nothing is
    sent to find out.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            found: str = probe.getsockname()[0]
    except OSError:
        return False
    return ipaddress.ip_address(found) == ipaddress.ip_address(address)


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """Where this server listens, its admin listener too. An empty `hosts` is everywhere."""

    ports: frozenset[int] = frozenset()
    hosts: frozenset[str] = frozenset()
    is_local: IsLocal = is_local

    def named_by(self, origin: Origin) -> bool:
        """Whether an origin is this server as its host is written."""
        if origin.port not in self.ports:
            return False
        host = origin.host
        if host in _LOOPBACK_NAMES or host.endswith(".localhost") or host in self.hosts:
            return True
        try:
            return self.reached_at(ipaddress.ip_address(host), origin.port)
        except ValueError:
            return False

    def reached_at(self, address: Address | str, port: int) -> bool:
        """Whether a connection to an address and port would be one to this server."""
        if port not in self.ports:
            return False
        ip = ipaddress.ip_address(address)
        return (
            ip.is_loopback or str(ip) in self.hosts or (not self.hosts and self.is_local(str(ip)))
        )


def own_places(settings: Settings, is_local: IsLocal = is_local) -> OwnPlaces:
    """Where a server with these settings listens; of any free port nothing is known."""
    server, admin = settings.server, settings.admin
    ports = {server.port, *(range(admin.port, admin.port + server.workers) if admin.port else ())}
    host = server.host.strip("[]").lower()
    hosts = frozenset() if host in _EVERYWHERE else frozenset({host})
    return OwnPlaces(frozenset(ports - {0}), hosts, is_local)

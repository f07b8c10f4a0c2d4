"""The address of a client, also behind proxies that are trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias

from apiql.server.visit import Scope
from apiql.settings import Clients

Address: TypeAlias = IPv4Address | IPv6Address

NET6 = 64
"""The bits of an IPv6 address that tell a client: the rest it chooses itself."""
HOPS = 32
"""Proxies in a row that are looked at."""
LONGEST = 64
"""Letters of an address, with the zone of an IPv6 one."""


def client_address(scope: Scope, clients: Clients) -> str:
    """Who asks: who is connected, or whom proxies that are trusted name, from the last one back to
    the first that is not trusted.
    """
    peer = scope.get("client")
    found: str = peer[0] if peer else ""
    if not clients.trusted_proxies:
        return found
    for named in _named(scope, clients.forwarded.encode()):
        address = address_of(found)
        if address is None or not _trusted(address, clients):
            break
        if address_of(named) is None:
            break
        found = named
    return found


def _trusted(address: Address, clients: Clients) -> bool:
    return any(address in net for net in clients.trusted_proxies)


def _named(scope: Scope, header: bytes) -> Iterator[str]:
    """Those that the header names, the last first."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    hops: Sequence[str] = ",".join(values).split(",")[-HOPS:]
    for hop in reversed(hops):
        yield _bare(hop if header == b"x-forwarded-for" else _for(hop))


def _for(hop: str) -> str:
    """The `for` of one hop of Forwarded (RFC 7239)."""
    for pair in hop.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip().strip('"')
    return ""


def _bare(text: str) -> str:
    """An address without brackets and port."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def address_of(text: str) -> Address | None:
    """The address that a text names; an IPv4 one that is written as IPv6 is an IPv4 one."""
    return None if len(text) > LONGEST else _read(text)


@lru_cache(maxsize=4096)
def _read(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def network_of(text: str) -> bytes:
    """What tells a client by its address from others."""
    return _network(text[:LONGEST])


@lru_cache(maxsize=4096)
def _network(text: str) -> bytes:
    found = address_of(text)
    if isinstance(found, IPv6Address):
        return b"%x" % (int(found) >> (128 - NET6))
    return (text if found is None else str(found)).encode()

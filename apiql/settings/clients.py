"""The section of the clients: how often each may ask, and how one is told from another. It knows
nothing of requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, PlainValidator, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Count, header_name, refusal, shown

_RATE = re.compile(r"(\d{1,9})\s*/\s*([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}
RATE_EXPECTED = 'a number for each second, minute or hour: "100/s", "600/m", "5000/h"'
NETWORK_EXPECTED = 'an address or a network: "10.0.0.7", "10.0.0.0/8", "fd00::/8"'
BY_EXPECTED = '"ip", "key", "user" or "header:<name>"'
BY_NAME = ("key", "user")
"""What tells clients apart by a name that they have proved."""
_MAPPED = IPv6Network("::ffff:0:0/96")

Network: TypeAlias = IPv4Network | IPv6Network


def asks(value: object) -> tuple[int, int]:
    """How many in how many seconds: `100/s` is (100, 1)."""
    if isinstance(value, tuple):
        return value
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise refusal(f"{shown(value)} is no rate", RATE_EXPECTED)
    return int(found[1]), _UNITS[found[2]]


def network(value: object) -> Network:
    """The network that a text names."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        if isinstance(value, str):
            return _plain(ip_network(value))
    except ValueError:
        pass
    raise refusal(f"{shown(value)} is no network", NETWORK_EXPECTED)


def _plain(found: Network) -> Network:
    """IPv4 addresses that are written as IPv6 ones are IPv4 addresses."""
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
        return IPv4Network((int(found.network_address) & 0xFFFFFFFF, found.prefixlen - 96))
    return found


def told_by(value: object) -> str:
    """`ip`, `key`, `user`, or `header:` with a name in lower case."""
    if isinstance(value, str) and value.startswith("header:"):
        return f"header:{header_name(value.removeprefix('header:')).lower()}"
    if value == "ip" or value in BY_NAME:
        return str(value)
    raise refusal(f"{shown(value)} tells nobody from another", BY_EXPECTED)


Rate = Annotated[tuple[int, int], PlainValidator(asks)]
Networks = Annotated[tuple[Annotated[Network, PlainValidator(network)], ...], Strict(False)]
ToldBy = Annotated[str, PlainValidator(told_by)]


class Clients(Section):
    """How often one client may ask; without a rate, as often as it likes."""

    rate: Rate | None = None
    """Unset: no limit."""
    burst: Count | None = None
    """Requests at once after a pause; unset: the number of the rate."""
    by: ToldBy = "ip"
    """What tells one client from another."""
    rates: Mapping[Annotated[str, Field(min_length=1, max_length=256)], Rate] = Field(
        default_factory=dict
    )
    """The rate of those who have proved these names, in the place of the one for all."""
    trusted_proxies: Networks = ()
    """Proxies that are believed when they say whose request they pass on."""
    forwarded: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """The header in which they say it."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.burst is not None and self.rate is None:
            raise refusal("`burst` limits nothing without `rate`", 'rate = "100/s"')
        if self.rates and self.by not in BY_NAME:
            wrong = "`rates` are of names, and clients are told by none"
            raise refusal(wrong, 'by = "user" or "key"', "rates")
        return self

"""Where a call of an endpoint goes: one of its hosts, and its path with parameters in it.

No parameter can lead to another host, and none out of its place in the path: what would be `.` or
`..` there is no URL that is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol, TypeAlias
from urllib.parse import quote

from apiql.errors import ValueRefused
from apiql.frontends.endpoints.forward import query_text
from apiql.frontends.endpoints.gateway import Backend
from apiql.frontends.endpoints.message import Fields
from apiql.sources.addresses import BadUrl, parse_url

_PLAIN = "!$%&'()*+,;=:@-._~"
_BITS = 53


class Moment(Protocol):
    """What a run has of randomness."""

    @property
    def random_bits(self) -> Callable[[int], int]:
        """A new integer of so many bits each time."""


Address: TypeAlias = "Callable[[Moment, str, Mapping[str, str], Fields], str]"


def addresser(backend: Backend) -> Address:
    """What makes the URL of a call, of a path, its parameters, a query; of several hosts it takes
    any, each as often as it stands in the list.
    """
    hosts, count, template = backend.hosts, len(backend.hosts), backend.path
    usual = filler(template)

    def address(moment: Moment, path: str, params: Mapping[str, str], query: Fields) -> str:
        host = hosts[0] if count == 1 else hosts[(moment.random_bits(_BITS) * count) >> _BITS]
        fill = usual if path == template else filler(path)
        end = f"?{query_text(query)}" if query else ""
        return f"{host}{fill(params)}{end}"

    return address


def filler(path: str) -> Callable[[Mapping[str, str]], str]:
    """What puts parameters into a path, percent-encoded; one that is not given stays."""
    parts = path.split("/")
    fixed = [quote(part, safe=_PLAIN) for part in parts]
    places = [(at, part[1:]) for at, part in enumerate(parts) if part[:1] == ":"]
    whole = "/".join(fixed)
    if not places:
        return lambda params: whole

    def fill(params: Mapping[str, str]) -> str:
        filled = fixed.copy()
        for at, name in places:
            value = params.get(name)
            if value is not None:
                filled[at] = _quoted(value) or _refuse_nothing(name)
        return "/".join(filled)

    return fill


def _refuse_nothing(name: str) -> str:
    """What stands at a place is never nothing: `/users/` is another thing than `/users/7`."""
    raise ValueRefused(f":{name} would be empty", "a path needs a text or a number here")


def _quoted(value: str) -> str:
    if value.isascii() and value.isalnum():
        return value
    return quote(value, safe="", errors="replace")


def places_of_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Scheme and authority of each host, as calls are compared by them."""
    found = set[str]()
    for host in hosts:
        with suppress(BadUrl):  # a call of it says what is wrong with it
            found.add(str(parse_url(host)[0]))
    return frozenset(found)

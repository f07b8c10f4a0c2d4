"""The sections of an upstream's hosts: where its calls go, hedged reads, health checks. They know
nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Count, Duration, WebAddress, path_template, refusal, shown

_PORTS = {"http": 80, "https": 443}


def _host(value: object) -> object:
    """An address alone is a host of weight 1."""
    return {"url": value} if isinstance(value, str) else value


def _hedge(value: object) -> object:
    """True: all defaults; false: none."""
    if isinstance(value, bool):
        return {} if value else None
    if value is None or isinstance(value, Mapping | Hedge):
        return value
    raise refusal(f"{shown(value)} is neither", "true, false, or a table")


def _percentile(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 50 <= value < 100:
        raise refusal(f"{shown(value)} is no percentile", "a number from 50 to below 100")
    return float(value)


def _part(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise refusal(f"{shown(value)} is no part of the calls", "a number above 0, up to 1")
    return float(value)


def _plain_path(value: str) -> str:
    if any(mark in value for mark in "{}") or not value.isascii():
        raise refusal(f"{shown(value)} is no plain path", 'a path of the host: "/health"')
    return path_template(value)


class Host(Section):
    """One host that serves an upstream; its path is that of the upstream's url, or none."""

    url: WebAddress
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """How much it takes beside the others."""


class Hedge(Section):
    """A read that takes longer than most is made a second time, and the first good answer wins."""

    percentile: Annotated[float, PlainValidator(_percentile)] = 95.0
    """Of the last answers' times: how long the first try is waited for alone."""
    budget: Annotated[float, PlainValidator(_part)] = 0.05
    """The most reads that are made twice, as a part of all reads."""
    least: Duration = 0.01
    """No second try before, however fast the upstream is."""


class Health(Section):
    """A read of every host, again and again, that tells whether it is well."""

    path: Annotated[str, AfterValidator(_plain_path)]
    """From the root of the host: the prefix of the upstream's url is not put before it."""
    every: Duration = 5.0
    timeout: Duration = 1.0
    fails: Count = 2
    """So many failures in a row make a host unwell."""
    passes: Count = 2
    """So many successes in a row make it well again."""

    @model_validator(mode="after")
    def _has_time(self) -> Self:
        if self.timeout > self.every:
            raise refusal("a check may take longer than the time between two", "timeout <= every")
        return self


def hosts_that_fit(hosts: tuple[Host, ...], url: str) -> tuple[Host, ...]:
    """Hosts that can stand in for this url: one scheme, its path or none, no two the same."""
    path = urlsplit(url).path
    schemes = {urlsplit(host.url).scheme for host in hosts}
    if len(schemes) > 1:
        raise refusal("some hosts are http and some https", "one of them for all")
    for host in hosts:
        if urlsplit(host.url).path not in ("", path):
            wrong = f"{shown(host.url)} has another path than the url"
            raise refusal(wrong, "hosts without a path: the url's own is used")
    _once_each([host.url for host in hosts])
    return hosts


def _once_each(urls: Sequence[str]) -> None:
    seen: set[Any] = set()
    for url in urls:
        place = place_of(url)
        if place in seen:
            raise refusal(f"{shown(url)} is there twice", "each host once: `weight` gives it more")
        seen.add(place)


def place_of(url: str) -> tuple[str, str, int]:
    """What calls to a url connect to."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def one_way_to_each(ways: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
    """Refuses upstreams at one place whose calls would go different ways; by their names, each
    with its url and all that says how its calls go.
    """
    first: dict[tuple[str, str, int], tuple[str, Mapping[str, object]]] = {}
    for name, (url, way) in ways.items():
        other, known = first.setdefault(place_of(url), (name, way))
        unlike = [setting for setting in way if way[setting] != known[setting]]
        if unlike:
            wrong = f"upstreams {other} and {name} have urls of one host, and differ in {unlike[0]}"
            raise refusal(wrong, "the same in both, or another url in one of them")


Hosts = Annotated[tuple[Annotated[Host, BeforeValidator(_host)], ...], Strict(False)]
Hedging = Annotated[Hedge | None, BeforeValidator(_hedge)]

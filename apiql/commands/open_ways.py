"""Closed names whose addresses are reached by something else that is open: what `apiql check` warns
of. It asks the rights themselves, for one caller of each kind that they tell apart; no engine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from apiql.access.principal import ANYONE, Principal
from apiql.access.rights import Rights, may_text, methods_of
from apiql.commands.run_once import Setup
from apiql.ir.reach import Kind, Name
from apiql.rights_files import RightsFiles, rights_of
from apiql.settings import Settings, Source, Upstream, place_of
from apiql.sources.addresses import AllowList, is_below, parse_url
from apiql.sources.call import Origin

BUCKETS = "buckets"
SHOWN = 5
"""Names in one warning."""
PATHS = (Kind.UPSTREAM, "default")
_HOLE = re.compile(r"\{[^}]*\}")
_EXPECTED = "rights that are as narrow for both, or only texts that are stored (queries.mode)"

Callers: TypeAlias = Mapping[str, Principal]
"""One of each kind, by what all of its kind are called."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a name calls: at these origins, by this method, these
    paths, whose placeholders have lost their names.
    """

    name: Name
    origins: frozenset[Origin]
    method: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a name is closed to, and the way that they have all the same."""

    name: Name
    who: str
    way: str


def open_ways(settings: Settings, files: RightsFiles) -> Iterator[Found]:
    """All closed names that somebody reaches by another way, with the first who does."""
    rights = rights_of(settings, files)
    if not rights.restricts or settings.queries.mode == "stored-only":
        return  # else nobody writes a text that is not the operator's
    callers = _texting(rights, _callers(settings, files))
    sources = defaultdict[frozenset[str], list[Address]](list)
    for address in _sources(settings):
        sources[_admitted(rights, address.name, callers)].append(address)
    for admitted, closed in sources.items():
        if len(admitted) == len(callers):
            continue
        for address in closed:
            for way, who in _ways(settings, rights, address, callers, sources):
                gained = [each for each in callers if each in who and each not in admitted]
                if gained:
                    yield Found(address.name, gained[0], way)
    yield from _urls_beside_paths(settings, rights, callers)


def told(setup: Setup, conf: Path | None, environ: Mapping[str, str], severity: str) -> list[str]:
    """A text for each place where a right stands that another one opens; of buckets too."""
    found = [*_told(setup, conf, environ, severity)]
    for name, bucket in setup.buckets.items():
        found += _told(bucket, conf and conf / BUCKETS / name, environ, severity)
    return found


def _told(
    setup: Setup, conf: Path | None, environ: Mapping[str, str], severity: str
) -> Iterator[str]:
    files = setup.rights
    if files.problems:
        return
    together = defaultdict[tuple[str, str, str], list[str]](list)
    default = _place_of_default(conf, environ)
    for found in open_ways(setup.settings, files):
        place = _place(files, found.name) if found.name in files.named else default
        together[place, found.who, found.way].append(" ".join(found.name))
    for (place, who, way), names in together.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        shown = f"{', '.join(names[:SHOWN])}{more}"
        wrong = f"{shown}: closed to {who}, who reach the same address by {way}"
        yield f"{place}: {severity}: {wrong}\n    expected: {_EXPECTED}"


def _place(files: RightsFiles, name: Name) -> str:
    at = files.named[name].at
    return f"{files.files[name]}:{at.line}:{at.column}" if at else str(files.files[name])


def _place_of_default(conf: Path | None, environ: Mapping[str, str]) -> str:
    found = place_of(conf, environ, ("rights", "default"))
    if found.line is None:
        return found.variable or found.file or "settings"
    return f"{found.file}:{found.line}:{found.column}"


# -- who ------------------------------------------------------------------------------------------


def _callers(settings: Settings, files: RightsFiles) -> Callers:
    rights = files.named.values()
    scopes = {*settings.rights.scopes, *(scope for right in rights for scope in right.scopes)}
    users = {user for right in rights for user in right.users}
    found = {"callers who prove nothing": ANYONE, "callers who prove a name": Principal("", "key")}
    for scope in sorted(scopes):
        found[f"callers of the scope {scope}"] = Principal("", "key", frozenset({scope}))
    return found | {f"the user {user}": Principal(user, "key") for user in sorted(users)}


def _admitted(rights: Rights, name: Name, callers: Callers, method: str = "") -> frozenset[str]:
    """Which callers may use a name, by a method that their text chooses."""
    found = []
    for what, who in callers.items():
        methods = methods_of(rights.granted(who)) if method else None
        if rights.may(*name, who) and (methods is None or method in methods):
            found.append(what)
    return frozenset(found)


def _texting(rights: Rights, callers: Callers) -> Callers:
    """Those who may send texts: nobody else chooses a way."""
    return {what: who for what, who in callers.items() if may_text(rights.granted(who))}


# -- ways -----------------------------------------------------------------------------------------


def _ways(
    settings: Settings, rights: Rights, closed: Address, callers: Callers,
    sources: Mapping[frozenset[str], list[Address]],
) -> Iterator[tuple[str, frozenset[str]]]:  # fmt: skip
    """What reaches the address of a source, and who may use that."""
    default = settings.upstreams.get("default")
    if closed.method in settings.security.allow_methods:
        if default is not None and _is_within(closed, default):
            who = _admitted(rights, PATHS, callers, closed.method)
            yield "paths of the upstream default", who
        yield from _urls(settings, rights, closed, callers)
    admitted = _admitted(rights, closed.name, callers)
    for who, others in sources.items():
        if not who <= admitted:
            for other in others:
                if _covers(other, closed):
                    yield f"the source {other.name[1]}", who


def _urls(
    settings: Settings, rights: Rights, closed: Address, callers: Callers
) -> Iterator[tuple[str, frozenset[str]]]:
    """URLs that texts may name."""
    listed = AllowList.parse(settings.security.allow_hosts)
    for host in sorted({each.host for each in closed.origins}):
        at = [each for each in closed.origins if each.host == host]
        if any(listed.permits(origin, path) for origin in at for path in closed.paths):
            who = _admitted(rights, (Kind.HOST, host), callers, closed.method)
            yield f"URLs of the host {host}", who


def _urls_beside_paths(settings: Settings, rights: Rights, callers: Callers) -> Iterator[Found]:
    """Paths of the default upstream that are closed, and URLs of its host that are not."""
    default = settings.upstreams.get("default")
    if default is None:
        return
    prefix, listed = _prefix(default), AllowList.parse(settings.security.allow_hosts)
    paths = (f"{prefix}/", *(e.prefix for e in listed.entries if is_below(e.prefix, prefix)))
    for method in settings.security.allow_methods:
        admitted = _admitted(rights, PATHS, callers, method)
        address = Address(PATHS, _origins(default), method, paths)
        for way, who in _urls(settings, rights, address, callers):
            gained = [each for each in callers if each in who and each not in admitted]
            if gained:
                yield Found(PATHS, gained[0], way)
                return


# -- addresses ------------------------------------------------------------------------------------


def _sources(settings: Settings) -> Iterator[Address]:
    for upstream in settings.upstreams.values():
        origins, prefix = _origins(upstream), _prefix(upstream)
        for name, source in upstream.sources.items():
            paths = tuple(f"{prefix}{_HOLE.sub('{}', path)}" for path in _paths(source))
            yield Address((Kind.SOURCE, name), origins, source.method, paths)


def _paths(source: Source) -> Iterable[str]:
    found = (source.path, source.bulk.path if source.bulk else None)
    return [path.partition("?")[0] for path in found if path is not None]


def _origins(upstream: Upstream) -> frozenset[Origin]:
    urls = (upstream.url, *(host.url for host in upstream.hosts))
    return frozenset(parse_url(url)[0] for url in urls)


def _prefix(upstream: Upstream) -> str:
    return parse_url(upstream.url)[1].partition("?")[0].rstrip("/")


def _is_within(address: Address, upstream: Upstream) -> bool:
    prefix = _prefix(upstream)
    near = not address.origins.isdisjoint(_origins(upstream))
    return near and any(is_below(path, prefix) for path in address.paths)


def _covers(wide: Address, narrow: Address) -> bool:
    """Whether all that the one calls is called by the other too."""
    if wide.method != narrow.method or wide.origins.isdisjoint(narrow.origins):
        return False
    return any(_fits(one, other) for one in wide.paths for other in narrow.paths)


def _fits(wide: str, narrow: str) -> bool:
    one, other = wide.split("/"), narrow.split("/")
    return len(one) == len(other) and all(a in ("{}", b) for a, b in zip(one, other, strict=True))

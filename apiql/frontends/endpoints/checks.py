"""What can be seen only where the parts of a configuration are looked at together: names that lead
nowhere, endpoints that stand twice, parameters that nobody gives, changes that are never made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apiql.frontends.endpoints.check_modifiers import modifier_problems
from apiql.frontends.endpoints.check_params import param_problems
from apiql.frontends.endpoints.gateway import Backend, Endpoint, Gateway
from apiql.frontends.endpoints.problems import EndpointProblem, Severity, meant, quoted
from apiql.frontends.endpoints.source import Keys, Source, spot_of
from apiql.frontends.endpoints.written import WrittenGateway

OWN = ("/ping", "/version", "/settings")
"""Paths that the gateway answers itself."""


def problems_of(
    source: Source, written: WrittenGateway, gateway: Gateway
) -> Iterator[EndpointProblem]:
    """All that is wrong with a configuration whose objects are right one by one."""
    yield from _same_endpoints(source, gateway)
    if not gateway.endpoints:
        spot = spot_of(source.root, ("endpoints",))
        yield source.problem(spot, "there are no endpoints", severity=Severity.WARNING)
    for name, backend in gateway.middlewares.items():
        yield from modifier_problems(source, ("middlewares", name), backend)
    for index, endpoint in enumerate(gateway.endpoints):
        keys: Keys = ("endpoints", index)
        for at, backend in enumerate(_backends(endpoint)):
            yield from modifier_problems(source, (*keys, "backends", at), backend)
        yield from _middlewares(source, written, keys, index)
        yield from param_problems(source, keys, endpoint)
        yield from _cache(source, written, keys, index)


def _backends(endpoint: Endpoint) -> Sequence[Backend]:
    return [call.backend for call in endpoint.calls if call.middleware is None]


def _same_endpoints(source: Source, gateway: Gateway) -> Iterator[EndpointProblem]:
    """A method and a path stand once, whatever their parameters are called."""
    seen: dict[tuple[str, str], int] = {}
    for index, endpoint in enumerate(gateway.endpoints):
        spot = spot_of(source.root, ("endpoints", index, "path"))
        key = endpoint.method, without_names(endpoint.path)
        if endpoint.method == "GET" and endpoint.path in OWN:
            wrong = f"{endpoint} is answered by the gateway itself"
            yield source.problem(spot, wrong, "another path")
        elif key in seen:
            at = source.place(spot_of(source.root, ("endpoints", seen[key], "path")).at)
            yield source.problem(
                spot, f"{endpoint} stands in line {at.line} already", "one of them"
            )
        seen.setdefault(key, index)


def without_names(path: str) -> str:
    """What two paths have in common that match the same: `/users/:`."""
    return "/".join(":" if part.startswith(":") else part for part in path.split("/"))


def _middlewares(
    source: Source, written: WrittenGateway, keys: Keys, index: int
) -> Iterator[EndpointProblem]:
    """One that is not there is passed over, as in the gateway."""
    endpoint = written.endpoints[index]
    for spellings, names in (
        (("beforewares", "beforeware"), endpoint.beforewares),
        (("afterwares", "afterware"), endpoint.afterwares),
    ):
        for at, name in enumerate(names):
            if name not in written.middlewares:
                spelled = source.spelled(keys, spellings)
                spot = spot_of(source.root, (*keys, spelled, at))
                near = meant(name, written.middlewares)
                known = ", ".join(written.middlewares)
                expected = None if near else f"one of {known}" if known else '"middlewares"'
                wrong = f"there is no middleware {quoted(name)}: it is passed over"
                yield source.problem(spot, wrong, expected, near, Severity.WARNING)


def _cache(
    source: Source, written: WrittenGateway, keys: Keys, index: int
) -> Iterator[EndpointProblem]:
    """A cache that is enabled and has no duration keeps nothing."""
    own = written.endpoints[index].cache
    if own is not None and own.enabled and own.duration is None and written.cache is None:
        spot = spot_of(source.root, (*keys, "cache", "enabled"))
        wrong = "nothing is kept: neither this cache nor that of the root has a duration"
        yield source.problem(spot, wrong, '"duration": "30s"', severity=Severity.WARNING)

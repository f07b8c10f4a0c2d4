"""Whether parameters of calls are given, those of endpoints used, and what values read is there.

Knows one endpoint at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

from apiql.frontends.endpoints.gateway import Call, Endpoint
from apiql.frontends.endpoints.modifier import Action, Modifier, Side, Target
from apiql.frontends.endpoints.modify_fields import places_of
from apiql.frontends.endpoints.problems import EndpointProblem, Severity, meant
from apiql.frontends.endpoints.source import Keys, Source, spot_of


def param_problems(source: Source, keys: Keys, endpoint: Endpoint) -> Iterator[EndpointProblem]:
    """All that is wrong with parameters and what is read of other calls."""
    given = set(places_of(endpoint.path))
    used: set[str] = set()
    at = 0
    for index, call in enumerate(endpoint.calls):
        is_own = call.middleware is None
        there = (*keys, "backends", at) if is_own else ("middlewares", call.middleware or "")
        at += is_own
        yield from _calls_read(source, there, call, index)
        own = given | _made(call, Side.REQUEST, every=True)
        for name in places_of(call.backend.path):
            if name not in own:
                wrong = f":{name} is no parameter of {endpoint}, and no modifier sets it"
                spot = spot_of(source.root, (*there, "path"))
                yield source.problem(spot, wrong, _known(own), meant(name, own))
        used |= {*places_of(call.backend.path), *_read(call)}
        given |= _made(call, Side.REQUEST) | _made(call, Side.RESPONSE)
    for name in places_of(endpoint.path):
        if name not in used:
            spot = spot_of(source.root, (*keys, "path"))
            wrong = f":{name} is used by no call of {endpoint}"
            yield source.problem(spot, wrong, severity=Severity.WARNING)


def _known(names: set[str]) -> str:
    return f"one of {', '.join(f':{name}' for name in sorted(names))}" if names else "no parameter"


def _made(call: Call, phase: Side, every: bool = False) -> set[str]:
    """The parameters that a call's modifiers make in a phase; those that are propagated, or all."""
    return {
        name
        for m in call.backend.modifiers
        if m.target is Target.PARAM and m.context in (None, phase) and (every or m.propagate)
        for name in _names(m)
    }


def _names(modifier: Modifier) -> tuple[str, ...]:
    value = modifier.value
    if modifier.action is Action.SET:
        return (modifier.key,)
    return (value.text,) if modifier.action is Action.REN and value is not None else ()


def _read(call: Call) -> Iterator[str]:
    """The parameters that modifiers read or change."""
    for modifier in call.backend.modifiers:
        if modifier.target is Target.PARAM:
            yield modifier.key
        for token in modifier.value.tokens if modifier.value is not None else ():
            if token.reads.part == "params":
                yield token.text.rpartition("params.")[2]


def _calls_read(source: Source, keys: Keys, call: Call, index: int) -> Iterator[EndpointProblem]:
    """A value that reads a call that has not been made yet stays as it is."""
    counts = dict.fromkeys(Target, 0)
    for modifier in call.backend.modifiers:
        there = (*keys, "modifiers", modifier.target.value, counts[modifier.target], "value")
        counts[modifier.target] += 1
        for token in modifier.value.tokens if modifier.value is not None else ():
            is_early = modifier.context is Side.REQUEST and token.reads.side == "response"
            last = index - 1 if is_early else index
            read = token.reads.call
            if (0 if read is None else read) > last:
                wrong = f"{token.text} is not there yet when this is call {index} of the endpoint"
                spot = spot_of(source.root, there)
                expected = f"calls up to {last}" if last >= 0 else "no response of a call before"
                yield source.problem(spot, wrong, expected, severity=Severity.WARNING)

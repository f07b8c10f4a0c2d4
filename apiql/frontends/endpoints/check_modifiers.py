"""Whether the modifiers of a backend are legal for their kind and ever do something.

Knows one backend at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiql.frontends.endpoints.gateway import Backend
from apiql.frontends.endpoints.json_path import NoPath, path_of
from apiql.frontends.endpoints.message import canonical
from apiql.frontends.endpoints.modifier import Action, Modifier, Side, Target
from apiql.frontends.endpoints.modify_fields import PARAM_NAME
from apiql.frontends.endpoints.problems import EndpointProblem, Severity, quoted
from apiql.frontends.endpoints.source import Keys, Source, Spot, spot_of

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_KEYLESS = frozenset({Action.ADD, Action.APD, Action.SET})
"""What a body of text takes without a key."""


def modifier_problems(source: Source, keys: Keys, backend: Backend) -> Iterator[EndpointProblem]:
    """All that is wrong with the modifiers of the backend at the keys."""
    counts = dict.fromkeys(Target, 0)
    for modifier in backend.modifiers:
        target = modifier.target
        there = (*keys, "modifiers", target.value, counts[target])
        counts[target] += 1
        found = _Place(source, there)
        yield from _key(found, modifier)
        yield from _value(found, modifier)
        yield from _scope(found, modifier)


class _Place:
    """A modifier in its file."""

    def __init__(self, source: Source, keys: Keys) -> None:
        self._source, self._keys = source, keys

    def error(self, member: str, wrong: str, expected: str | None = None) -> EndpointProblem:
        return self._source.problem(self._spot(member), wrong, expected)

    def warning(
        self, member: str, wrong: str, expected: str | None = None, near: str | None = None
    ) -> EndpointProblem:
        spot = self._spot(member)
        return self._source.problem(spot, wrong, expected, near, Severity.WARNING)

    def _spot(self, member: str) -> Spot:
        return spot_of(self._source.root, (*self._keys, member))


def _key(place: _Place, modifier: Modifier) -> Iterator[EndpointProblem]:
    key = modifier.key
    if key == "":
        if modifier.target is not Target.BODY or modifier.action not in _KEYLESS:
            yield place.error("key", '"key" is missing or empty', "the name of what is changed")
        return
    match modifier.target:
        case Target.HEADER:
            yield from _header_name(place, "key", key)
        case Target.PARAM:
            yield from _param_name(place, "key", key)
        case Target.BODY:
            yield from _path(place, "key", key)
        case _:
            pass


def _header_name(place: _Place, member: str, name: str) -> Iterator[EndpointProblem]:
    if _HEADER_NAME.fullmatch(name) is None:
        yield place.error(member, f"{quoted(name)} is no name of a header field", "X-Device-Id")
    elif canonical(name) != name:
        wrong = f"{quoted(name)} is another field than {canonical(name)}: names are compared as is"
        yield place.warning(member, wrong, near=quoted(canonical(name)))


def _param_name(place: _Place, member: str, name: str) -> Iterator[EndpointProblem]:
    if PARAM_NAME.fullmatch(name) is None:
        expected = "letters, digits, _ and -, without a colon"
        yield place.error(member, f"{quoted(name)} is no name of a parameter", expected)


def _path(place: _Place, member: str, text: str) -> Iterator[EndpointProblem]:
    try:
        path_of(text)
    except NoPath as refused:
        wrong = f"{quoted(text)} is no path: {refused.wrong}"
        yield place.error(member, wrong, "a path: user.address.0.city")


def _value(place: _Place, modifier: Modifier) -> Iterator[EndpointProblem]:
    value = modifier.value
    if value is None:
        if modifier.action is not Action.DEL:
            yield place.error("value", '"value" is missing', "what it becomes, as a text")
        return
    for warning in value.warnings:
        yield place.warning("value", warning)
    if modifier.action is Action.REN and value.is_constant:
        if value.text == "":
            yield place.error("value", '"value" is empty', "the new name")
        elif modifier.target is Target.HEADER:
            yield from _header_name(place, "value", value.text)
        elif modifier.target is Target.PARAM:
            yield from _param_name(place, "value", value.text)
        elif modifier.target is Target.BODY and modifier.path is not None:
            yield from _path(place, "value", value.text)


def _scope(place: _Place, modifier: Modifier) -> Iterator[EndpointProblem]:
    if modifier.context is Side.REQUEST and modifier.scope is Side.RESPONSE:
        wrong = "before the call there is no response to be changed"
        yield place.error("scope", wrong, "REQUEST, or the context RESPONSE")
    elif modifier.propagate and modifier.side(modifier.context or Side.REQUEST) is Side.RESPONSE:
        wrong = "only what changes the request can be propagated"
        yield place.error("propagate", wrong, '"scope": "REQUEST"')

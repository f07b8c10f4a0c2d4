"""Other formats of the same gateway, of before and after: told by name, read no further."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiql.frontends.endpoints.problems import EndpointProblem
from apiql.frontends.endpoints.source import Keys, Source, members_of, name_spot
from apiql.json_nodes import Member, Members, Node

OURS = "the format of GOPEN v1.0.0-beta of April 2024"

_MARCH = "GOPEN of March 2024"
_FIRST = "GOPEN of 28 March 2024 or before"
_RESTRUCTURED = "GOPEN v1.0.0 of September 2024 or later"
_LATEST = "GOPEN v2 of 2026"

_REQUEST = re.compile(
    "omit-(header|query|body|empty)|content-(type|encoding)|nomenclature"
    "|(header|param|query|body)-(mapper|projection|modifiers)"
)
"""Members of a backend's `request` in the later format; of these only `concurrent` is taken."""


def other_format(source: Source) -> EndpointProblem | None:
    """That a file is of another format, at the first member that tells so; the surest counts."""
    found = dict(reversed(list(_signs(source.root))))
    for name in (_LATEST, _RESTRUCTURED, _FIRST, _MARCH):
        if name in found:
            spot = name_spot(source.root, found[name])
            wrong = f"this is a configuration of {name}, which is not supported"
            return source.problem(spot, wrong, f"{OURS}: hosts, modifiers, aggregate-responses…")
    return None


def _signs(root: Node) -> Iterator[tuple[str, Keys]]:
    for keys, member in members_of(root):
        name = _sign(keys, member)
        if name is not None:
            yield name, keys


def _sign(keys: Keys, member: Member) -> str | None:
    match keys:
        case ("templates" | "components",):
            return _LATEST
        case ("endpoints", int(), "response"):
            return _RESTRUCTURED if isinstance(member.node.value, Members) else None
        case ("endpoints", int(), "backends", int(), inner) | ("middlewares", str(), inner):
            return _sign_of_backend(inner, member)
        case ("security-cors", "allow-countries"):
            return _FIRST
        case (*_, "modifiers", "header" | "body" | "query" | "param", int(), "global"):
            return _MARCH
        case _:
            return None


def _sign_of_backend(name: str | int, member: Member) -> str | None:
    match name:
        case "response":
            return _RESTRUCTURED
        case "request" if isinstance(member.node.value, Members):
            later = any(_REQUEST.fullmatch(m.name) for m in member.node.value)
            return _RESTRUCTURED if later else None
        case "headers" | "params" | "queries" | "body":
            return _FIRST
        case "host":
            return _MARCH
        case _:
            return None

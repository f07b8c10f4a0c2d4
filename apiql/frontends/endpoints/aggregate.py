"""Several bodies -> one: a list of objects, or one object of all members. Knows no status of calls
but the one it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from apiql.frontends.endpoints.json_edit import Owned, put
from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import MOST_STEPS, Name, NoPath, Path, path_of
from apiql.frontends.endpoints.json_value import MISSING, Json
from apiql.frontends.endpoints.message import Body, Kind

_PLAIN = re.compile(r"[^\W\d][\w-]*")
"""A step that is a name and nothing else."""


class Kept(NamedTuple):
    """An answer that goes into the endpoint's: `key` is its name, or `backend-<index>`."""

    status: int
    body: Body | None
    key: str
    is_grouped: bool = False


def is_ok(status: int) -> bool:
    """Whether a status says success."""
    return 200 <= status <= 299


def grouped(kept: Kept) -> dict[str, Json]:
    """The body of one answer under its name."""
    return {kept.key: _value(kept.body)}


def listed(answers: Iterable[Kept]) -> list[Json]:
    """An object for each answer that has a body: `ok`, `code` and its members."""
    return [
        _merged({"ok": is_ok(kept.status), "code": kept.status}, (kept,))
        for kept in answers
        if kept.body is not None
    ]


def aggregated(answers: Iterable[Kept]) -> dict[str, Json]:
    """One object of the members of all bodies; what stands twice becomes a list of two, a third one
    makes a list of that list and itself.
    """
    return _merged({}, (kept for kept in answers if kept.body is not None))


def _merged(own: dict[str, Json], answers: Iterable[Kept]) -> dict[str, Json]:
    owned: Owned = {id(own): own}
    for kept in answers:
        value = _value(kept.body)
        if kept.is_grouped or not isinstance(value, dict):
            value = {kept.key: value}
        for name, member in value.items():
            _add(own, name, member, owned)
    return own


def _add(own: dict[str, Json], name: str, value: Json, owned: Owned) -> None:
    """Adds under a name, which may be a path: dots lead into objects. As in the gateway a name with
    `*` or `?` finds nothing to be set, so it is left out.
    """
    if "." in name and _added_quickly(own, name.split("."), value, owned):
        return
    path = _path(name)
    if path is None:
        own[name] = [own[name], value] if name in own else value
    elif not any(isinstance(step, Name) and step.is_pattern for step in path.steps):
        there = finder(path)(own)
        put(own, path, value if there is MISSING else [there, value], owned)


def _added_quickly(own: dict[str, Json], parts: list[str], value: Json, owned: Owned) -> bool:
    """The usual way through objects alone: the same in place. False, and nothing done, where there
    is more to it.
    """
    if len(parts) > MOST_STEPS or not all(_PLAIN.fullmatch(part) for part in parts):
        return False
    node = own
    for part in parts[:-1]:
        inner = node.get(part)
        if part in node and type(inner) is not dict:
            return False
        if inner is None or id(inner) not in owned:
            inner = {} if inner is None else inner.copy()
            owned[id(inner)] = inner
            node[part] = inner
        node = inner
    last = parts[-1]
    node[last] = [node[last], value] if last in node else value
    return True


def _path(name: str) -> Path | None:
    """The name as a path, if it is more than a name."""
    if not any(mark in name for mark in ".*?\\"):
        return None
    try:
        path = path_of(name)
    except NoPath:
        return None
    is_pattern = any(isinstance(step, Name) and step.is_pattern for step in path.steps)
    return path if path.is_simple or is_pattern else None


def _value(body: Body | None) -> Json:
    if body is None:
        return None
    return body.value if body.kind is Kind.JSON else body.text

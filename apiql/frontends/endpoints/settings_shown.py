"""A configuration as `/settings` shows it: with values of the environment that are no secrets.

Knows no model.
"""

from __future__ import annotations

import json
from typing import Any

from apiql.frontends.endpoints.source import Source, scalar
from apiql.json_nodes import Members, Node

HIDDEN = "********"
_AS_WRITTEN = frozenset({"value", "password"})
"""Members whose value may be a key: `$NAME` stays there."""


def shown(source: Source) -> dict[str, Any]:
    """The members of the file."""
    found = _shown(source, source.root)
    assert isinstance(found, dict)
    return found


def _shown(source: Source, node: Node) -> Any:
    match node.value:
        case Members() as members:
            return {m.name: _member(source, m.name, m.node) for m in members}
        case tuple() as elements:
            return [_shown(source, element) for element in elements]
        case value:
            return scalar(value)


def _member(source: Source, name: str, node: Node) -> Any:
    if name not in _AS_WRITTEN or not isinstance(node.value, str):
        return _shown(source, node)
    written = source.written(node.start)
    if written.startswith('"') and "$" in written:
        return json.loads(written)
    is_from_outside = not written.startswith('"')
    return HIDDEN if name == "password" or is_from_outside else node.value

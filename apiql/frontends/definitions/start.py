"""What main.json says of the start of a server: where it listens. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v2.flow import Flow

MOST_PORT = 65_535


def listening(definitions: Definitions) -> Mapping[str, Any]:
    """`host` and `port` as the last apiGateway has them, where these are written down."""
    found: dict[str, Any] = {}
    for document in definitions.documents[Kind.MAIN].values():
        steps = document.model.steps if isinstance(document.model, Flow) else ()
        for step in (step for step in steps if step.command == "apiGateway"):
            said = {a.name: a.value.content for a in step.args if a.value.kind == "literal"}
            host, port = said.get("host", ""), said.get("port", "")
            found = {"host": host} if host else {}
            if port.isascii() and port.isdigit() and len(port) < 6 and int(port) <= MOST_PORT:
                found["port"] = int(port)
    return found

"""Configurations of tests, written quickly, and backends that answer by path."""

from __future__ import annotations

import json
from typing import Any

from apiql.frontends.endpoints.gateway import Gateway
from tests.endpoints.reading import gateway
from tests.endpoints.running import Backends

HOST = "http://a.test"


def backend(path: str = "/a", method: str = "GET", **more: Any) -> dict[str, Any]:
    found = {"hosts": [HOST], "path": path, "method": method}
    return {**found, **{name.replace("_", "-"): value for name, value in more.items()}}


def one(*backends: dict[str, Any], root: Any = None, path: str = "/a", **members: Any) -> Gateway:
    own = {name.replace("_", "-"): value for name, value in members.items()}
    endpoint = {"path": path, "method": "GET", "backends": [*backends], **own}
    return gateway({"port": 1, "endpoints": [endpoint], **(root or {})})


def header(key: str, action: str, value: str = "", context: str = "REQUEST", **more: Any) -> Any:
    found = {"context": context, "action": action, "key": key, **more}
    return {"header": [{**found, "value": value} if value else found]}


def answers(**by_path: Any) -> Backends:
    return Backends({f"GET {HOST}/{path}": said for path, said in by_path.items()})


def body(answer: Any) -> Any:
    return json.loads(answer.body)

"""Definitions of the first generation, made for a test, behind a gateway with an upstream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apiql.defined import KNOWN
from apiql.engine import Engine
from apiql.frontends.definitions.folder import read_folder
from apiql.frontends.definitions.lower.lowered import Ground
from apiql.frontends.definitions.lower.v1_lower import lowering_v1
from apiql.gotemplate.calls import Function
from apiql.settings import load_settings
from tests.apihub.gateway import Gateway
from tests.apihub.traces import BEGAN, Asked, Got
from tests.apihub.upstream import PLACE, Seen, Upstream

DOWN = "http://127.0.0.1:9"
ECHO: Mapping[str, Any] = {"url": f"{PLACE}/echo", "method": "GET"}
POST: Mapping[str, Any] = {"url": f"{PLACE}/echo", "method": "POST"}
RAW = {"url": f"{PLACE}/json", "method": "GET"}
LIST = {"url": f"{PLACE}/arr", "method": "GET"}
BROKEN = {"url": DOWN, "method": "GET"}


def sleeping(seconds: float) -> dict[str, Any]:
    """An api that takes its time."""
    return {"url": f"{PLACE}/echo?sleep={seconds}", "method": "GET"}


class Made:
    """A gateway over definitions, by their paths: `apis/a`."""

    def __init__(
        self, root: Path, files: Mapping[str, Any], strict: bool = False,
        functions: Mapping[str, Function] | None = None, **limits: int,
    ) -> None:  # fmt: skip
        for name, content in {"apis/unused": ECHO, **files}.items():
            path = root / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        loop = asyncio.get_running_loop()
        self.upstream = Upstream(lambda: BEGAN + loop.time())
        environ = {f"APIQL_LIMITS__{name.upper()}": str(most) for name, most in limits.items()}
        self.engine = Engine(load_settings(None, environ), self.upstream, wall=self.upstream.wall)
        definitions = read_folder(root)
        ground = Ground(
            definitions, functions or {}, now=self.upstream.wall,
            pinned=frozenset({PLACE, DOWN}), strict=strict,
        )  # fmt: skip
        self.gateway = Gateway(definitions, lowering_v1(ground), self.engine, KNOWN)

    async def ask(self, path: str, body: Any = None, method: str = "POST", **headers: str) -> Got:
        """The answer to a request; a body that is no text is sent as JSON."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway(Asked(method, path, named, text.encode()))

    async def data(self, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON of an answer that succeeds."""
        got = await self.ask(path, body, **headers)
        assert got.status == 200, got
        return json.loads(got.body)

    async def sent(self, path: str, body: Any = None, **headers: str) -> Seen:
        """The one request that the upstream gets for this."""
        await self.data(path, body, **headers)
        (call,), _ = self.upstream.drained()
        return call

    def paths(self) -> list[str]:
        """What the upstream was asked for since the last time."""
        return [f"{call.path}?{call.query}".rstrip("?") for call in self.upstream.drained()[0]]

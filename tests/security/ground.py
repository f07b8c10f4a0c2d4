"""A server under attack: what its queries may name, and what became of names and connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from apiql.settings import Settings, load_settings
from tests.security.recorder import Recorder, opened
from tests.server.client import Response, Site
from tests.server.upstream import Fault, Upstream, upstream


@dataclass
class Ground:
    """A server, the upstream that it may call, and what it tried to reach."""

    site: Site
    up: Upstream
    recorder: Recorder

    async def ask(
        self, text: str, params: Mapping[str, Any] | None = None, **headers: str
    ) -> Response:
        """The answer to a query; `{P}` is the upstream's port. Nothing is noted from before."""
        self.up.forget()
        self.recorder.connected.clear()
        self.recorder.looked_up.clear()
        return await self.site.ask(text.replace("{P}", str(self.up.port)), params, None, **headers)

    async def refused(self, text: str, status: int, *codes: str) -> None:
        """The query is refused with these codes; nothing was looked up, nobody was reached."""
        response = await self.ask(text)
        assert (response.status, set(response.codes())) == (status, set(codes)), response.body
        self.untouched()

    def untouched(self) -> None:
        """Nothing was looked up, nobody was connected to."""
        assert not self.recorder.looked_up
        assert not self.recorder.connected
        assert not self.up.seen


@asynccontextmanager
async def ground(
    faults: Mapping[str, Fault] | None = None, allow: str = "", **more: str
) -> AsyncIterator[Ground]:
    """A server with settings (`SECTION__KEY=text`) in front of an upstream; `{P}` is its port."""
    async with upstream(faults) as up:
        recorder = Recorder(up.port)
        given = {
            "UPSTREAMS__DEFAULT__URL": "http://127.0.0.1:{P}",
            "UPSTREAMS__DEFAULT__BREAKER": "false",
            "LIMITS__CONNECT_TIMEOUT": "300ms",
            "SECURITY__ALLOW_HOSTS": allow,
        } | more
        port = str(up.port)
        environ = {f"APIQL_{name}": text.replace("{P}", port) for name, text in given.items()}
        if not allow:
            del environ["APIQL_SECURITY__ALLOW_HOSTS"]
        async with over(load_settings(None, environ), up, recorder) as found:
            yield found


@asynccontextmanager
async def over(settings: Settings, up: Upstream, recorder: Recorder) -> AsyncIterator[Ground]:
    """A server with these settings."""
    async with opened(settings, recorder) as site:
        yield Ground(site, up, recorder)

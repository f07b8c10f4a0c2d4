"""A server on a conf folder of its own, which a test changes as an operator would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apiql.demo.serving import serving
from apiql.events import Notice
from apiql.server.configuration import Place
from apiql.server.current import Current
from apiql.server.line_writer import Out
from apiql.server.reload import Outcome, Reloader
from apiql.server.worker import worker
from apiql.stores.store import Stores
from tests.planted import PLANTED
from tests.server.client import Site

TOML = """
[server]
reload = {reload}
{server}
[upstreams.default]
url = "http://127.0.0.1:{port}"
{more}
[upstreams.default.sources.planted]
path = "/planted"
headers = {{ X-Planted = "Key ${{private:planted.key}}" }}
"""
USER = "select * from /users/{} as user"


@dataclass
class Folder:
    """A conf folder in front of an upstream."""

    path: Path
    port: int
    reload: str = "false"

    def settings(self, more: str = "", server: str = "") -> None:
        """Writes apiql.toml."""
        text = TOML.format(port=self.port, more=more, server=server, reload=self.reload)
        planted = self.path / "privates" / "planted.json"
        planted.parent.mkdir(parents=True, exist_ok=True)
        planted.write_text(json.dumps({"privates": [{"name": "key", "value": PLANTED}]}))
        (self.path / "apiql.toml").write_text(text)

    def query(self, text: str, name: str = "q") -> None:
        """Writes a stored query, as editors do: whole, then put in the old one's place."""
        folder = self.path / "queries"
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{name}.new"
        new.write_text(text)
        new.rename(folder / f"{name}.apiql")


@dataclass
class Running:
    """A server, what keeps it up with its folder, and what was told."""

    site: Site
    folder: Folder
    reloader: Reloader
    current: Current
    told: list[Notice] = field(default_factory=list)
    admin: str | None = None
    """The URL of the admin listener, where `admin.port` is 0."""

    async def looked(self) -> Outcome | None:
        """Two looks: what is the same in both has settled."""
        await self.reloader.look()
        return await self.reloader.look()

    async def asked(self, name: str = "q") -> Any:
        """The data of a stored query."""
        response = await self.site.send("GET", f"/query/{name}")
        assert response.status == 200, response.body
        return response.json()["data"]

    async def ready(self) -> Any:
        """What /readyz answers, with 200."""
        response = await self.site.send("GET", "/readyz")
        assert response.status == 200
        return response.json()

    async def left_alone(self) -> None:
        """Until no earlier engine is in use."""
        async with asyncio.timeout(10):
            while self.current.retired:  # noqa: ASYNC110  # the end of a task of somebody else's
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    folder: Folder,
    place: Path | None = None,
    written: bytearray | None = None,
    stores: Stores | None = None,
) -> AsyncIterator[Running]:
    """A server on the folder, or on a link to it; `written` takes its lines of requests."""
    told: list[Notice] = []
    lines = bytearray() if written is None else written

    def write(data: bytes) -> int:
        lines.extend(data)
        return len(data)

    app, reloader = worker(Place(place or folder.path, {}), told.append, stores, out=Out(write))
    current: Current = app.hot["/apiql"].current  # type: ignore[attr-defined]
    async with serving(app) as url:
        yield Running(Site(url), folder, reloader, current, told, app.admin)
    assert PLANTED.encode() not in lines, "a line of a request tells the planted secret"
    assert PLANTED not in repr(told), "a notice tells it"

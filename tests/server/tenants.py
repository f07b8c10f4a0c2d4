"""A server with buckets, before an upstream that numbers its answers; callers say who they are by a
header that a guard of the test believes.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apiql.access.principal import Principal
from apiql.demo.serving import serving
from apiql.events import Notice
from apiql.server.app import App
from apiql.server.configuration import Place
from apiql.server.current import Current
from apiql.server.reload import Outcome, Reloader
from apiql.server.visit import Visit
from apiql.server.worker import worker
from tests.server.client import Response, Site
from tests.server.upstream import Exchange, Fault, upstream

MAIN = """
[server]
reload = false
[buckets]
{buckets}
[upstreams.default]
url = "http://127.0.0.1:{port}"
{more}
"""
OWN = """
{more}
[upstreams.default]
url = "http://127.0.0.1:{port}"
{upstream}
"""
SAYS = "select '{}' as b from /ok as o; return o.b"
KEPT = "select n from /kept as it cache 60s"


async def who(visit: Visit) -> None:
    """Believes what `X-Who` says: the bucket of the caller."""
    found = visit.fields.get(b"x-who")
    if found is not None:
        visit.principal = Principal("someone", "test", bucket=found.decode())


def numbering() -> Fault:
    """An answer with a number that no other has."""
    numbers = itertools.count()

    async def answer(exchange: Exchange) -> None:
        body = b'{"n": %d}' % next(numbers)
        await exchange.answer(200, body, "Content-Type: application/json")

    return answer


@dataclass
class Tenants:
    """The folder with its buckets, and the server once it runs."""

    path: Path
    port: int
    hits: Any
    told: list[Notice] = field(default_factory=list)
    app: App | None = None
    reloader: Reloader | None = None
    site: Site | None = None

    def main(self, buckets: str = 'enabled = true\nby = "path"', more: str = "") -> None:
        """Writes the main settings, and a query."""
        self.path.mkdir(exist_ok=True)
        text = MAIN.format(port=self.port, buckets=buckets, more=more)
        (self.path / "apiql.toml").write_text(text)
        self.query("", "here", SAYS.format("main"))

    def bucket(self, name: str, more: str = "", upstream: str = "") -> None:
        """Writes a bucket with a query that tells it."""
        folder = self.path / "buckets" / name
        folder.mkdir(parents=True, exist_ok=True)
        text = OWN.format(port=self.port, more=more, upstream=upstream)
        (folder / "apiql.toml").write_text(text)
        self.query(name, "here", SAYS.format(name))

    def query(self, bucket: str, name: str, text: str) -> None:
        """Writes a stored query of a bucket, or of the main folder."""
        folder = self.path / (f"buckets/{bucket}/queries" if bucket else "queries")
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.apiql").write_text(f"use envelope none; {text}")

    @property
    def current(self) -> Current:
        """What is in force."""
        assert self.app is not None
        found: Current = self.app.hot["/apiql"].current  # type: ignore[attr-defined]
        return found

    async def get(self, path: str, **more: str) -> Response:
        """The answer to a GET."""
        assert self.site is not None
        headers = {key.replace("_", "-"): value for key, value in more.items()}
        return await self.site.send("GET", path, headers=headers)

    async def ask(self, bucket: str, query: str, **more: str) -> Response:
        """The answer to a query in a bucket, which the path names."""
        return await self.get(f"/b/{bucket}/apiql?query={query.replace(' ', '%20')}", **more)

    async def here(self, bucket: str = "", **more: str) -> Any:
        """What the query `here` says."""
        response = await self.get(f"/b/{bucket}/query/here" if bucket else "/query/here", **more)
        return response.json() if response.status == 200 else response.status

    async def looked(self) -> Outcome | None:
        """Two looks: what is the same in both has settled."""
        assert self.reloader is not None
        await self.reloader.look()
        return await self.reloader.look()


@asynccontextmanager
async def folder(path: Path, faults: Mapping[str, Fault] | None = None) -> AsyncIterator[Tenants]:
    """A conf folder that is still empty, and its upstream."""
    async with upstream({"/kept": numbering(), **(faults or {})}) as up:
        yield Tenants(path / "conf", up.port, up)


@asynccontextmanager
async def served(found: Tenants) -> AsyncIterator[Tenants]:
    """A server on the folder."""
    found.app, found.reloader = worker(Place(found.path, {}), found.told.append)
    async with serving(found.app) as url:
        found.site = Site(url)
        yield found

"""The HTTP face: a FastAPI app whose hot routes are plain ASGI callables in front of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from apiql import __version__
from apiql.engine import NO_QUERIES, Engine
from apiql.errors import Code
from apiql.opened import OpenEngine
from apiql.query_files import QueryFiles, read_query_files
from apiql.server.description import describe
from apiql.server.door import DOOR, Door
from apiql.server.memory import settle
from apiql.server.presence import Presence
from apiql.server.query_route import QueryRoute
from apiql.server.read_stored import PREFIX as STORED
from apiql.server.read_stored import read_stored
from apiql.server.render import problem
from apiql.server.unknown import UnknownLog
from apiql.settings import Settings, load_settings
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Buckets

CONF, DEV = "APIQL_CONF_DIR", "APIQL_DEV_MODE"
"""How `apiql serve` tells its workers what to load."""

CODES = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}
DETAILS = {404: "there is nothing at this path: queries go to /apiql"}

AsgiRoute = Callable[[Any, Any, Any], Awaitable[None]]


class App(FastAPI):
    """FastAPI with routes that are looked up before anything of it runs: `hot` by exact path,
    `below` by the first folder of the path (`/query/`).
    """

    hot: Mapping[str, AsgiRoute]
    below: Mapping[str, AsgiRoute]
    door: Door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The route of the path; what has none goes FastAPI's way."""
        route = None
        if scope["type"] == "http":
            path: str = scope["path"]
            route = self.hot.get(path) or self.below.get(path[: path.find("/", 1) + 1])
        if route is None:
            await super().__call__(scope, receive, send)
        else:
            await route(scope, receive, send)


def create_app(settings: Settings, queries: QueryFiles = NO_QUERIES) -> App:
    """The app for these settings and stored queries, with its engine and connections."""
    stores = MemoryStores()
    opened = OpenEngine.from_settings(settings, queries, UnknownLog(), stores)
    return app_of(opened.engine, settings, opened.stack.aclose, stores.buckets)


def app_of(
    engine: Engine,
    settings: Settings,
    close: Callable[[], Awaitable[None]],
    buckets: Buckets | None = None,
) -> App:
    """The app around an engine; `close` runs when it stops."""
    door = Door(settings, buckets or MemoryStores().buckets)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        settle()
        yield {DOOR: door}
        await close()

    docs = "/openapi.json" if settings.server.docs else None
    app = App(
        title="APIQL", version=__version__, lifespan=lifespan,
        openapi_url=docs, docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.door = door
    _add_routes(app, lambda: engine)
    if docs:
        describe(app, lambda: engine.catalog)
    return app


def _add_routes(app: App, engine: Callable[[], Engine]) -> None:
    presence = Presence()
    app.hot = {"/apiql": QueryRoute(engine, app.door, presence=presence)}
    app.below = {STORED: QueryRoute(engine, app.door, read_stored, presence)}
    app.add_api_route("/livez", _alive, summary="The process answers", tags=["health"])
    app.add_api_route("/readyz", _ready, summary="Queries are answered", tags=["health"])
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]


def worker_app() -> App:
    """The app of a worker process: what to load is in its environment."""
    named = os.environ.get(CONF)
    conf = Path(named) if named else None
    settings = load_settings(conf, os.environ)
    shown = developing(settings) if os.environ.get(DEV) else settings
    return create_app(shown, read_query_files(conf))


def developing(settings: Settings) -> Settings:
    """The settings of `--dev`: everything is shown."""
    answer = settings.answer.model_copy(update={"details": "full", "plan": True, "timings": True})
    server = settings.server.model_copy(update={"docs": True})
    return settings.model_copy(update={"answer": answer, "server": server})


async def _alive() -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> JSONResponse:
    if request.app.door.draining:
        return JSONResponse({"status": "draining"}, 503)
    return JSONResponse({"status": "ok"})


async def _refused(request: Request, error: HTTPException) -> Response:
    code = CODES.get(error.status_code, Code.BAD_REQUEST)
    detail = DETAILS.get(error.status_code, str(error.detail))
    found = problem(code, error.status_code, detail, request.url.path, error.headers)
    headers = {name.decode(): value.decode("latin-1") for name, value in found.headers}
    return Response(found.body, found.status, headers)

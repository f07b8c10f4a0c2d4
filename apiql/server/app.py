"""The HTTP face: a FastAPI app whose hot routes are plain ASGI callables in front of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from apiql import __version__
from apiql.engine import NO_QUERIES, Engine
from apiql.errors import Code
from apiql.ir.reach import Kind
from apiql.opened import OpenEngine
from apiql.query_files import QueryFiles
from apiql.rights_files import rights_of
from apiql.server.around import Around
from apiql.server.choosing import PREFIX as BUCKET
from apiql.server.choosing import in_path, inner, is_in_a_bucket, is_of_a_bucket
from apiql.server.counts import Counts
from apiql.server.current import Close, Current, Held, held_of, with_gateways
from apiql.server.description import PATH, describe
from apiql.server.door import DOOR, Door
from apiql.server.gateway_route import broken, read_gateway
from apiql.server.gateways import gateways_of
from apiql.server.guarded_route import GuardedRoute
from apiql.server.guards import guards_of
from apiql.server.health import watched
from apiql.server.memory import tidied
from apiql.server.notices import NoticeLog
from apiql.server.persisted import persisted_in
from apiql.server.presence import Presence
from apiql.server.query_route import Asgi, QueryRoute
from apiql.server.read import Asked, read_request
from apiql.server.read_defined import GLUED, glued_paths, read_at, read_defined, read_glued
from apiql.server.read_defined import PREFIXES as DEFINED
from apiql.server.read_stored import PREFIX as STORED
from apiql.server.read_stored import read_named, read_stored
from apiql.server.read_template import PREFIX as TEMPLATE
from apiql.server.read_template import read_template, read_template_at
from apiql.server.reload import State
from apiql.server.render import problem
from apiql.server.tracing import Tracing
from apiql.server.visit import Visit, Watchers
from apiql.settings import Settings
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Stores
from apiql.template_files import NO_TEMPLATES, TemplateFiles

GATEWAYS = "/"
"""The route of requests for which no endpoint is found."""
CODES = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}
DETAILS = {404: "there is nothing at this path: queries go to /apiql"}

AsgiRoute = Callable[[Any, Any, Any], Awaitable[None]]
Beside = Callable[[], AbstractAsyncContextManager[None]]


class App(FastAPI):
    """FastAPI with routes that are looked up before anything of it runs: `hot` by exact path,
    `below` by the first folder of the path (`/query/`, `/b/`).
    """

    hot: Mapping[str, AsgiRoute]
    below: Mapping[str, AsgiRoute]
    others: AsgiRoute | None = None
    """What answers where no route is, if there is anything."""
    own: frozenset[str] = frozenset()
    """The paths of FastAPI's routes."""
    door: Door
    admin: str | None = None
    """Where an operator asks, if anywhere."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The route of the path; what has none goes FastAPI's way."""
        route = None
        if scope["type"] == "http":
            path: str = scope["path"]
            route = self.hot.get(path) or self.below.get(path[: path.find("/", 1) + 1])
            if route is None and self.others is not None and path not in self.own:
                route = self.others
        if route is None:
            await super().__call__(scope, receive, send)
        else:
            await route(scope, receive, send)


def create_app(
    settings: Settings, queries: QueryFiles = NO_QUERIES, templates: TemplateFiles = NO_TEMPLATES
) -> App:
    """The app for these settings, stored queries and call templates, with its engine and
    connections.
    """
    tell = NoticeLog()
    opened = OpenEngine.from_settings(settings, queries, tell, templates=templates)
    return app_around(Current(held_of(opened, tell)), opened.stores)


def app_of(engine: Engine, settings: Settings, close: Close, stores: Stores | None = None) -> App:
    """The app around an engine; `close` runs when it stops."""
    kept = stores or MemoryStores()
    guards = guards_of(settings, Around(engine.layer, kept, time.time))
    held = Held(engine, close, guards=guards, rights=rights_of(settings))
    with_gateways(held, gateways_of(engine, kept))
    return app_around(Current(held), kept)


def app_around(
    current: Current,
    stores: Stores | None = None,
    state: State | None = None,
    counts: Counts | None = None,
    beside: Sequence[Beside] = (),
    watchers: Watchers | None = None,
) -> App:
    """The app around what is in force; `beside` runs along with it, the watchers are told of every
    query: without any, traces are told on.
    """
    kept = stores or MemoryStores()
    door = Door(current.held.settings)
    current.minded.append(door.settle)
    app = _app(_lifespan(current, door, beside))
    app.door = door
    nowhere: Asgi = partial(FastAPI.__call__, app)
    watchers = watchers or Watchers([Tracing(lambda: current.held.settings.telemetry)])
    counts = counts or Counts()
    route = partial(QueryRoute, current, door, nowhere,
                    counts=counts, presence=Presence(), watchers=watchers)  # fmt: skip
    described = GuardedRoute(current, door, counts, nowhere)
    app.hot = {"/apiql": route(persisted=persisted_in(kept)), PATH: described}
    app.below = _below(route, current, nowhere)
    watched(app, state, lambda: door.draining, current)
    describe(app, current)
    _answering_others(app, route, current)
    return app


def _answering_others(app: App, route: Callable[..., QueryRoute], current: Current) -> None:
    """Lets endpoints of gateways answer where no route is, for as long as there are any."""
    app.own = frozenset(getattr(found, "path", "") for found in app.routes)
    gateways = route(within=read_gateway, broken=broken, route=GATEWAYS, kind="endpoint")
    glued = {
        kind: route(read=read_glued, route=f"{word}/", kind=kind.value)
        for word, kind in ((word, DEFINED[f"{word}/"]) for word in GLUED)
    }
    settle = partial(_settle, app, current, gateways, glued, app.below)
    current.minded.append(settle)
    settle(current.held.settings)


def _settle(
    app: App, current: Current, gateways: Asgi, glued: Mapping[Kind, AsgiRoute],
    below: Mapping[str, AsgiRoute], _: Settings,
) -> None:  # fmt: skip
    """Minds what is in force: whether there are endpoints, how large their requests may be, and
    whether the first folders of definitions are theirs, which paths of old there are.
    """
    held, door = current.held, app.door
    app.others = gateways if held.has_endpoints else None
    every = [each.engine.definitions for each in (held, *held.buckets.values())]
    limits = [s.lowered.endpoint.limits for each in every for s in each.gateways.served]
    door.body_bytes = max([door.body_bytes, *(max(each.body, each.multipart) for each in limits)])
    free = bool(limits) and not any(each.found or each.broken for each in every)
    older = {path: glued[kind] for path, kind in glued_paths(held.engine).items()}
    usual = {path: at for path, at in below.items() if not (free and path in DEFINED)}
    app.below = {**older, **usual}


def _below(
    route: Callable[..., QueryRoute], current: Current, nowhere: Asgi
) -> Mapping[str, AsgiRoute]:
    """The routes by the first folder of the path."""
    endpoints = route(
        within=partial(read_gateway, within=True), broken=broken, route=GATEWAYS, kind="endpoint"
    )
    queries = {
        kind: route(read=_read_within, route=BUCKET, kind=kind)
        for kind in {"text", *KINDS_WITHIN.values()}
    }
    within = partial(_by_path, current, queries, endpoints, nowhere)
    return {
        STORED: route(read=read_stored, route=STORED, kind="query"),
        TEMPLATE: route(read=read_template, route=TEMPLATE, kind="template"),
        **{
            prefix: route(read=read_defined, route=prefix, kind=kind.value)
            for prefix, kind in DEFINED.items()
        },
        BUCKET: within,
    }


KINDS_WITHIN: Mapping[str, str] = {
    STORED: "query", TEMPLATE: "template", **{path: kind.value for path, kind in DEFINED.items()},
}  # fmt: skip
"""What requests below the name of a bucket ask for, by the first folder there."""


def _by_path(
    current: Current, queries: Mapping[str, Asgi], endpoints: Asgi, nowhere: Asgi, scope: Any,
    receive: Any, send: Any,
) -> Awaitable[None]:  # fmt: skip
    """What is below /b/, where paths name buckets. All names go the same way up to the guards."""
    route, held, path = nowhere, current.held, scope["path"]
    if held.said is in_path:
        if is_of_a_bucket(path):
            inside = inner(path)
            route = queries[KINDS_WITHIN.get(inside[: inside.find("/", 1) + 1], "text")]
        elif held.buckets_have_endpoints and is_in_a_bucket(path):
            route = endpoints
    return route(scope, receive, send)


async def _read_within(visit: Visit, engine: Engine) -> Asked:
    """The query in a request whose path names a bucket."""
    path = inner(visit.scope["path"])
    if path.startswith(STORED):
        return await read_named(path.removeprefix(STORED), visit, engine)
    if path.startswith(TEMPLATE):
        return await read_template_at(path.removeprefix(TEMPLATE), visit, engine)
    if path.startswith(tuple(DEFINED)):
        return await read_at(path, visit, engine)
    return await read_request(visit, engine)


def _app(lifespan: Lifespan[FastAPI]) -> App:
    """An app without pages of FastAPI's own."""
    return App(
        title="APIQL", version=__version__, lifespan=lifespan,
        openapi_url=None, docs_url=None, redoc_url=None,
        exception_handlers={HTTPException: _refused},
    )  # fmt: skip


def _lifespan(current: Current, door: Door, beside: Sequence[Beside]) -> Lifespan[FastAPI]:
    """What runs along with the server; the connections are closed last."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        current.begin()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(current.aclose)
            await stack.enter_async_context(tidied())
            for each in beside:
                await stack.enter_async_context(each())
            yield {DOOR: door}

    return lifespan


async def _refused(request: Request, error: HTTPException) -> Response:
    code = CODES.get(error.status_code, Code.BAD_REQUEST)
    detail = DETAILS.get(error.status_code, str(error.detail))
    found = problem(code, error.status_code, detail, request.url.path, error.headers)
    headers = {name.decode(): value.decode("latin-1") for name, value in found.headers}
    return Response(found.body, found.status, headers)

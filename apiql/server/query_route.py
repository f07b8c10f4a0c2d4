"""Queries over HTTP as a plain ASGI callable: read, answer, render, send."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from apiql.engine import Engine
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.events import CallMade
from apiql.ir.plan import Plan
from apiql.runtime.step import Executable
from apiql.server.admission import Overloaded
from apiql.server.analyzed import analyzed, mind_what_is_told
from apiql.server.bucket import Places
from apiql.server.choosing import NoSuchRoute
from apiql.server.counts import Counts
from apiql.server.current import Current, Held
from apiql.server.door import Door
from apiql.server.media import STREAMED, Wanted
from apiql.server.persisted import Persisted
from apiql.server.presence import ClientGone, Presence
from apiql.server.protocol import RESPOND
from apiql.server.read import Asked, read_request
from apiql.server.render import (
    Rendered,
    problem,
    render_answer,
    render_bare,
    render_plan,
    render_problem,
    render_refusal,
    server_timing,
    trace_of,
    uses_of,
    validated,
)
from apiql.server.stream import Streaming, let_go, streaming
from apiql.server.validators import cache_status
from apiql.server.visit import Receive, Scope, Visit, Watcher

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Reader = Callable[[Scope, Receive, Engine], Awaitable[Asked]]
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
log = logging.getLogger("apiql")


@dataclass(frozen=True)
class QueryRoute:
    """A route of queries, which `read` finds in its requests. Each is answered, to its end, by the
    engine that is in force as it comes: that of its bucket. Who asks for one that is not there, or
    not the caller's, is answered by `nowhere`, as at any path without a route.
    """

    current: Current
    door: Door
    nowhere: Asgi
    read: Reader = read_request
    counts: Counts = field(default_factory=Counts)
    presence: Presence = field(default_factory=Presence)
    persisted: Persisted = field(default_factory=Persisted)
    watchers: tuple[Watcher, ...] = ()
    _prefix: str = field(default_factory=lambda: secrets.token_hex(6))
    _count: itertools.count[int] = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held, visit = self.current.held, Visit(scope, receive, self._request_id(scope))
        held.requests += 1
        for watcher in self.watchers:
            if watcher.wants_events:
                visit.events = []
            watcher.begun(visit)
        try:
            visit.status = await self._respond(held, visit, send)
        except NoSuchRoute:
            visit.status = 404
            await self.nowhere(scope, receive, send)
        finally:
            self._end(visit)
            held.requests -= 1
            if held.left is not None:
                held.left()

    def _end(self, visit: Visit) -> None:
        counts = self.counts
        visit.seconds = perf_counter() - visit.begun
        counts.seconds += visit.seconds
        counts.endings[visit.status // 100] += 1
        for watcher in self.watchers:
            watcher.ended(visit)

    async def _respond(self, held: Held, visit: Visit, send: Send) -> int:
        """Answers; its status, 0 where nobody waited for it."""
        rendered = await self._rendered(held, visit)
        scope, told = visit.scope, visit.told
        if isinstance(rendered, Streaming):
            try:
                rendered.headers = told
                return await self._stream(rendered, visit, send)
            finally:
                rendered.leave()
        if rendered is None:
            return 0
        headers = rendered.headers
        if told:
            headers += told
        headers.append((b"x-request-id", visit.request_id))
        if rendered.status not in (204, 304):
            headers.append((b"content-length", str(len(rendered.body)).encode()))
        respond = scope.get("extensions", {}).get(RESPOND)
        if respond is not None and respond(scope, rendered.status, headers, rendered.body):
            return rendered.status
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body})
        return rendered.status

    async def _stream(self, streaming: Streaming, visit: Visit, send: Send) -> int:
        request_id = visit.request_id
        try:
            await self.presence.during(streaming.sent(send, request_id), visit.receive)
        except ClientGone:
            await let_go(visit.scope, visit.receive)
            return 0
        except Exception:  # the same edge, for what is already on its way
            log.exception("request %s failed", request_id.decode())
            await streaming.broken(send, _knows_more(request_id), request_id)
        return streaming.status

    async def _rendered(self, held: Held, visit: Visit) -> Rendered | Streaming | None:
        """The response, or what will make it, which then has a place; None where the client has
        gone.
        """
        scope, request_id, form = visit.scope, visit.request_id, Wanted.JSON
        try:
            if self.door.is_guarded or held.guards or held.said is not None:
                held = await self._guarded(held, visit)
            asked = await self.read(scope, visit.receive, held.engine)
            form, visit.name = asked.wanted, asked.name
            if asked.id is not None:
                asked = await self._texts(held).resolved(asked, asked.id, held.engine)
            return await self.presence.during(self._placed(held, asked, visit), visit.receive)
        except RequestRefused as refused:
            return render_problem(refused, scope["path"])
        except NoSuchRoute:
            raise
        except QueryRefused as refused:
            return render_refusal(refused, form)
        except ClientGone:
            return None
        except asyncio.CancelledError:
            if not self.door.draining:
                raise
            return render_problem(Overloaded(), scope["path"])  # the time to end is over
        except Exception:  # the outermost edge: a bug answers, and is told with its request id
            log.exception("request %s failed", request_id.decode())
            return problem(Code.INTERNAL, 500, _knows_more(request_id), scope["path"])

    async def _guarded(self, held: Held, visit: Visit) -> Held:
        """What answers a request that may come in: what is held, or one of its buckets."""
        if self.door.is_guarded:
            visit.told += await self.door.let_in(visit.scope)
        for guard in held.guards:
            await guard(visit)
        held = held.chosen(visit)
        if held.own is not None and held.own.is_guarded:
            await held.own.let_in(visit)
        return held

    def _texts(self, held: Held) -> Persisted:
        return self.persisted if held.own is None else held.own.persisted

    async def _placed(self, held: Held, asked: Asked, visit: Visit) -> Rendered | Streaming:
        """The response once there is a place for the query; a stream keeps it. A request that is
        still being read has none, so slow bodies keep nobody out.
        """
        whole = self.door.admission
        places = whole if held.own is None else Places(held.own.admission, whole)
        if not places.enter():
            waited = await places.wait(asked.query.timeout)
            asked = _sooner(asked, waited, held.settings.limits.query_timeout)
        try:
            rendered = await self._answer(held.engine, asked, visit)
        except BaseException:
            places.leave()
            raise
        if isinstance(rendered, Streaming):
            rendered.leave = places.leave
        else:
            places.leave()
        return rendered

    async def _answer(self, engine: Engine, asked: Asked, visit: Visit) -> Rendered | Streaming:
        begun = asyncio.get_running_loop().time() if engine.settings.answer.timings else 0.0
        executable = asked.executable or engine.executable(asked.query.text)
        visit.plan = plan = executable.plan
        if plan.explain or plan.analyze:
            mind_what_is_told(engine.settings, plan)
        if plan.explain:
            return render_plan(plan, asked.wanted)
        if asked.reads_only and plan.writes:
            message = "GET only reads: POST a query that writes"
            raise RequestRefused(Code.METHOD_NOT_ALLOWED, message, {"Allow": "POST"})
        if plan.analyze:
            return await analyzed(engine, executable, asked)
        if asked.wanted in STREAMED:
            return streaming(engine, executable, asked, visit.events)
        if engine.settings.answer.timings:
            rendered = await self._timed(engine, executable, asked, begun, visit)
        else:
            answer = await engine.carry_out(executable, asked.query, visit.observe)
            rendered = _render(plan)(answer, asked.wanted, {}, executable.varies)
        if asked.reads_only:
            return validated(rendered, asked.query.headers.get("if-none-match"))
        return rendered

    async def _timed(
        self, engine: Engine, executable: Executable, asked: Asked, begun: float, visit: Visit
    ) -> Rendered:
        """The answer with Server-Timing and, if asked, the trace of its calls."""
        events = [] if visit.events is None else visit.events
        clock = asyncio.get_running_loop().time
        start = clock()
        answer = await engine.carry_out(executable, asked.query, events.append)
        extensions = {"trace": trace_of(events, start)} if asked.trace else {}
        render = _render(executable.plan)
        rendered = render(answer, asked.wanted, extensions, executable.varies)
        timing = server_timing(events, begun, start, clock())
        rendered.headers.append((b"server-timing", timing))
        if any(isinstance(event, CallMade) for event in events):
            rendered.headers.append((b"cache-status", cache_status(uses_of(events))))
        return rendered

    def _request_id(self, scope: Scope) -> bytes:
        """The caller's X-Request-Id, if it is one, else a new one."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                found: bytes = value
                return found
        return f"{self._prefix}-{next(self._count)}".encode()


def _render(plan: Plan) -> Callable[..., Rendered]:
    return render_bare if plan.settings.bare else render_answer


def _sooner(asked: Asked, waited: float, longest: float) -> Asked:
    """The same request with less time: it has waited."""
    given = asked.query.timeout
    left = max(0.001, (longest if given is None else min(given, longest)) - waited)
    return replace(asked, query=replace(asked.query, timeout=left))


def _knows_more(request_id: bytes) -> str:
    return f"something went wrong here; the log knows more under {request_id.decode()}"

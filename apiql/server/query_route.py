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

from apiql.engine import Engine
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.events import CallMade, Event
from apiql.ir.plan import Plan
from apiql.runtime.step import Executable
from apiql.server.analyzed import analyzed, mind_what_is_told
from apiql.server.counts import Counts
from apiql.server.current import Current
from apiql.server.media import STREAMED, Wanted
from apiql.server.persisted import Persisted
from apiql.server.presence import ClientGone, Presence
from apiql.server.protocol import RESPOND
from apiql.server.read import Asked, Receive, Scope, read_request
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

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Reader = Callable[[Scope, Receive, Engine], Awaitable[Asked]]
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
log = logging.getLogger("apiql")


@dataclass(frozen=True)
class QueryRoute:
    """A route of queries, which `read` finds in its requests. Each is answered, to its end, by the
    engine that is in force as it comes.
    """

    current: Current
    read: Reader = read_request
    counts: Counts = field(default_factory=Counts)
    presence: Presence = field(default_factory=Presence)
    persisted: Persisted = field(default_factory=Persisted)
    _prefix: str = field(default_factory=lambda: secrets.token_hex(6))
    _count: itertools.count[int] = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held, counts, status, begun = self.current.held, self.counts, 0, perf_counter()
        held.requests += 1
        try:
            status = await self._respond(held.engine, scope, receive, send)
        finally:
            counts.seconds += perf_counter() - begun
            counts.endings[status // 100] += 1
            held.requests -= 1
            if held.left is not None:
                held.left()

    async def _respond(self, engine: Engine, scope: Scope, receive: Receive, send: Send) -> int:
        """Answers; its status, 0 where nobody waited for it."""
        request_id = self._request_id(scope)
        rendered = await self._rendered(engine, scope, receive, request_id)
        if isinstance(rendered, Streaming):
            return await self._stream(rendered, scope, receive, send, request_id)
        if rendered is None:
            return 0
        headers = rendered.headers
        headers.append((b"x-request-id", request_id))
        if rendered.status not in (204, 304):
            headers.append((b"content-length", str(len(rendered.body)).encode()))
        respond = scope.get("extensions", {}).get(RESPOND)
        if respond is not None and respond(scope, rendered.status, headers, rendered.body):
            return rendered.status
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body})
        return rendered.status

    async def _stream(
        self, streaming: Streaming, scope: Scope, receive: Receive, send: Send, request_id: bytes
    ) -> int:
        try:
            await self.presence.during(streaming.sent(send, request_id), receive)
        except ClientGone:
            await let_go(scope, receive)
            return 0
        except Exception:  # as below
            log.exception("request %s failed", request_id.decode())
            await streaming.broken(send, _knows_more(request_id), request_id)
        return streaming.status

    async def _rendered(
        self, engine: Engine, scope: Scope, receive: Receive, request_id: bytes
    ) -> Rendered | Streaming | None:
        """The response, or what will make it, or None where the client has gone."""
        form = Wanted.JSON
        try:
            asked = await self.read(scope, receive, engine)
            form = asked.wanted
            if asked.id is not None:
                asked = await self.persisted.resolved(asked, asked.id, engine)
            return await self.presence.during(self._answer(engine, asked), receive)
        except RequestRefused as refused:
            return render_problem(refused, scope["path"])
        except QueryRefused as refused:
            return render_refusal(refused, form)
        except ClientGone:
            return None
        except Exception:  # the outermost edge: a bug answers, and is told with its request id
            log.exception("request %s failed", request_id.decode())
            return problem(Code.INTERNAL, 500, _knows_more(request_id), scope["path"])

    async def _answer(self, engine: Engine, asked: Asked) -> Rendered | Streaming:
        begun = asyncio.get_running_loop().time() if engine.settings.answer.timings else 0.0
        executable = asked.executable or engine.executable(asked.query.text)
        plan = executable.plan
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
            return streaming(engine, executable, asked)
        if engine.settings.answer.timings:
            rendered = await self._timed(engine, executable, asked, begun)
        else:
            answer = await engine.carry_out(executable, asked.query)
            rendered = _render(plan)(answer, asked.wanted, {}, executable.varies)
        if asked.reads_only:
            return validated(rendered, asked.query.headers.get("if-none-match"))
        return rendered

    async def _timed(
        self, engine: Engine, executable: Executable, asked: Asked, begun: float
    ) -> Rendered:
        """The answer with Server-Timing and, if asked, the trace of its calls."""
        events: list[Event] = []
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


def _knows_more(request_id: bytes) -> str:
    return f"something went wrong here; the log knows more under {request_id.decode()}"

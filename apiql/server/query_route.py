"""Queries over HTTP as a plain ASGI callable: let in, read, answer, send."""

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
from apiql.server.admission import Overloaded
from apiql.server.answering import answered
from apiql.server.bucket import Places
from apiql.server.choosing import NoSuchRoute
from apiql.server.counts import Counts
from apiql.server.current import Current, Held
from apiql.server.door import Door
from apiql.server.media import Wanted
from apiql.server.offering import RESPOND
from apiql.server.persisted import Persisted
from apiql.server.presence import ClientGone, Presence
from apiql.server.read import Asked, read_request
from apiql.server.render import (
    Rendered,
    keep_private,
    problem,
    render_problem,
    render_refusal,
)
from apiql.server.sight import Sight
from apiql.server.stream import Streaming, let_go
from apiql.server.visit import REQUEST, Answered, Fields, Mark, Receive, Scope, Visit, Watchers

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Reader = Callable[[Visit, Engine], Awaitable[Asked]]
Within = Callable[[Held, Visit], Awaitable[Asked]]
"""Reads a request that needs more of what is in force than its engine."""
Ended = Answered | ClientGone | NoSuchRoute | RequestRefused | QueryRefused
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
    within: Within | None = None
    broken: Callable[[Visit], Rendered] | None = None
    counts: Counts = field(default_factory=Counts)
    presence: Presence = field(default_factory=Presence)
    persisted: Persisted = field(default_factory=Persisted)
    watchers: Watchers = field(default_factory=Watchers)
    route: str = "/apiql"
    kind: str = "text"
    _prefix: str = field(default_factory=lambda: secrets.token_hex(6))
    _count: itertools.count[int] = field(default_factory=itertools.count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held, fields = self.current.held, dict(scope["headers"])
        request_id = self._request_id(scope, fields)
        mark = Mark(request_id, self.kind)
        REQUEST.set(mark)
        visit = Visit(scope, receive, fields, request_id, self.route, self.kind, mark)
        held.requests += 1
        for look in self.watchers.at_begin:
            look(visit)
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
        for look in self.watchers.at_end:
            look(visit)

    async def _respond(self, held: Held, visit: Visit, send: Send) -> int:
        """Answers; its status, 0 where nobody waited for it."""
        rendered = await self._rendered(held, visit)
        if rendered is None:
            return 0
        if isinstance(rendered, Streaming):
            return await self._stream(rendered, visit, send)
        scope, status, headers, body = visit.scope, rendered.status, rendered.headers, rendered.body
        visit.size = len(body)
        headers += visit.told
        headers.append((b"x-request-id", visit.request_id))
        if status != 204 and status != 304:
            headers.append((b"content-length", b"%d" % len(body)))
        if scope["method"] == "HEAD":
            body = b""
        respond = scope.get("extensions", {}).get(RESPOND)
        if respond is not None and respond(scope, status, headers, body):
            return status
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return status

    async def _stream(self, streaming: Streaming, visit: Visit, send: Send) -> int:
        request_id, streaming.headers = visit.request_id, visit.told
        try:
            await self.presence.during(streaming.sent(send, request_id), visit.receive)
        except ClientGone:
            await let_go(visit.scope, visit.receive)
            return 0
        except Exception:  # the same edge, for what is already on its way
            log.exception("request %s failed", request_id.decode())
            await streaming.broken(send, knows_more(request_id), request_id)
        finally:
            visit.size, visit.codes = streaming.size, tuple(streaming.codes)
            streaming.leave()
        return streaming.status

    async def _rendered(self, held: Held, visit: Visit) -> Rendered | Streaming | None:
        """The response, or what will make it, which then has a place; None where the client has
        gone.
        """
        form = Wanted.JSON
        try:
            self.door.let_in()
            for guard in held.guards:
                waits = guard(visit)
                if waits is not None:
                    await waits
            if held.said is not None or visit.principal.bucket:
                held = await _within(held, visit)
            asked = await self._read(held, visit)
            form = asked.wanted
            if asked.id is not None:
                asked = await self._known_text(held, asked, asked.id, visit)
            visit.was_read(asked.name, asked.query.text)
            return await self.presence.during(self._placed(held, asked, visit), visit.receive)
        except (Answered, ClientGone, NoSuchRoute, RequestRefused, QueryRefused) as ended:
            return self._ended(ended, visit, form)
        except asyncio.CancelledError:
            if not self.door.draining:
                raise
            return _refused(visit, Overloaded())  # the time to end is over
        except Exception:  # the outermost edge: a bug answers, and is told with its request id
            return self._broken(visit)

    def _read(self, held: Held, visit: Visit) -> Awaitable[Asked]:
        if held.rights.restricts:
            visit.sight = Sight(held.rights, visit.principal, visit.challenge)
        if self.within is not None:
            return self.within(held, visit)
        return self.read(visit, held.engine)

    def _broken(self, visit: Visit) -> Rendered:
        """What a bug answers, told with the request's id."""
        visit.codes = (Code.INTERNAL,)
        log.exception("request %s failed", visit.request_id.decode())
        return (self.broken or _broken)(visit)

    def _ended(self, ended: Ended, visit: Visit, form: Wanted) -> Rendered | None:
        if isinstance(ended, NoSuchRoute):
            raise ended
        if isinstance(ended, ClientGone):
            return None
        if isinstance(ended, Answered):
            return Rendered(ended.status, ended.body, [*ended.headers])
        if isinstance(ended, QueryRefused):
            visit.codes = tuple({problem.code: None for problem in ended.problems})
            return render_refusal(ended, form)
        if ended.code is Code.RATE_LIMITED:
            self.door.limited += 1
        self.counts.refuse(ended)
        return _refused(visit, ended)

    async def _known_text(self, held: Held, asked: Asked, id: str, visit: Visit) -> Asked:
        texts = self.persisted if held.own is None else held.own.persisted
        return await texts.resolved(asked, id, held.engine, visit.sight)

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
            rendered = await answered(held.engine, asked, visit)
            if visit.sight is not None and visit.sight.private:
                keep_private(rendered.headers)
        except BaseException:
            places.leave()
            raise
        if isinstance(rendered, Streaming):
            rendered.leave = places.leave
        else:
            places.leave()
        return rendered

    def _request_id(self, scope: Scope, fields: Fields) -> bytes:
        """The caller's X-Request-Id, if it is one, else a new one."""
        if b"x-request-id" in fields:
            for name, value in scope["headers"]:
                if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                    found: bytes = value
                    return found
        return f"{self._prefix}-{next(self._count)}".encode()


async def _within(held: Held, visit: Visit) -> Held:
    """What answers a request that has passed the guards: what is held, or a bucket of it.

    Raises:
        RequestRefused: there is no place in its bucket.
        NoSuchRoute: it is for a bucket that is not there for its caller.
    """
    found = held.chosen(visit)
    if found.own is not None:
        await found.own.let_in(visit)
    return found


def _refused(visit: Visit, refused: RequestRefused) -> Rendered:
    visit.codes = (refused.code,)
    return render_problem(refused, visit.scope["path"])


def _broken(visit: Visit) -> Rendered:
    """What a bug answers."""
    detail = knows_more(visit.request_id)
    return problem(Code.INTERNAL, Code.INTERNAL.status, detail, visit.scope["path"])


def _sooner(asked: Asked, waited: float, longest: float) -> Asked:
    """The same request with less time: it has waited."""
    given = asked.query.timeout
    left = max(0.001, (longest if given is None else min(given, longest)) - waited)
    return replace(asked, query=replace(asked.query, timeout=left))


def knows_more(request_id: bytes) -> str:
    """Where more is known than a client is told."""
    return f"something went wrong here; the log knows more under {request_id.decode()}"

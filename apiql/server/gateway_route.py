"""Requests to the endpoints of gateways, in the order of the gateway's own middlewares: trace,
cors, timeout, limiter, cache, endpoint; who logs and who catches a panic stand around all of it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter

from msgspec import Struct

from apiql.engine import Engine, Query
from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.frontends.endpoints.cache_rules import is_looked_for
from apiql.frontends.endpoints.gateway import Caching, Cors, Endpoint
from apiql.frontends.endpoints.lowered import REQUEST, Ended, GatewayAnswer
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.refused import refused
from apiql.frontends.endpoints.state import Refusal, State
from apiql.gateways import Served
from apiql.ir.reach import Kind
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut
from apiql.runtime.run import Run
from apiql.server.body import body_of
from apiql.server.choosing import NoSuchRoute
from apiql.server.client_address import client_address
from apiql.server.current import Held
from apiql.server.gateway_answer import rendered_of
from apiql.server.gateway_cache import Entry, key_of
from apiql.server.gateway_flights import Ending, Turn
from apiql.server.gateway_limits import (
    large_body,
    large_head,
    most_of,
    taken,
    too_many,
    unmapped,
)
from apiql.server.gateway_request import fields_of, query_of, with_body
from apiql.server.gateway_ways import path_of, way_of
from apiql.server.gateways import Gateways
from apiql.server.media import Wanted
from apiql.server.query_route import knows_more
from apiql.server.read import Asked, Headers, check_head, head_size
from apiql.server.render import Rendered, keep_private
from apiql.server.visit import Answered, Visit

OPEN = Cors()
JUST_NOW = 0.01
"""Seconds for which it is known that an answer is not kept: who has waited longer looks again."""
CODES = {
    403: Code.FORBIDDEN, 413: Code.BODY_TOO_LARGE, 429: Code.RATE_LIMITED,
    431: Code.HEADERS_TOO_LARGE, 504: Code.QUERY_TIMEOUT,
}  # fmt: skip
"""What the gateway's own refusals are called in logs and figures."""


async def read_gateway(held: Held, visit: Visit, within: bool = False) -> Asked:
    """The endpoint that a request is for, let in and read, and what will make its answer; `within`:
    its path names the bucket before it.

    Raises:
        Answered: the gateway refuses it, or has its answer already.
        RequestRefused: it cannot be read.
        NoSuchRoute: there is nothing at its path.
    """
    gateways = held.gateways
    if gateways is None:
        raise NoSuchRoute
    path = path_of(visit, within)
    served, params = way_of(gateways.catalog, held, visit, path)
    visit.was_read(served.name, "")
    visit.route, visit.plan = served.pattern, served.executable.plan
    if visit.sight is not None:
        visit.sight.use_defined(Kind.ENDPOINT, served.name)
    endpoint = served.lowered.endpoint
    passing = Passing(held, gateways, visit, served, endpoint)
    message = await passing.read(params)
    entry = None if endpoint.caching is None else passing.entry(endpoint.caching, message)
    kept = None if entry is None else await entry.found()
    if kept is not None:
        raise passing.answered(kept)
    headers = Headers(visit.scope["headers"], visit.fields)
    query = Query("", {REQUEST: message}, headers)
    own = partial(passing.carried_out, query, entry)
    if entry is not None and entry.is_wanted:
        own = partial(passing.shared, query, entry)
    return Asked(query, Wanted.JSON, False, False, name=served.name, own=own)


def broken(visit: Visit) -> Rendered:
    """What a bug answers."""
    more = knows_more(visit.request_id)
    message = f"gateway panic error occurred! detail: {more}"
    return rendered_of(refused(500, message, visit.scope["path"], "", time.time()))


class Passing(Struct, eq=False):
    """One request on its way through an endpoint; `ending` is what those are told that wait for its
    answer, once it has one.
    """

    held: Held
    gateways: Gateways
    visit: Visit
    served: Served
    endpoint: Endpoint
    ending: Ending = Turn.LOOK

    async def read(self, params: Mapping[str, str]) -> Message:
        """The message that it is, once it is let in.

        Raises:
            Answered: it is not.
            RequestRefused: it cannot be read.
        """
        visit, endpoint, settings = self.visit, self.endpoint, self.held.settings
        raw, limits = visit.scope["headers"], endpoint.limits
        peer = visit.scope.get("client")
        fields = fields_of(raw, peer[0] if peer else "")
        cors = self.served.gateway.cors
        if cors != OPEN:
            client = client_address(visit.scope, settings.clients)
            refusal = unmapped(cors, client, endpoint.method, fields)
            if refusal is not None:
                raise self.refused(refusal)
        if head_size(raw) > limits.header:
            raise self.refused(large_head(limits))
        check_head(raw, settings.limits.header_bytes)
        if limits.rate is not None:
            found = await taken(limits.rate, self.served.name, fields, self.gateways.buckets)
            if not found.allowed:
                raise self.refused(too_many(limits.rate), found.wait)
        body = await self._body(most_of(limits, fields))
        query = query_of(visit.scope["query_string"])
        return with_body(fields, body, endpoint.path, params, query)

    async def _body(self, most: int) -> bytes:
        try:
            return await body_of(self.visit, most)
        except RequestRefused as found:
            if found.code is Code.BODY_TOO_LARGE:
                raise self.refused(large_body(most)) from None
            raise

    def entry(self, caching: Caching, message: Message) -> Entry:
        """Where its answer is kept."""
        served = self.served
        store, clock = self.gateways.kept[served.gateway.file]
        method, asked, tag = self.endpoint.method, message.headers, f"endpoint:{served.name}"
        key = key_of(caching, served, message, self.visit.principal)
        is_wanted = is_looked_for(caching, method, asked)
        return Entry(caching, method, key, tag, store, clock, asked, is_wanted)

    async def shared(self, query: Query, entry: Entry) -> Rendered:
        """The answer; of requests that miss the same one at the same time one has it made."""
        flights, begun = self.gateways.flights, self.visit.begun
        found = await flights.turn(entry.key)
        if isinstance(found, GatewayAnswer):
            self.visit.codes = (_code(found.status),)
            return rendered_of(found)
        if found is Turn.LOOK:
            return await self._kept_or_made(query, entry)
        try:
            if perf_counter() - begun > JUST_NOW:
                return await self._kept_or_made(query, entry)
            return await self.carried_out(query, entry)
        except asyncio.CancelledError:
            self.ending = Turn.LEAD
            raise
        finally:
            flights.over(entry.key, self.ending)

    async def _kept_or_made(self, query: Query, entry: Entry) -> Rendered:
        kept = await entry.found()
        return await self.carried_out(query, entry) if kept is None else rendered_of(kept)

    async def carried_out(self, query: Query, entry: Entry | None) -> Rendered:
        """The answer; calls that take too long are cut off, whatever their backends do."""
        engine, visit, served = self.held.engine, self.visit, self.served
        try:
            outcome = await engine.outcome(served.executable, query, visit.events, self._went_on)
        except QueryRefused as refusal:
            message = "; ".join(problem.message for problem in refusal.problems)
            return self._told(Refusal(refusal.status, f"bad gateway error: {message}"))
        ended = _ended(outcome, engine)
        answer = served.lowered.answer(ended)
        found = ended.value
        if found is None or (isinstance(found, State) and found.refusal is not None):
            self.visit.codes = (_code(answer.status),)
            self.ending = ending_of(answer)
        elif entry is not None:
            await entry.keep(answer)
        return rendered_of(answer)

    def _went_on(self, run: Run) -> None:
        """Its plan is carried out from now on; what has passed of its time is gone."""
        run.deadline -= perf_counter() - self.visit.begun
        self.visit.went_on(run)

    def answered(self, kept: GatewayAnswer) -> Answered:
        """What is kept already."""
        found = rendered_of(kept)
        if self.visit.sight is not None and self.visit.sight.private:
            keep_private(found.headers)
        return Answered(found.status, found.headers, found.body)

    def refused(self, refusal: Refusal, wait: float = 0.0) -> Answered:
        """A refusal of the gateway's, before there is a place for the request."""
        found = self._told(refusal)
        if wait:
            found.headers.append((b"retry-after", b"%d" % max(1, math.ceil(wait))))
        if refusal.status in (413, 431):
            found.headers.append((b"connection", b"close"))
        return Answered(found.status, found.headers, found.body)

    def _told(self, refusal: Refusal) -> Rendered:
        self.visit.codes = (_code(refusal.status),)
        path, file = self.endpoint.path, self.served.gateway.file
        return rendered_of(refused(refusal.status, refusal.message, path, file, time.time()))


def _code(status: int) -> Code:
    return CODES.get(status, Code.UPSTREAM_STATUS)


def ending_of(answer: GatewayAnswer) -> Ending:
    """What a refusal is to those that wait: a backend that is not reached is so for all of them,
    but each has a time of its own.
    """
    match answer.status:
        case 502:
            return answer
        case 504:
            return Turn.LEAD
    return Turn.LOOK


def _ended(outcome: Done | Failed | LeftOut, engine: Engine) -> Ended:
    match outcome:
        case Failed(failure):
            return Ended(failure=replace(failure, message=engine.redaction(failure.message)))
        case Done(value=found) if found is not MISSING:
            return Ended(found)
        case _:
            return Ended()

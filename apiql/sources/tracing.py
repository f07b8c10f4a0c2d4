"""The layer that tells an upstream of the trace a call belongs to, and keeps each try for it.

Without a trace it is a look and no more.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from apiql.errors import CallFailed
from apiql.sources.call import Call, Headers, Layer, Reply
from apiql.trace_context import MOST_CALLS, TRACE, Attempt, Trace, new_span_id

PARENT, STATE = "traceparent", "tracestate"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of the calls to a service: `new_id` makes the id of a span (16 hex digits),
    `tells` is whether the service itself is sent where it stands in the trace.
    """

    service: str
    tells: bool
    new_id: Callable[[], str] = new_span_id
    now: Callable[[], int] = time.time_ns


def traced(inner: Layer, told: Told) -> Layer:
    """Wraps a layer."""

    def layer(call: Call) -> Awaitable[Reply]:
        trace = TRACE.get()
        return inner(call) if trace is None else _followed(inner, call, trace, told)

    return layer


async def _followed(inner: Layer, call: Call, trace: Trace, told: Told) -> Reply:
    span_id, kept = told.new_id(), trace.attempts
    if told.tells:
        call = _telling(call, trace, span_id)
    if kept is None or len(kept) >= MOST_CALLS:
        return await inner(call)
    started, status = told.now(), None
    code: str | None = "CANCELLED"
    try:
        reply = await inner(call)
        status, code = reply.status, None
        return reply
    except CallFailed as failed:
        code = failed.code.value
        raise
    finally:
        kept.append(
            Attempt(
                span_id, told.service, call.origin.authority, call.method, call.target,
                started, told.now(), status, code, call.attempt,
            )
        )  # fmt: skip


def _telling(call: Call, trace: Trace, span_id: str) -> Call:
    """The call with the headers of its span, in the place of those that a query may have set."""
    context = trace.context
    told: Headers = ((PARENT, replace(context, span_id=span_id).traceparent),)
    if context.state:
        told += ((STATE, context.state),)
    headers = tuple(pair for pair in call.headers if pair[0].lower() not in (PARENT, STATE))
    return replace(call, headers=headers, passing=(*call.passing, *told))

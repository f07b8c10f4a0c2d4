"""A request that was read -> its answer: compiled, carried out, rendered. Knows no transport."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apiql.engine import Engine
from apiql.errors import Code, RequestRefused
from apiql.events import CallMade
from apiql.ir.plan import Plan
from apiql.observing import Happened
from apiql.runtime.assemble import Answer
from apiql.runtime.step import Executable
from apiql.server.analyzed import analyzed, mind_what_is_told
from apiql.server.answering_defined import answered_defined
from apiql.server.media import STREAMED
from apiql.server.read import Asked
from apiql.server.render import (
    Rendered,
    render_answer,
    render_bare,
    render_plan,
    server_timing,
    trace_of,
    uses_of,
    validated,
)
from apiql.server.sight import Sight
from apiql.server.stream import Streaming, streaming
from apiql.server.validators import cache_status
from apiql.server.visit import Visit


def answered(engine: Engine, asked: Asked, visit: Visit) -> Awaitable[Rendered | Streaming]:
    """The answer to a request that was read, or what will make it; raises as those of its kind."""
    if asked.own is not None:
        return asked.own()
    if asked.defined is not None:
        return answered_defined(engine, asked.defined, asked, visit)
    return answered_query(engine, asked, visit)


async def answered_query(engine: Engine, asked: Asked, visit: Visit) -> Rendered | Streaming:
    """The answer to a query.

    Raises:
        RequestRefused: it asks for what is not told, or in a wrong way.
        QueryRefused: the query cannot be run; nothing was called.
    """
    begun = asyncio.get_running_loop().time() if (timed := engine.settings.answer.timings) else 0.0
    executable = _executable(engine, asked, visit.sight)
    visit.plan = plan = executable.plan
    if plan.explain or plan.analyze:
        mind_what_is_told(engine.settings, plan)
    if plan.explain:
        return render_plan(plan, asked.wanted, engine.redaction)
    if asked.reads_only and executable.writes:
        message = "GET only reads: POST a query that writes"
        raise RequestRefused(Code.METHOD_NOT_ALLOWED, message, {"Allow": "POST"})
    if plan.analyze:
        return await analyzed(engine, executable, asked)
    if asked.wanted in STREAMED:
        return streaming(engine, executable, asked, visit.events, visit.went_on)
    if timed:
        rendered = await _timed(engine, executable, asked, begun, visit)
    else:
        answer = await engine.carry_out(executable, asked.query, visit.events, visit.went_on)
        rendered = _render(plan)(answer, asked.wanted, {}, executable.varies)
        if answer.errors:
            visit.codes = codes_of(answer)
    if asked.reads_only:
        return validated(rendered, asked.query.headers.get("if-none-match"))
    return rendered


async def _timed(
    engine: Engine, executable: Executable, asked: Asked, begun: float, visit: Visit
) -> Rendered:
    """The answer with Server-Timing and, if asked, the trace of its calls."""
    happened = Happened() if visit.events is None else visit.events
    clock = asyncio.get_running_loop().time
    start = clock()
    answer = await engine.carry_out(executable, asked.query, happened, visit.went_on)
    events = [*happened]
    visit.codes = codes_of(answer)
    extensions = {"trace": trace_of(events, start)} if asked.trace else {}
    render = _render(executable.plan)
    rendered = render(answer, asked.wanted, extensions, executable.varies)
    timing = server_timing(events, begun, start, clock())
    rendered.headers.append((b"server-timing", timing))
    if any(isinstance(event, CallMade) for event in events):
        rendered.headers.append((b"cache-status", cache_status(uses_of(events))))
    return rendered


def _executable(engine: Engine, asked: Asked, sight: Sight | None) -> Executable:
    """The plan of what was asked, as far as it is there for the caller."""
    if sight is not None and not asked.name:
        return sight.executable(engine, asked.query.text)
    if sight is not None:
        sight.use(asked.kind, asked.name)
    return asked.executable or engine.executable(asked.query.text)


def _render(plan: Plan) -> Callable[..., Rendered]:
    return render_bare if plan.settings.bare else render_answer


def codes_of(answer: Answer) -> tuple[str, ...]:
    """The codes of the errors in an answer, each once."""
    return tuple({error["code"]: None for error in answer.errors})

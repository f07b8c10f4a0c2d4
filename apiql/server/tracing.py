"""Follows requests from service to service: takes the trace that a caller is part of, begins one
where spans are collected, and hands the spans of each request over once it has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import random

from apiql.observing import Happened
from apiql.server.spans import Span, spans_of
from apiql.server.visit import Look, Visit
from apiql.settings import Telemetry
from apiql.trace_context import (
    TRACE,
    Moments,
    Trace,
    TraceContext,
    new_span_id,
    new_trace_id,
    parse_context,
)

Export = Callable[[TraceContext, Iterable[Span]], None]


@dataclass(frozen=True)
class Tracing:
    """A watcher; `telemetry` are the settings in force, `export` takes what is collected."""

    telemetry: Callable[[], Telemetry]
    export: Export | None = None
    chance: Callable[[], float] = random
    wants_events: bool = False

    def begun(self, visit: Visit) -> None:
        """Finds the request's place in a trace; none where nobody would learn of it."""
        if self.export is None and b"traceparent" not in visit.fields:
            return
        parent = _parent_of(visit)
        if parent is None and self.export is None:
            return
        telemetry = self.telemetry()
        if not telemetry.propagate:
            return
        began = Moments(time.time_ns(), asyncio.get_running_loop().time())
        visit.trace = trace = Trace(self._place(parent, telemetry.sample), parent, began)
        TRACE.set(trace)
        if trace.context.sampled and self.export is not None:
            trace.attempts = []
            if visit.events is None:
                visit.events = Happened()

    def _place(self, parent: TraceContext | None, share: float) -> TraceContext:
        if parent is None:
            return TraceContext(new_trace_id(), new_span_id(), self.chance() < share)
        return TraceContext(parent.trace_id, new_span_id(), parent.sampled, parent.state)

    @property
    def ended(self) -> Look | None:
        """Hands over what was collected, where anybody takes it."""
        return None if self.export is None else partial(_hand_over, self.export)


def _hand_over(export: Export, visit: Visit) -> None:
    trace = visit.trace
    if trace is not None and trace.attempts is not None:
        export(trace.context, spans_of(visit, trace, time.time_ns(), new_span_id))


def _parent_of(visit: Visit) -> TraceContext | None:
    """What the request says of it; two parents are none."""
    parents: list[bytes] = []
    states: list[bytes] = []
    for name, value in visit.scope["headers"]:
        if name == b"traceparent":
            parents.append(value)
        elif name == b"tracestate":
            states.append(value)
    if len(parents) != 1:
        return None
    return parse_context(parents[0].decode("latin-1"), b",".join(states).decode("latin-1"))

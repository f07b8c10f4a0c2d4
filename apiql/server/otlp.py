"""Sends spans to a collector, as OTLP over HTTP, with OpenTelemetry's own exporter: in batches, in
a thread of its own, dropping what does not fit. Imported only where a collector is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from apiql import __version__
from apiql.server.spans import Span
from apiql.trace_context import TraceContext

_KINDS = {"server": SpanKind.SERVER, "internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
TIMEOUT = 5.0
"""Seconds that a collector has for one batch."""


class Collector:
    """The way to one collector. `export` takes the spans of a trace; `running` sends what is left
    when its block ends.
    """

    def __init__(
        self,
        url: str,
        service: str,
        sender: Callable[[str], SpanExporter] | None = None,
    ) -> None:
        self._exporter = (sender or _sender)(url)
        self._processor = BatchSpanProcessor(self._exporter)
        self._resource = Resource.create({"service.name": service, "service.version": __version__})

    def export(self, context: TraceContext, spans: Iterable[Span]) -> None:
        """Takes the spans; they are sent later."""
        for span in spans:
            self._processor.on_end(self._readable(context, span))

    def abandon(self) -> None:
        """Ends the thread without sending what is left."""
        self._exporter.shutdown()
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ends the thread with the block."""
        try:
            yield
        finally:
            await asyncio.to_thread(self._processor.shutdown)

    def _readable(self, context: TraceContext, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            _place(context, span.span_id, remote=False),
            _place(context, span.parent_id, remote=span.kind == "server"),
            self._resource,
            dict(span.attributes),
            kind=_KINDS[span.kind],
            status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR, span.error),
            start_time=span.start,
            end_time=span.end,
        )


def _sender(url: str) -> SpanExporter:
    return OTLPSpanExporter(url, timeout=TIMEOUT)


def _place(context: TraceContext, span_id: str | None, *, remote: bool) -> SpanContext | None:
    if span_id is None:
        return None
    state = TraceState.from_header([context.state]) if context.state else TraceState()
    return SpanContext(
        int(context.trace_id, 16), int(span_id, 16), remote, TraceFlags(TraceFlags.SAMPLED), state
    )  # fmt: skip

"""Traces: taken from callers, told to upstreams, and sent to a collector as OTLP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from apiql.demo.serving import serving
from apiql.events import CallMade
from apiql.opened import OpenEngine
from apiql.server.app import App, app_around, create_app
from apiql.server.current import Current, held_of
from apiql.server.otlp import Collector
from apiql.server.spans import Span, _task_of, spans_of
from apiql.server.tracing import Export, Tracing
from apiql.server.visit import Visit, Watchers
from apiql.server.worker import collecting
from apiql.settings import Settings
from apiql.trace_context import Attempt, Moments, Trace, TraceContext, parse_context
from tests.server import conftest
from tests.server.client import Site
from tests.server.upstream import Upstream, upstream

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"
TOLD = re.compile(rf"00-{TRACE}-([0-9a-f]{{16}})-0[01]")


def settings_for(up: Upstream, **more: str) -> Settings:
    """Those of a server whose upstream tells what it was sent."""
    return conftest.settings_for(up, UPSTREAMS__DEFAULT__HEADERS__X_PLANTED="none", **more)


def app_with(settings: Settings, export: Export | None) -> App:
    opened = OpenEngine.from_settings(settings)
    current = Current(held_of(opened))
    tracing = Tracing(lambda: current.held.settings.telemetry, export)
    return app_around(current, opened.stores, watchers=Watchers([tracing]))


class Kept:
    """An export that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[tuple[TraceContext, Span]] = []

    def __call__(self, context: TraceContext, spans: Iterable[Span]) -> None:
        self.spans += [(context, span) for span in spans]

    def named(self, name: str) -> list[Span]:
        return [span for _, span in self.spans if span.name == name]


@asynccontextmanager
async def traced(up: Upstream, **more: str) -> AsyncIterator[tuple[Site, Kept]]:
    kept = Kept()
    async with serving(app_with(settings_for(up, **more), kept)) as url:
        yield Site(url), kept


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (SAMPLED, True),
        (UNSAMPLED, True),
        (f"cc-{TRACE}-{PARENT}-01-what-comes-later", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{TRACE}-{PARENT}", False),
        (f"{SAMPLED}\n", False),
        ("", False),
    ],
)
async def test_what_is_a_trace(text: str, valid: bool) -> None:
    found = parse_context(text, "a=1")
    assert (found is not None) is valid
    if found is not None:
        assert (found.trace_id, found.span_id, found.state) == (TRACE, PARENT, "a=1")


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("fe", False)]
)
async def test_one_bit_says_that_a_trace_is_kept(flags: str, sampled: bool) -> None:
    found = parse_context(f"00-{TRACE}-{PARENT}-{flags}")
    assert found is not None
    assert found.sampled is sampled


@pytest.mark.parametrize(
    ("state", "passed"),
    [("a=1", True), ("~" * 512, True), ("a" * 513, False), ("a=1\r\nX: 1", False), ("\xe9", False)],
)
async def test_a_state_that_cannot_be_passed_on_is_left_out(state: str, passed: bool) -> None:
    found = parse_context(SAMPLED, state)
    assert found is not None
    assert found.state == (state if passed else "")


async def test_a_trace_is_told_to_upstreams(up: Upstream) -> None:
    async with serving(create_app(settings_for(up))) as url:
        site = Site(url)
        query = "select headers from /echo as a where n = 1; select headers from /echo as b"
        found = (await site.ask(query, traceparent=UNSAMPLED, tracestate="x=1,y=2")).json()
    told = [found["data"][name]["headers"] for name in "ab"]
    spans = [match[1] for each in told if (match := TOLD.fullmatch(each["traceparent"]))]
    assert len({*spans, PARENT}) == 3, "each call has an id of its own"
    assert all(each["traceparent"].endswith("-00") for each in told)
    assert {each["tracestate"] for each in told} == {"x=1,y=2"}


async def test_nothing_is_told_without_one(up: Upstream) -> None:
    async with serving(create_app(settings_for(up))) as url:
        for headers in ({}, {"traceparent": "00-0-0-00", "tracestate": "x=1"}):
            query = "select headers from /echo as a"
            found = (await Site(url).ask(query, None, None, **headers)).json()
            assert "traceparent" not in found["data"]["a"]["headers"]
            assert "tracestate" not in found["data"]["a"]["headers"]


async def test_nothing_is_told_where_that_is_set(up: Upstream) -> None:
    async with serving(create_app(settings_for(up, TELEMETRY__PROPAGATE="false"))) as url:
        query = "select headers from /echo as a"
        found = (await Site(url).ask(query, traceparent=SAMPLED)).json()
    assert "traceparent" not in found["data"]["a"]["headers"]


async def test_hosts_that_only_a_query_names_are_told_nothing(up: Upstream) -> None:
    async with upstream() as other:
        host = f"127.0.0.1:{other.port}"
        open_to = {"SECURITY__ALLOW_HOSTS": host, "SECURITY__ALLOW_PRIVATE_NETWORKS": "true"}
        async with traced(up, **open_to) as (site, kept):
            query = f"select headers from http://{host}/echo as a"
            found = (await site.ask(query, traceparent=SAMPLED)).json()
    assert "traceparent" not in found["data"]["a"]["headers"]
    assert [span.attributes["server.port"] for span in kept.named("GET 127.0.0.1")] == [other.port]


async def test_the_spans_of_a_request(up: Upstream) -> None:
    async with traced(up) as (site, kept):
        query = "select query from /echo as a where n = 1; select why from /status/503 as b"
        response = await site.ask(query, traceparent=SAMPLED)
    server = kept.named("POST /apiql")[0]
    assert server.parent_id == PARENT
    assert server.attributes["http.response.status_code"] == 200
    assert server.attributes["apiql.request_id"] == response.headers["x-request-id"]
    tasks = {span.attributes["apiql.task"]: span for span in kept.named("task a")}
    tasks |= {span.attributes["apiql.task"]: span for span in kept.named("task b")}
    assert {span.parent_id for span in tasks.values()} == {server.span_id}
    assert tasks["b"].error == "UPSTREAM_STATUS"
    tries = kept.named("GET default")
    assert sorted(str(t.attributes["http.response.status_code"]) for t in tries) == ["200", "503"]
    by_id = {span.span_id: name for name, span in tasks.items()}
    found = {by_id[str(t.parent_id)]: t.attributes["http.response.status_code"] for t in tries}
    assert found == {"a": 200, "b": 503}
    for _, span in kept.spans:
        assert server.start <= span.end + 50_000_000
        assert span.start <= span.end


async def test_each_try_is_a_span(up: Upstream) -> None:
    again = '{ times = 2, on = ["5xx"], backoff = "1ms" }'
    async with traced(up, UPSTREAMS__DEFAULT__RETRY=again) as (site, kept):
        await site.ask("select * from /status/503 as a", traceparent=SAMPLED)
    tries = kept.named("GET default")
    assert [t.attributes.get("http.request.resend_count", 0) for t in tries] == [0, 1, 2]


async def test_no_value_and_no_path_of_a_call_is_in_them(up: Upstream) -> None:
    async with traced(up) as (site, kept):
        query = "select * from /echo as a where token = 's3cret-value'"
        await site.ask(query, traceparent=SAMPLED)
    assert kept.spans
    assert "s3cret" not in repr(kept.spans)
    assert "/echo" not in repr(kept.spans)


@pytest.mark.parametrize(("status", "error"), [(200, None), (404, "404"), (503, "503")])
async def test_a_try_that_was_answered_with_an_error_is_one(
    up: Upstream, status: int, error: str | None
) -> None:
    async with traced(up) as (site, kept):
        await site.ask(f"select * from /status/{status} as a retry 0", traceparent=SAMPLED)
    (one,) = kept.named("GET default")
    assert one.attributes["http.response.status_code"] == status
    assert one.error == error


async def test_of_equal_calls_a_try_belongs_to_the_one_that_was_under_way() -> None:
    began = Moments(10**18, 100.0)
    calls = [
        CallMade(task, "a", "GET", "/x", 100.0 + begun, 100.5 + begun, 200, 1, None)
        for task, begun in (("first", 0.0), ("second", 2.0))
    ]
    for seconds, task in ((0.1, "first"), (2.4, "second"), (1.2, ""), (-1.0, "")):
        at = began.at(100.0 + seconds)
        tried = Attempt("1" * 16, "a", "h:1", "GET", "/x", at, at, 200, None, 0)
        assert _task_of(tried, calls, began) == task


async def test_a_value_that_a_path_gives_a_task_as_its_name_is_not_in_them(up: Upstream) -> None:
    async with traced(up) as (site, kept):
        query = "select * from /users/s3cret-value; select * from /users/1"
        await site.ask(query, traceparent=SAMPLED)
    assert "s3cret" not in repr(kept.spans)
    (task,) = kept.named("task *1")
    assert task.attributes["apiql.task"] == "*1"


@pytest.mark.parametrize(("sample", "expected"), [("0", 0), ("1", 1)])
async def test_the_share_of_requests_that_begin_a_trace(
    up: Upstream, sample: str, expected: int
) -> None:
    async with traced(up, TELEMETRY__SAMPLE=sample) as (site, kept):
        await site.ask("select headers from /echo as a")
        await site.ask("select headers from /echo as a", traceparent=UNSAMPLED)
    assert len(kept.named("POST /apiql")) == expected, "who is in a trace does as it says"


@pytest.mark.parametrize(
    ("method", "route", "kind", "name", "told"),
    [
        ("GET", "/query/", "query", "shop/cart", "GET /query/{name}"),
        ("POST", "/flow/", "flow", "chain", "POST /flow/{name}"),
        ("DELETE", "/users/:id", "endpoint", "/users/:id", "DELETE /users/:id"),
        ("GET", "/", "endpoint", "", "GET /"),
        ("BREW", "/apiql", "text", "", "HTTP /apiql"),
    ],
)
async def test_a_request_is_called_by_its_route(
    method: str, route: str, kind: str, name: str, told: str
) -> None:
    scope = {"method": method, "scheme": "https"}
    visit = Visit(scope, None, {}, b"id", route, kind)  # type: ignore[arg-type]
    visit.name, visit.status = name, 200
    context = TraceContext(TRACE, PARENT, True)
    (span,) = spans_of(visit, Trace(context, None, Moments(5, 1.0)), 7, lambda: "x")
    assert (span.name, span.attributes["http.route"]) == (told, told.partition(" ")[2])
    assert span.attributes["http.request.method"] == method.replace("BREW", "_OTHER")
    assert span.attributes.get(f"apiql.{kind}", "") == name


async def test_a_try_whose_target_holds_a_secret_belongs_to_its_task(up: Upstream) -> None:
    hidden = {"UPSTREAMS__DEFAULT__HEADERS__AUTHORIZATION": "Bearer s3cret-4711"}
    query = "select * from /ok as a; select * from /echo as b where n = 's3cret-4711'"
    async with traced(up, **hidden) as (site, kept):
        assert (await site.ask(query, traceparent=SAMPLED)).status == 200
    tasks = {span.span_id: span.name for _, span in kept.spans if span.kind == "internal"}
    tries = [span for _, span in kept.spans if span.kind == "client"]
    assert sorted(tasks.get(span.parent_id or "", "none") for span in tries) == ["task a", "task b"]


async def test_two_parents_are_none(up: Upstream) -> None:
    async with traced(up, TELEMETRY__SAMPLE="0") as (site, kept):
        body = b"select headers from /echo as a"
        head = (
            "POST /apiql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n"
        )
        twice = f"traceparent: {SAMPLED}\r\n" * 2
        raw = f"{head}{twice}Content-Length: {len(body)}\r\n\r\n".encode() + body
        assert (await site.raw(raw)).status == 200
    assert not kept.spans


async def test_one_that_leaves_is_told_too(up: Upstream) -> None:
    async with traced(up, LIMITS__CALL_TIMEOUT="3s") as (site, kept):
        asking = asyncio.create_task(site.ask("select * from /hang as a", traceparent=SAMPLED))
        async with asyncio.timeout(5):
            while not up.waiting:  # noqa: ASYNC110 - it is the upstream that is looked at
                await asyncio.sleep(0.01)
        asking.cancel()
        async with asyncio.timeout(5):
            while not kept.spans:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert kept.named("POST /apiql")[0].error == "CANCELLED"
    assert kept.named("GET default")[0].error == "CANCELLED"


class Memory(SpanExporter):
    """An exporter of OpenTelemetry that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


async def test_what_opentelemetry_is_given(up: Upstream) -> None:
    memory = Memory()
    collector = Collector("http://127.0.0.1:1/v1/traces", "shop-bff", lambda _: memory)
    async with collector.running(), serving(app_with(settings_for(up), collector.export)) as url:
        await Site(url).ask("select headers from /echo as a", traceparent=SAMPLED, tracestate="x=1")
    spans = {span.name: span for span in memory.spans}
    assert set(spans) == {"POST /apiql", "task a", "GET default"}
    server = spans["POST /apiql"]
    assert server.context is not None
    assert server.parent is not None
    assert f"{server.context.trace_id:032x}" == TRACE
    assert f"{server.parent.span_id:016x}" == PARENT
    assert server.parent.is_remote
    assert server.context.trace_state.get("x") == "1"
    assert server.resource.attributes["service.name"] == "shop-bff"


async def test_a_collector_gets_them_as_otlp(up: Upstream) -> None:
    async with upstream({}) as collector:
        told = f"http://127.0.0.1:{collector.port}/v1/traces"
        settings = settings_for(up, TELEMETRY__TRACES=told, TELEMETRY__SERVICE="shop-bff")
        beside: list[object] = []
        export = collecting(settings.telemetry, beside)  # type: ignore[arg-type]
        running = beside[0]
        assert callable(running)
        async with running(), serving(app_with(settings, export)) as url:
            await Site(url).ask("select headers from /echo as a", traceparent=SAMPLED)
    bodies = [exchange.body for exchange in collector.seen]
    found = ExportTraceServiceRequest.FromString(bodies[0])
    spans = [s for r in found.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert {span.name for span in spans} == {"POST /apiql", "task a", "GET default"}
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    kinds = {span.name: span.kind for span in spans}
    assert kinds["GET default"] == Sent.SPAN_KIND_CLIENT
    assert kinds["POST /apiql"] == Sent.SPAN_KIND_SERVER


async def test_a_collector_that_is_away_delays_nobody(up: Upstream) -> None:
    settings = settings_for(up, TELEMETRY__TRACES="http://127.0.0.1:1/v1/traces")
    collector = Collector(str(settings.telemetry.traces), "apiql")
    async with serving(app_with(settings, collector.export)) as url:
        async with asyncio.timeout(5):
            response = await Site(url).ask("select query from /echo as a", traceparent=SAMPLED)
    assert response.status == 200
    await asyncio.to_thread(collector.abandon)

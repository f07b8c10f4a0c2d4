"""A request that is over -> the spans of its trace: the request, its tasks, the tries of its calls.

Names and attributes follow OpenTelemetry's conventions for HTTP. No query, no value and no URL of
a call is in them: paths and parameters hold what is nobody else's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from apiql.events import CallMade, TaskEnded
from apiql.ir.redaction import HIDDEN
from apiql.server.measured import METHODS
from apiql.server.task_names import hidden_names
from apiql.server.visit import Visit
from apiql.trace_context import Attempt, Moments, Trace

Attribute = str | int | bool
TOLERANCE = 50_000_000
"""Nanoseconds by which the clocks of events and of tries may differ: a loop's clock stands still
within a turn of it."""


class Span(Struct, frozen=True):
    """One step, ended. Times are nanoseconds since 1970; `error` says why it failed."""

    name: str
    kind: str
    span_id: str
    parent_id: str | None
    start: int
    end: int
    attributes: Mapping[str, Attribute]
    error: str | None = None


def spans_of(visit: Visit, trace: Trace, ended: int, new_id: Callable[[], str]) -> Iterator[Span]:
    """The span of a request, and of each task and try within it."""
    own, began = trace.context.span_id, trace.began
    yield _of_request(visit, trace, began.wall, ended)
    events = [*(visit.events or ())]
    calls = [event for event in events if isinstance(event, CallMade)]
    ids: dict[str, str] = {}
    hidden = hidden_names(visit)
    for event in events:
        if isinstance(event, TaskEnded):
            ids[event.task] = new_id()
            name = hidden.get(event.task, event.task)
            yield _of_task(event, name, ids[event.task], own, began, calls)
    for attempt in trace.attempts or ():
        yield _of_attempt(attempt, ids.get(_task_of(attempt, calls, began), own))


def _of_request(visit: Visit, trace: Trace, start: int, end: int) -> Span:
    method, known = visit.scope["method"], visit.scope["method"] in METHODS
    route = f"{visit.route}{{name}}" if visit.name and visit.route.endswith("/") else visit.route
    attributes: dict[str, Attribute] = {
        "http.request.method": method if known else "_OTHER",
        "http.route": route,
        "url.scheme": visit.scope.get("scheme", "http"),
        "apiql.request_id": visit.request_id.decode("latin-1"),
    }
    if visit.name:
        attributes[f"apiql.{visit.kind}"] = visit.name
    if visit.status:
        attributes["http.response.status_code"] = visit.status
    failed = "CANCELLED" if not visit.status else str(visit.status)
    parent = trace.parent.span_id if trace.parent is not None else None
    return Span(
        f"{method if known else 'HTTP'} {route}", "server", trace.context.span_id, parent, start,
        end, attributes, failed if visit.status == 0 or visit.status >= 500 else None,
    )  # fmt: skip


def _of_task(
    event: TaskEnded, task: str, span_id: str, parent_id: str, began: Moments,
    calls: list[CallMade],
) -> Span:  # fmt: skip
    attributes: dict[str, Attribute] = {"apiql.task": task, "apiql.ending": event.ending}
    own = [call for call in calls if call.task == event.task]
    attributes["apiql.calls"] = len(own)
    if own:
        attributes["apiql.service"] = own[0].service
    if any(call.age is not None for call in own):
        attributes["apiql.from_cache"] = True
    start, end = began.at(event.started), began.at(event.ended)
    name = f"task {task}"
    return Span(name, "internal", span_id, parent_id, start, end, attributes, event.code)


def _of_attempt(attempt: Attempt, parent_id: str) -> Span:
    host, _, port = attempt.address.rpartition(":")
    attributes: dict[str, Attribute] = {
        "http.request.method": attempt.method,
        "server.address": host or attempt.address,
        "apiql.service": attempt.service,
    }
    if host and port.isdigit():
        attributes["server.port"] = int(port)
    if attempt.status is not None:
        attributes["http.response.status_code"] = attempt.status
    if attempt.attempt:
        attributes["http.request.resend_count"] = attempt.attempt
    error = attempt.code
    if error is None and attempt.status is not None and attempt.status >= 400:
        error = str(attempt.status)
    return Span(
        f"{attempt.method} {attempt.service}", "client", attempt.span_id, parent_id,
        attempt.started, attempt.ended, attributes, error,
    )  # fmt: skip


def _task_of(attempt: Attempt, calls: list[CallMade], began: Moments) -> str:
    """The task that a try was made for: that of the call which it lies within. Targets of calls are
    told without secrets, those of tries as they were.
    """
    for call in calls:
        same = call.method == attempt.method and (
            call.target == attempt.target or HIDDEN in call.target
        )
        first, last = began.at(call.started) - TOLERANCE, began.at(call.ended) + TOLERANCE
        if same and first <= attempt.started <= last:
            return call.task
    return ""

"""Answers, refusals and problems -> status, headers and bytes. Data is never decoded here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from apiql.errors import Code, QueryRefused, RequestRefused
from apiql.events import CallMade, Event
from apiql.ir import explain
from apiql.ir.plan import Plan
from apiql.ir.redaction import Redaction
from apiql.runtime.assemble import PARTIAL, Answer
from apiql.runtime.decode import to_json
from apiql.server.media import Wanted
from apiql.server.validators import CacheUse, etag_of, not_modified, vary_of

Pairs = list[tuple[bytes, bytes]]
PROBLEM = b"application/problem+json"
TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Content",
    431: "Request Header Fields Too Large", 429: "Too Many Requests",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class Rendered(Struct):
    """A response, complete."""

    status: int
    body: bytes
    headers: Pairs = []


JSON_HEADER = (b"content-type", b"application/json")
VARY = (b"vary", b"Accept")
NO_HEADERS: frozenset[str] = frozenset()
COMPLETED = (b"x-apiql-completed", b"false")
PRIVATE = (b"cache-control", b"private")
ANSWER_HEADER = (b"content-type", b"application/apiql-response+json")


def render_answer(
    answer: Answer, form: Wanted, extensions: Mapping[str, Any], varies: frozenset[str] = NO_HEADERS
) -> Rendered:
    """The answer to a query that ran; `varies` are the headers that it depends on."""
    if answer.data is None:
        return Rendered(204, b"")
    pieces = [b'{"data":', answer.data]
    if answer.errors:
        pieces += [b',"errors":', to_json(answer.errors)]
    if extensions:
        pieces += [b',"extensions":', to_json(extensions)]
    pieces.append(b"}")
    status = answer.status
    vary = (b"vary", vary_of(varies)) if varies else VARY
    headers = [ANSWER_HEADER if form is Wanted.ANSWER else JSON_HEADER, vary]
    if status == PARTIAL and form is not Wanted.ANSWER:
        status = 200
        headers.append(COMPLETED)
    if answer.retry_after is not None:
        headers.append((b"retry-after", b"%d" % answer.retry_after))
    if answer.cache_control is not None:
        headers.append((b"cache-control", answer.cache_control.encode()))
    return Rendered(status, b"".join(pieces), headers)


def validated(rendered: Rendered, if_none_match: str | None) -> Rendered:
    """A complete answer to GET with its ETag; 304 where the client has it already."""
    if rendered.status != 200 or COMPLETED in rendered.headers:
        return rendered
    fields = dict(rendered.headers)
    tag = etag_of(rendered.body, fields[b"content-type"])
    if if_none_match is not None and not_modified(if_none_match.encode("latin-1"), tag):
        kept = [pair for pair in rendered.headers if pair[0] in (b"vary", b"cache-control")]
        return Rendered(304, b"", [*kept, (b"etag", tag)])
    rendered.headers.append((b"etag", tag))
    return rendered


def keep_private(headers: Pairs) -> None:
    """Lets only the client itself keep an answer, whatever upstreams say of theirs."""
    for at, (name, said) in enumerate(headers):
        if name == b"cache-control":
            headers[at] = (name, _private(said))
            return
    headers.append(PRIVATE)


def _private(said: bytes) -> bytes:
    words = [word.strip() for word in said.split(b",") if word.strip()]
    if b"no-store" in words or b"private" in words:
        return said
    kept = [word for word in words if word != b"public" and not word.startswith(b"s-maxage")]
    return b", ".join([b"private", *kept])


def render_bare(
    answer: Answer, form: Wanted, extensions: Mapping[str, Any], varies: frozenset[str] = NO_HEADERS
) -> Rendered:
    """The data alone (`use envelope none`); where nothing could be had, the usual answer."""
    rendered = render_answer(answer, form, extensions, varies)
    if answer.data is None or answer.status >= 400:
        return rendered
    kept = [pair for pair in rendered.headers[1:] if pair != COMPLETED]
    told = [] if answer.complete else [COMPLETED]
    return Rendered(rendered.status, answer.data, [JSON_HEADER, *kept, *told])


def render_plan(plan: Plan, form: Wanted, hide: Redaction) -> Rendered:
    """The answer to `explain`: the plan as JSON, text or Mermaid, without what is secret."""
    if form is Wanted.TEXT:
        return Rendered(
            200, hide(explain.as_text(plan)).encode(), [(b"content-type", form.value), VARY]
        )
    if form is Wanted.MERMAID:
        body = hide(explain.as_mermaid(plan)).encode()
        return Rendered(200, body, [(b"content-type", form.value), VARY])
    found = hide.data(explain.as_json(plan) | {"text": explain.as_text(plan)})
    body = to_json({"extensions": {"plan": found}})
    return Rendered(200, body, [(b"content-type", _json_type(form)), VARY])


def render_refusal(refused: QueryRefused, form: Wanted) -> Rendered:
    """A query that cannot be run."""
    body = to_json({"errors": [problem.entry() for problem in refused.problems]})
    headers = [(b"content-type", _json_type(form)), (b"cache-control", b"no-store")]
    return Rendered(refused.status, body, headers)


def render_problem(refused: RequestRefused, instance: str) -> Rendered:
    """A request that cannot be read as a query: an RFC 9457 problem."""
    return problem(refused.code, refused.status, refused.detail, instance, refused.headers)


def problem(
    code: Code, status: int, detail: str, instance: str, headers: Mapping[str, str] | None = None
) -> Rendered:
    """type, title, status, detail, instance, code and errors as problem+json."""
    body = problem_body(code, status, detail, instance)
    pairs: Pairs = [(b"content-type", PROBLEM), (b"cache-control", b"no-store")]
    pairs += [(k.lower().encode(), v.encode("latin-1")) for k, v in (headers or {}).items()]
    return Rendered(status, body, pairs)


def problem_body(code: Code, status: int, detail: str, instance: str | None = None) -> bytes:
    """The members of an RFC 9457 problem as JSON."""
    where = {} if instance is None else {"instance": instance}
    return to_json({
        "type": "about:blank", "title": TITLES.get(status, code.value), "status": status,
        "detail": detail, **where, "code": code.value,
        "errors": [{"code": code.value, "message": detail}],
    })  # fmt: skip


def trace_of(events: Sequence[Event], start: float) -> list[dict[str, Any]]:
    """The calls of a run for a waterfall: milliseconds from the start of the query."""
    return [
        {
            "task": event.task, "service": event.service, "method": event.method,
            "start": _ms(event.started - start), "duration": _ms(event.ended - event.started),
            "status": event.status, "bytes": event.size, "code": event.code,
        }
        for event in events
        if isinstance(event, CallMade)
    ]  # fmt: skip


def uses_of(events: Sequence[Event]) -> list[CacheUse]:
    """What our cache had to do with each call."""
    return [
        CacheUse(event.task, event.use, event.status, event.ttl)
        for event in events
        if isinstance(event, CallMade)
    ]


def server_timing(events: Sequence[Event], begun: float, planned: float, ended: float) -> bytes:
    """The Server-Timing header, in milliseconds: `plan` (reading the text; nothing for one that is
    kept), each call by its task, `shape` (from the last call's end), and the total.
    """
    calls = [event for event in events if isinstance(event, CallMade)]
    last = max((call.ended for call in calls), default=planned)
    parts = [
        f"plan;dur={_ms(planned - begun)}",
        *(f'task;desc="{_told(call)}";dur={_ms(call.ended - call.started)}' for call in calls),
        f"shape;dur={_ms(ended - last)}",
        f"total;dur={_ms(ended - begun)}",
    ]
    return ", ".join(parts).encode("ascii", "replace")


def _told(call: CallMade) -> str:
    found = f"{_in_quotes(call.task)} {call.status or call.code}"
    return found if call.age is None else f"{found} hit"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _in_quotes(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in '"\\')


def _json_type(form: Wanted) -> bytes:
    return b"application/apiql-response+json" if form is Wanted.ANSWER else b"application/json"

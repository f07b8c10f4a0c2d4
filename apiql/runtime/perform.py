"""One task of a run: make its call, wait for the answer, decode what somebody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.events import CallMade, Observer, TaskSkipped
from apiql.runtime.compile import Step
from apiql.runtime.decode import Undecodable, as_raw, checked, to_json
from apiql.runtime.evaluate import Scope
from apiql.runtime.outcome import Done, Failed, Outcome, Skipped, Unmet, unmet
from apiql.runtime.shape import Shape
from apiql.sources.call import Call, Layer, Reply

MOST_OF_AN_ERROR = 4096
BOM = b"\xef\xbb\xbf"
PLAIN = (b"{", b"[")
Memo = dict[tuple[Any, ...], "asyncio.Future[Reply | CallFailed]"]


@dataclass(slots=True)
class Run:
    """One run of a plan: its scope, its end on the loop's clock, calls made ahead of time."""

    scope: Scope
    layer: Layer
    deadline: float
    clock: Callable[[], float]
    observe: Observer | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    timeouts: dict[str, float] = field(default_factory=dict)
    slots: asyncio.Semaphore | None = None
    memo: Memo | None = None


async def perform(step: Step, run: Run) -> Outcome:
    """How the task ends. Never raises but for cancellation (and bugs)."""
    try:
        if step.after:
            _mind_order(step, run.scope)
        call = run.calls.get(step.name) or step.build(run.scope, deadline_of(step, run))
    except Unmet as error:
        if run.observe:
            run.observe(TaskSkipped(step.name, error.failure.code, run.clock()))
        return Skipped(error.failure)
    except ValueRefused as refused:
        return Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))
    if run.slots is not None:
        async with run.slots:
            call = replace(call, deadline=deadline_of(step, run))
            return await _observed(step, call, run)
    if run.observe is not None:
        return await _observed(step, call, run)
    try:
        reply = await (run.layer(call) if run.memo is None else _once(step, call, run, run.memo))
    except CallFailed as failed:
        return Failed(_call_failure(step, call, failed, run))
    return _read(step, call, reply, run.scope)


def _mind_order(step: Step, scope: Scope) -> None:
    """`after` orders what is done, so it wants it done."""
    for name in step.after:
        outcome = scope.outcomes[name]
        if not isinstance(outcome, Done):
            cause = outcome.failure
            root = cause.cause or name
            message = f"not called: it comes after {name}, and {root} failed"
            message += f" ({cause.root or cause.code})"
            raise unmet(Code.DEPENDENCY_FAILED, message, cause, name)


def deadline_of(step: Step, run: Run) -> float:
    """When a call that starts now must have ended."""
    until = run.clock() + (run.timeouts.get(step.name) or step.timeout)
    return until if until < run.deadline else run.deadline


async def _observed(step: Step, call: Call, run: Run) -> Outcome:
    """The same for those who listen."""
    started, reply = run.clock(), None
    try:
        reply = await (run.layer(call) if run.memo is None else _once(step, call, run, run.memo))
        outcome = _read(step, call, reply, run.scope)
    except CallFailed as failed:
        outcome = Failed(_call_failure(step, call, failed, run))
    if run.observe is not None:
        code = outcome.failure.code if isinstance(outcome, Failed) else None
        status, size = (None, 0) if reply is None else (reply.status, len(reply.body))
        run.observe(
            CallMade(step.name, step.service, call.method, call.target, started, run.clock(),
                     status, size, code)
        )  # fmt: skip
    return outcome


async def _once(step: Step, call: Call, run: Run, memo: Memo) -> Reply:
    """The call, or the answer to an equal one of this run."""
    if step.twin is None:
        return await run.layer(call)
    key = (step.twin, call.target, call.headers)
    known = memo.get(key)
    if known is None:
        return await _first(key, call, run, memo)
    found = await asyncio.shield(known)
    if isinstance(found, CallFailed):
        raise found
    return found


async def _first(key: tuple[Any, ...], call: Call, run: Run, memo: Memo) -> Reply:
    memo[key] = future = asyncio.get_running_loop().create_future()
    found: Reply | CallFailed | None = None
    try:
        found = await run.layer(call)
        return found
    except CallFailed as failed:
        found = failed
        raise
    finally:
        if found is None:
            future.cancel()
        else:
            future.set_result(found)


def _call_failure(step: Step, call: Call, failed: CallFailed, run: Run) -> Failure:
    code, message = failed.code, f"failed: {failed.message}"
    if code is Code.UPSTREAM_TIMEOUT:
        if run.clock() >= run.deadline - 0.001:
            code, message = Code.QUERY_TIMEOUT, "had not answered when the query's time was over"
        else:
            allowed = _time(run.timeouts.get(step.name) or step.timeout)
            message = f"did not answer in {allowed} ({failed.message})"
    timed_out = code in (Code.UPSTREAM_TIMEOUT, Code.QUERY_TIMEOUT) and step.is_read
    return Failure(
        code, message, hint=failed.hint, retryable=failed.retryable or timed_out,
        upstream={"service": step.service}, request=_request(call),
    )  # fmt: skip


def _time(seconds: float) -> str:
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def _request(call: Call) -> str:
    return f"{call.method} {call.target}"


# -- reading the answer -------------------------------------------------------------------------


def _read(step: Step, call: Call, reply: Reply, scope: Scope) -> Outcome:
    if not 200 <= reply.status < 300:
        return Failed(_status_failure(step, call, reply), reply.status, reply.headers)
    try:
        body = _json_of(call.method, reply)
        shaped = _shaped(step, body, scope)
        if not shaped:
            checked(bytes(as_raw(body)))
        return Done(reply.status, reply.headers, step.read(body), shaped)
    except Undecodable as error:
        found = {"service": step.service, "status": reply.status, "body": _excerpt(reply)}
        failure = Failure(
            Code.BAD_PAYLOAD, f"answered {reply.status} with no usable body: {error}",
            status=reply.status, upstream=found, request=_request(call),
        )  # fmt: skip
        return Failed(failure, reply.status, reply.headers)


def _shaped(step: Step, body: bytes, scope: Scope) -> tuple[bytes | Failure, ...]:
    try:
        return tuple([shape(body, scope) for shape in step.shapes])
    except ValueRefused:
        return tuple([_shaped_or_why_not(shape, body, scope) for shape in step.shapes])


def _shaped_or_why_not(shape: Shape, body: bytes, scope: Scope) -> bytes | Failure:
    try:
        return shape(body, scope)
    except ValueRefused as refused:
        message = f"could not be shaped: {refused.message}"
        return Failure(Code.BAD_VALUE, message, hint=refused.hint)


def _json_of(method: str, reply: Reply) -> bytes:
    """The result of an answer as JSON: null for nothing, a text for text/plain, else the body."""
    body = reply.body
    media = reply.header("content-type") or ""
    if media == "application/json" and body[:1] in PLAIN and method != "HEAD":
        return body
    media = media.lower()
    if method == "HEAD" or reply.status in (204, 205):
        return b"null"
    if not body and "json" not in media:
        return b"null"
    if media.startswith("text/plain"):
        return to_json(_text(body, media))
    if media.startswith(("text/html", "application/xhtml")):
        raise Undecodable(f"it is {media.partition(';')[0]}, not JSON")
    return body.removeprefix(BOM)


def _text(body: bytes, media: str) -> str:
    charset = media.partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
    names = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "ascii", "ascii": "ascii",
             "iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252",
             "utf-16": "utf-16", "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030",
             "big5": "big5", "shift_jis": "shift_jis", "euc-kr": "euc_kr"}  # fmt: skip
    if charset not in names:
        raise Undecodable("its charset is not known")
    try:
        return body.decode(names[charset])
    except UnicodeDecodeError:
        raise Undecodable(f"it is not {charset}") from None


def _status_failure(step: Step, call: Call, reply: Reply) -> Failure:
    found = {"service": step.service, "status": reply.status, "body": _excerpt(reply)}
    retryable = reply.status in (408, 425, 429, 500, 502, 503, 504)
    hint = "redirects are not followed" if 300 <= reply.status < 400 else None
    return Failure(
        Code.UPSTREAM_STATUS, f"answered {reply.status}", status=reply.status, hint=hint,
        retryable=retryable, upstream=found, request=_request(call),
    )  # fmt: skip


def _excerpt(reply: Reply) -> Any:
    """The upstream's own error body: JSON as JSON, else text, up to 4 KiB."""
    if not reply.body:
        return None
    if len(reply.body) <= MOST_OF_AN_ERROR:
        try:
            return Raw(checked(bytes(as_raw(reply.body))))
        except Undecodable:
            pass
    return reply.body[:MOST_OF_AN_ERROR].decode("utf-8", "replace")

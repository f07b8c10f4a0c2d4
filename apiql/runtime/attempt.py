"""One call of a task, as section 8 of the language wants it made: tries, times, substitutes.

build -> [cache, stale] -> try (a slot, the memo, the layer) -> again? -> reply | failure
"""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.events import CallMade, Queued, Retried, TaskSkipped
from apiql.ir.policy import Duration, Within, time_text
from apiql.runtime.inputs import duration_of
from apiql.runtime.outcome import TOO_DEEP, Failed, Skipped, Unmet
from apiql.runtime.reading import request_text, status_failure
from apiql.runtime.run import Memo, Run
from apiql.runtime.step import Step
from apiql.sources.call import Caching, Call, Reply
from apiql.sources.judgement import forwarded

AGAIN = frozenset({Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD})
"""Failures after which a call that may be made twice is tried again."""
NO_REPLY = Reply(0, (), b"")


def built(step: Step, run: Run, elements: tuple[Any, ...] = ()) -> Call | Failed | Skipped:
    """The call for some elements, or why there is none.

    Raises:
        NotAsked: it reads what was left out.
    """
    assert step.build is not None
    run.scope.elements = elements
    try:
        return step.build(run.scope, run.deadline_of(step))
    except Unmet as error:
        skipped(step, error.failure.code, run)
        return Skipped(error.failure)
    except ValueRefused as refused:
        return Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))
    except RecursionError:
        return Failed(TOO_DEEP)


def skipped(step: Step, code: Code, run: Run) -> None:
    """Tells those who listen that a task was not carried out."""
    if run.observe is not None:
        run.observe(TaskSkipped(step.name, code, run.clock()))


def queued(step: Step, since: float, run: Run) -> None:
    """Tells those who listen that a call has its place, if it had to wait for one."""
    if run.observe is not None and run.clock() > since:
        run.observe(Queued(step.name, since, run.clock()))


# -- tries --------------------------------------------------------------------------------------


async def exchanged(step: Step, call: Call, run: Run) -> Reply | Failed:
    """The first 2xx reply of as many tries as there may be, else how the last one failed."""
    retry = step.policy.retry
    left, pause = (retry.times, retry.backoff) if retry else (0, 0.0)
    call = _as_asked(step, call, run)
    end: float | None = None
    while True:
        found, end = await _try(step, call, left, run, end)
        if isinstance(found, Reply) or not left or not _may_help(step, found.failure):
            return found
        wait = pause * run.scope.moment.random_bits(16) / 65535
        if run.clock() + wait >= end:
            return found
        await asyncio.sleep(wait)
        if run.observe is not None:
            run.observe(Retried(step.name, run.clock()))
        left, pause = left - 1, pause * 2


def _as_asked(step: Step, call: Call, run: Run) -> Call:
    """The call with what the query says about caching."""
    caching, within = step.policy.caching, step.policy.within
    stale = within is not None and within.substitute is None
    if caching.keep is None and not caching.off and not stale:
        return call
    keep = None if caching.keep is None else _seconds(caching.keep, run)
    rule = None if call.caching is None else call.caching.rule
    return replace(call, caching=Caching(keep, caching.off, stale, rule))


def _seconds(duration: Duration, run: Run) -> float:
    return duration_of(duration, run.scope.params)


def _may_help(step: Step, failure: Failure) -> bool:
    return failure.retryable or failure.code in AGAIN


async def _try(
    step: Step, call: Call, left: int, run: Run, end: float | None
) -> tuple[Reply | Failed, float]:
    """One try; the first one sets the time at which all tries end."""
    if run.slots is None:
        return await _timed(step, call, left, run, end)
    within, since = step.policy.within, run.clock()
    if within is None:
        async with run.slots:
            queued(step, since, run)
            return await _timed(step, call, left, run, end)
    until = since + _seconds(within.time, run)
    try:
        async with asyncio.timeout_at(until):
            await run.slots.acquire()
    except TimeoutError:
        return Failed(_kept_waiting(step, within, run)), until
    queued(step, since, run)
    try:
        return await _timed(step, call, left, run, end, until)
    finally:
        run.slots.release()


async def _timed(
    step: Step, call: Call, left: int, run: Run, end: float | None, until: float | None = None
) -> tuple[Reply | Failed, float]:
    within = step.policy.within
    if end is None:
        end = run.deadline_of(step)
        if within is not None:
            until = until or run.clock() + _seconds(within.time, run)
            end = min(end, until)
    return await _called(step, replace(call, deadline=end), left, run), end


async def _called(step: Step, call: Call, left: int, run: Run) -> Reply | Failed:
    """One exchange, told to those who listen."""
    started, reply = run.clock(), None
    failed: Failed | None = None
    try:
        if step.twin is None:
            run.budget.spend()
            reply = await run.layer(call)
        else:
            reply = await once(step, call, run, left)
        run.replies.append((step, reply, run.scope.params))
        if not 200 <= reply.status < 300:
            failed = Failed(status_failure(step, call, reply), reply.status, reply.headers)
    except CallFailed as error:
        failed = Failed(call_failure(step, call, error, run))
    if run.observe is not None:
        tell(step, call, run, started, reply, failed)
    return failed or reply  # type: ignore[return-value]  # one of them is there


def tell(
    step: Step, call: Call, run: Run, started: float, reply: Reply | None,
    outcome: object,
) -> None:  # fmt: skip
    """Reports a call that has ended."""
    assert run.observe is not None
    code = outcome.failure.code if isinstance(outcome, Failed) else None
    told, ended, size = reply or NO_REPLY, run.clock(), len(reply.body) if reply else 0
    status = None if reply is None else reply.status
    run.observe(
        CallMade(step.name, step.service, call.method, call.target, started, ended, status, size,
                 code, told.age, told.stale, told.use or forwarded(call), told.ttl)
    )  # fmt: skip


# -- equal calls of one run ---------------------------------------------------------------------


async def once(step: Step, call: Call, run: Run, left: int = 0) -> Reply:
    """The call, or the answer to an equal one of this run; `left` tries are left to both."""
    key, memo = (step.twin, call.target, call.headers, left), run.memo
    assert memo is not None
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
        run.budget.spend()
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


# -- failures -----------------------------------------------------------------------------------


def call_failure(step: Step, call: Call, failed: CallFailed, run: Run) -> Failure:
    """The failure of a call that yielded no answer."""
    code, message = failed.code, f"failed: {failed.message}"
    if code is Code.BUDGET_EXCEEDED:
        return Failure(code, f"not called: {failed.message}", hint=failed.hint)
    if code is Code.UPSTREAM_TIMEOUT:
        if run.clock() >= run.deadline - 0.001:
            code, message = Code.QUERY_TIMEOUT, "had not answered when the query's time was over"
        else:
            allowed = time_text(_allowed(step, run))
            message = f"did not answer in {allowed} ({failed.message})"
    timed_out = code in (Code.UPSTREAM_TIMEOUT, Code.QUERY_TIMEOUT) and step.is_read
    return Failure(
        code, message, hint=failed.hint, retryable=failed.retryable or timed_out,
        upstream={"service": step.service}, request=request_text(call),
    )  # fmt: skip


def _allowed(step: Step, run: Run) -> float:
    usual = run.time_of(step)
    within = step.policy.within
    return usual if within is None else min(usual, _seconds(within.time, run))


def is_late(failure: Failure) -> bool:
    """Whether a latency budget can be what ended the call."""
    return failure.code is Code.UPSTREAM_TIMEOUT


def _kept_waiting(step: Step, within: Within, run: Run) -> Failure:
    allowed = time_text(_seconds(within.time, run))
    message = f"was not called within {allowed}: the query's other calls took all that time"
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read)


def late(step: Step, within: Within, run: Run) -> Failure:
    """The warning that a substitute stands in."""
    allowed = time_text(_allowed(step, run))
    message = f"had not answered within {allowed}: the substitute stands in"
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read, warning=True,
                   upstream={"service": step.service})  # fmt: skip


def stale(step: Step, reply: Reply, run: Run) -> Failure:
    """The warning that an earlier answer stands in."""
    assert step.policy.within is not None
    allowed = time_text(_seconds(step.policy.within.time, run))
    message = (
        f"had not answered within {allowed}: its answer of {reply.age or 0:.0f}s ago stands in"
    )
    return Failure(Code.UPSTREAM_TIMEOUT, message, retryable=step.is_read, warning=True,
                   upstream={"service": step.service})  # fmt: skip

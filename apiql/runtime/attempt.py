"""One call of a task, as section 8 of the language wants it made: tries, times, substitutes.

build -> [cache, stale] -> try (a slot, the memo, the layer) -> again? -> reply | failure
"""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.events import Queued, Retried, TaskSkipped
from apiql.ir.policy import Duration
from apiql.runtime.again import may_help, pause
from apiql.runtime.call_failures import failed_call, kept_waiting
from apiql.runtime.inputs import duration_of
from apiql.runtime.outcome import TOO_DEEP, Failed, Skipped, Unmet
from apiql.runtime.reading import status_failure
from apiql.runtime.run import Memo, Run
from apiql.runtime.step import Step
from apiql.runtime.told import call_ended
from apiql.sources.call import Caching, Call, Reply
from apiql.sources.refusals import NotAgain


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


async def exchanged(
    step: Step, call: Call, run: Run, first: Failed | None = None
) -> Reply | Failed:
    """The first 2xx reply of as many tries as there may be, else how the last one failed; `first`
    is how the first one did, where it was made already.
    """
    retry = step.retry
    left = retry.times if retry else 0
    call = _as_asked(step, call, run)
    found, end = (first, call.deadline) if first else await _try(step, call, left, run, None)
    assert found is not None
    for number in range(1, left + 1):
        assert retry is not None
        if isinstance(found, Reply) or not may_help(retry, found) or _is_spent(step, run):
            return found
        wait = pause(retry, number, found, run.scope.moment.random_bits)
        if wait is None or run.clock() + wait >= end:
            return found
        await asyncio.sleep(wait)
        began = run.clock()
        more, end = await _try(step, replace(call, attempt=number), left - number, run, end)
        if more is None:
            return found
        found = more
        if run.observe is not None:
            run.observe(Retried(step.name, began))
    return found


async def tried(step: Step, call: Call, run: Run) -> Reply | Failed:
    """The same for a call that has its place, and about whose time and caching nothing is said: the
    first try is made of it as it is.
    """
    retry = step.retry
    found = await called(step, call, 0 if retry is None else retry.times, run)
    assert found is not None
    if retry is None or isinstance(found, Reply):
        return found
    return await exchanged(step, call, run, found)


def _is_spent(step: Step, run: Run) -> bool:
    """Whether tries that no query asked for would take calls that it may need."""
    return step.policy.retry is None and run.budget.left <= 0


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


async def _try(
    step: Step, call: Call, left: int, run: Run, end: float | None
) -> tuple[Reply | Failed | None, float]:
    """One try; the first one sets the time at which all tries end. None: it was not made, since
    there were too many.
    """
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
        return Failed(kept_waiting(step, within, run)), until
    queued(step, since, run)
    try:
        return await _timed(step, call, left, run, end, until)
    finally:
        run.slots.release()


async def _timed(
    step: Step, call: Call, left: int, run: Run, end: float | None, until: float | None = None
) -> tuple[Reply | Failed | None, float]:
    within = step.policy.within
    if end is None:
        end = run.deadline_of(step)
        if within is not None:
            until = until or run.clock() + _seconds(within.time, run)
            end = min(end, until)
    each = step.retry.each if step.retry is not None else None
    deadline = end if each is None else min(end, run.clock() + each)
    return await called(step, replace(call, deadline=deadline), left, run), end


async def called(step: Step, call: Call, left: int, run: Run) -> Reply | Failed | None:
    """One exchange without more tries, told to those who listen; None where a try is one too
    many.
    """
    started, reply = run.clock(), None
    failed: Failed | None = None
    try:
        if step.twin is not None and run.may_repeat(step):
            reply = await once(step, call, run, left)
        else:
            reply = await _made(call, run)
        run.replies.append((step, reply.headers, reply.age, run.scope.params))
        if run.sought is not None:
            run.sought.look(step, reply)
        if not step.accepts.takes(reply.status):
            failed = Failed(status_failure(step, call, reply), reply.status, reply.headers)
    except NotAgain:
        return None
    except CallFailed as error:
        failed = failed_call(step, call, error, run)
    if run.observe is not None:
        tell(step, call, run, started, reply, failed)
    return failed or reply


def tell(
    step: Step, call: Call, run: Run, started: float, reply: Reply | None,
    outcome: object,
) -> None:  # fmt: skip
    """Reports a call that has ended."""
    assert run.observe is not None
    code = outcome.failure.code if isinstance(outcome, Failed) else None
    run.observe(call_ended(step.name, step.service, call, started, run.clock(), reply, code))


async def _made(call: Call, run: Run) -> Reply:
    """The call itself, which counts unless it is a try too many."""
    run.budget.spend()
    try:
        return await run.layer(call)
    except NotAgain:
        run.budget.left += 1
        raise


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
        found = await _made(call, run)
        return found
    except CallFailed as failed:
        found = failed
        raise
    finally:
        if found is None:
            future.cancel()
        else:
            future.set_result(found)

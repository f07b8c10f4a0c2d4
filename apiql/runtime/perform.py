"""One task of a run, from its conditions to its outcome.

when? -> after? -> one call | a call for each element | a nested plan -> otherwise? -> fallback?
"""

from __future__ import annotations

from msgspec.structs import replace

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.runtime.attempt import exchanged, once, queued, skipped, tell
from apiql.runtime.call_failures import failed_call
from apiql.runtime.fanout import fan_out
from apiql.runtime.order import mind_order
from apiql.runtime.outcome import (
    TOO_DEEP,
    Done,
    Failed,
    LeftOut,
    NotAsked,
    Outcome,
    Skipped,
    Unmet,
)
from apiql.runtime.reading import read_reply
from apiql.runtime.run import Run
from apiql.runtime.single import fallen_back, is_wanted, needs_of_other, one
from apiql.runtime.stated import perform_stated
from apiql.runtime.step import Step
from apiql.sources.call import Call, Reply

UNMADE = (Unmet, NotAsked, ValueRefused, RecursionError)
"""Why something of a task cannot be made."""


async def perform(step: Step, run: Run) -> Outcome:
    """How the task ends. Never raises but for cancellation (and bugs)."""
    try:
        if not step.plain:
            return await (_carefully if step.stated is None else perform_stated)(step, run)
        if step.after:
            mind_order(step, run.scope)
        call = run.calls.get(step)
        if call is None:
            assert step.build is not None
            call = step.build(run.scope, run.deadline_of(step))
    except UNMADE as error:
        return _unmade(step, error, run)
    if run.slots is not None:
        return await _called_in_turn(step, call, run)
    outcome = await _called(step, call, run)
    if type(outcome) is Failed and step.retry is not None:
        return await _called_again(step, call, outcome, run)
    return outcome


def _unmade(step: Step, error: Exception, run: Run) -> Failed | Skipped | LeftOut:
    """How a task ends of which something could not be made, by why that is."""
    match error:
        case Unmet():
            skipped(step, error.failure.code, run)
            return Skipped(error.failure)
        case NotAsked():
            return LeftOut()
        case ValueRefused():
            return Failed(Failure(Code.BAD_VALUE, error.message, hint=error.hint))
        case _:
            return Failed(TOO_DEEP)


async def _called_in_turn(step: Step, call: Call, run: Run) -> Outcome:
    """The plain call, once there is a place for it; its time begins then."""
    assert run.slots is not None
    since = run.clock()
    async with run.slots:
        queued(step, since, run)
        call = replace(call, deadline=run.deadline_of(step))
        outcome = await _called(step, call, run)
    if type(outcome) is Failed and step.retry is not None:  # a pause holds no place
        return await _called_again(step, call, outcome, run)
    return outcome


async def _called_again(step: Step, call: Call, first: Failed, run: Run) -> Outcome:
    """What comes of a plain call that failed, once there are no more tries."""
    found = await exchanged(step, call, run, first)
    return found if isinstance(found, Failed) else read_reply(step, call, found, run.scope)


async def _called(step: Step, call: Call, run: Run) -> Outcome:
    """The plain call: made once, read, and told to those who listen."""
    started = run.clock() if run.observe is not None else 0.0
    reply: Reply | None = None
    outcome: Outcome
    try:
        if step.twin is not None and run.may_repeat(step):
            reply = await once(step, call, run, 0 if step.retry is None else step.retry.times)
        else:
            run.budget.spend()
            reply = await run.layer(call)
        run.replies.append((step, reply.headers, reply.age, run.scope.params))
        if run.sought is not None:
            run.sought.look(step, reply)
        outcome = read_reply(step, call, reply, run.scope)
    except CallFailed as failed:
        outcome = failed_call(step, call, failed, run)
    if run.observe is not None:
        tell(step, call, run, started, reply, outcome)
    return outcome


# -- with clauses -------------------------------------------------------------------------------


async def _carefully(step: Step, run: Run) -> Outcome:
    """A task with more to it than one call."""
    outcome = await _begun(step, run)
    if isinstance(outcome, Failed) and outcome.several is not None:
        return outcome
    return await recovered(step, outcome, run)


async def _begun(step: Step, run: Run) -> Outcome:
    try:
        if step.when is not None and not is_wanted(step.when(run.scope)):
            return LeftOut()
        mind_order(step, run.scope)
        if step.fan is not None:
            return await fan_out(step, step.fan, run, _called_in_turn)
        return await one(step, run)
    except UNMADE as error:
        return _unmade(step, error, run)


async def recovered(step: Step, outcome: Outcome, run: Run) -> Outcome:
    """The outcome, or what the text puts in the place of a failure."""
    if not isinstance(outcome, Failed | Skipped):
        return outcome
    if step.otherwise is not None:
        other = await _otherwise(step.otherwise, run)
        if isinstance(other, Done):
            run.stood_in_for(step)
            return other
        outcome = outcome if isinstance(other, LeftOut) else other
    return fallen_back(step, outcome)


async def _otherwise(step: Step, run: Run) -> Outcome:
    await needs_of_other(step, run)
    return await perform(step, run)

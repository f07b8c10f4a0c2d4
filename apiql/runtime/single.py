"""The outcome of one call of a task, or of what its clauses put in the place of a result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

from apiql.errors import Code, Failure, ValueRefused
from apiql.events import ElseTaken
from apiql.ir.policy import Constant
from apiql.runtime.attempt import built, exchanged
from apiql.runtime.call_failures import is_late, late, stale
from apiql.runtime.decode import Undecodable
from apiql.runtime.json_values import a_kind
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut, NotAsked, Outcome, Skipped
from apiql.runtime.reading import read_reply
from apiql.runtime.run import Run
from apiql.runtime.step import Step
from apiql.sources.call import Call, Reply

Result: TypeAlias = Done | Failed | Skipped | LeftOut


async def one(step: Step, run: Run, elements: tuple[Any, ...] = ()) -> Outcome:
    """The outcome of one call for some elements, without `otherwise` and `fallback`."""
    if step.nested is not None:
        assert run.nest is not None
        return await run.nest(step, step.nested, elements, run)
    try:
        call = built(step, run, elements)
    except NotAsked:
        return LeftOut()
    return await attempted(step, call, run) if not isinstance(call, Failed | Skipped) else call


async def attempted(step: Step, call: Call, run: Run) -> Done | Failed:
    """The result of a call, or of what its clauses put in its place when it is late."""
    found = await exchanged(step, call, run)
    if isinstance(found, Reply):
        done = read_reply(step, call, found, run.scope)
        if found.stale and isinstance(done, Done):
            done.failures = (stale(step, found, run),)
        return done
    return in_time(step, found, run)


def in_time(step: Step, failed: Failed, run: Run) -> Done | Failed:
    """The substitute for a call that was late; any other failure as it is."""
    within = step.policy.within
    if within is None or within.substitute is None or not is_late(failed.failure):
        return failed
    return substituted(step, within.substitute, late(step, failed.failure, run))


async def needs_of_other(other: Step, run: Run) -> None:
    """Waits for what another source needs that takes a failed one's place."""
    failed = run.clock()
    await run.await_all(other.needs)
    if run.observe is not None:
        run.observe(ElseTaken(other.name, failed, run.clock()))


def fallen_back(step: Step, outcome: Failed | Skipped) -> Done | Failed | Skipped:
    """The fallback with a warning, where there is one."""
    if step.policy.fallback is None:
        return outcome
    message = f"{outcome.failure.message}: the fallback stands in"
    warning = replace(outcome.failure, message=message, warning=True)
    done = substituted(step, step.policy.fallback, warning)
    if isinstance(done, Done) and isinstance(outcome, Failed):
        done.status, done.headers = outcome.status, outcome.headers
    return done


def substituted(step: Step, constant: Constant, warning: Failure) -> Done | Failed:
    """A value of the text in place of a result, with the warning that it is one."""
    try:
        reads = step.read(constant.text)
    except (Undecodable, ValueRefused) as error:
        return Failed(Failure(Code.BAD_VALUE, str(error)))
    return Done(None, (), reads, tuple([constant.text for _ in step.shapes]), (warning,))


def is_wanted(found: Any) -> bool:
    """Whether `when` lets a task be carried out.

    Raises:
        ValueRefused: it is no boolean.
    """
    if found is None or found is MISSING:
        return False
    if not isinstance(found, bool):
        hint = "compare it: when $x = 'yes'"
        raise ValueRefused(f"`when` wants a boolean, got {a_kind(found)}", hint)
    return found

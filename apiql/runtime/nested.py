"""A stored plan as the work of a task: run with arguments, its data is the result.

It shares the time, the budget of calls and the slots of the run it is part of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from apiql.errors import Code, Failure, QueryRefused, ValueRefused
from apiql.runtime.assemble import Gathered, gather
from apiql.runtime.decode import Undecodable, to_json
from apiql.runtime.inputs import bind_parameters, seconds_of
from apiql.runtime.outcome import MISSING, Done, Failed, LeftOut, NotAsked, Skipped, Unmet
from apiql.runtime.prepare import begin
from apiql.runtime.reading import read_value
from apiql.runtime.row_list import NotRows
from apiql.runtime.run import Nest, Run
from apiql.runtime.scope import Scope
from apiql.runtime.single import Result
from apiql.runtime.step import Executable, NestedCall, Step
from apiql.runtime.told import Mark, Tell

CarryOut = Callable[[Executable, Run], Awaitable[None]]
Elements = tuple[Any, ...]
More = Mapping[str, Any] | None
NO_MORE: Mapping[str, Any] = {}


def nested_by(carry_out: CarryOut) -> Nest:
    """The way to run nested plans, by the way all plans are carried out."""

    async def run_nested(
        step: Step, call: NestedCall, elements: Elements, run: Run, more: More = None
    ) -> Result:
        try:
            inner = _begun(step, call, elements, run, more or NO_MORE)
        except Unmet as error:
            return Skipped(error.failure)
        except NotAsked:
            return LeftOut()
        except ValueRefused as refused:
            return Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))
        except QueryRefused as refused:
            return Failed(_refusal(refused))
        executable = call.executable
        await carry_out(executable, inner)
        if executable.plan.outcome:
            return _own(step, executable, inner, run)
        gathered = gather(executable, inner.scope, run.fan_limits.answer_bytes)
        return _result(step, gathered, run)

    return run_nested


def _begun(
    step: Step, call: NestedCall, elements: Elements, run: Run, more: Mapping[str, Any]
) -> Run:
    """The run of the nested plan.

    Raises:
        Unmet, NotAsked, ValueRefused: an argument cannot be had.
        QueryRefused: the plan does not take these arguments.
    """
    run.scope.elements = elements
    values = ((name, value(run.scope)) for name, value in call.arguments)
    given = {name: value for name, value in values if value is not MISSING}
    given.update(more)
    plan = call.executable.plan
    params = bind_parameters(plan.parameters, given)
    until = run.deadline_of(step)
    if plan.settings.timeout is not None:
        longest = max(0.001, until - run.clock())
        asked = plan.settings.timeout
        own = asked if isinstance(asked, float) else seconds_of(asked, params, longest)
        until = min(until, run.clock() + own)
    observe = None if run.observe is None else _as_part_of(step, run.observe)
    inner = run.inside(Scope(params, run.scope.moment), until, observe)
    begin(call.executable, inner)
    return inner


def _own(step: Step, executable: Executable, inner: Run, run: Run) -> Result:
    """The result of a plan that is that of one of its tasks."""
    found = own_outcome(executable, inner.scope)
    if step.stated is not None or not isinstance(found, Done):
        return found
    body = to_json(found.value) if found.value is not MISSING else found.shaped[0]
    assert isinstance(body, bytes)
    try:
        reads, shaped = read_value(step, body, run.scope)
    except (Undecodable, NotRows) as error:
        return Failed(Failure(Code.BAD_PAYLOAD, f"answered with no usable data: {error}"))
    except ValueRefused as refused:
        return Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))
    return Done(None, (), reads, shaped)


def own_outcome(executable: Executable, scope: Scope) -> Done | Failed | LeftOut:
    """The outcome of a plan that is that of one of its tasks; where that was skipped, the failure
    that it began with.
    """
    found = scope.outcomes[executable.plan.outcome]
    if not isinstance(found, Skipped):
        return found
    ended = (scope.outcomes.get(step.name) for step in executable.steps)
    return next((one for one in ended if isinstance(one, Failed)), Failed(found.failure))


def _as_part_of(step: Step, tell: Tell) -> Tell:
    def told(mark: Mark) -> None:
        tell(structs.replace(mark, task=f"{step.name}/{mark.task}"))

    return told


def _refusal(refused: QueryRefused) -> Failure:
    first = refused.problems[0]
    return Failure(
        first.code, f"it does not take these arguments: {first.message}", hint=first.hint
    )


def _result(step: Step, gathered: Gathered, run: Run) -> Result:
    failures = [
        replace(failure, path=(), warning=not part.is_grave(failure))
        for part in gathered.parts
        for failure in part.failures
    ]
    if gathered.failure is not None:
        return Failed(gathered.failure)
    grave = [failure for failure in failures if not failure.warning]
    if gathered.status >= 400:
        return Failed(next((failure for failure in grave if failure.fatal), grave[0]))
    try:
        reads, shaped = read_value(step, gathered.data or b"null", run.scope)
    except (Undecodable, NotRows) as error:
        return Failed(Failure(Code.BAD_PAYLOAD, f"answered with no usable data: {error}"))
    except ValueRefused as refused:
        return Failed(Failure(Code.BAD_VALUE, refused.message, hint=refused.hint))
    return Done(None, (), reads, shaped, tuple(failures))

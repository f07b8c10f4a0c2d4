"""Tasks of definitions: what they do, and what their result is made of.

let -> when? -> lane -> work -> result | instead
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from apiql.errors import CallFailed, Code, Failure, ValueRefused
from apiql.runtime.attempt import skipped
from apiql.runtime.order import mind_order
from apiql.runtime.outcome import (
    MISSING,
    TOO_DEEP,
    Done,
    Failed,
    LeftOut,
    NotAsked,
    Outcome,
    Skipped,
    Unmet,
)
from apiql.runtime.run import Run
from apiql.runtime.scope import Scope
from apiql.runtime.single import is_wanted
from apiql.runtime.step import Stated, Step
from apiql.sources.call import Headers

Locals: TypeAlias = dict[str, Any]
Does: TypeAlias = Callable[[Step, Run, Locals], Awaitable["Found | Failed"]]
"""Carries out the work of a task; what it evaluates sees these local values."""


class Found(Struct, frozen=True):
    """What a work came to: its value, or the JSON it was read of; of a call also its status and
    headers.
    """

    value: Any = MISSING
    body: bytes = b""
    status: int | None = None
    headers: Headers = ()


async def perform_stated(step: Step, run: Run) -> Outcome:
    """How the task ends. Never raises but for cancellation (and bugs)."""
    stated = step.stated
    assert stated is not None
    try:
        if step.after:
            mind_order(step, run.scope)
        seen = _locals(stated, run.scope)
        if step.when is not None and not is_wanted(step.when(run.scope)):
            return LeftOut() if stated.instead is None else _instead(stated, None, run, seen)
        if stated.lane is None:
            found = await stated.does(step, run, seen)
        else:
            async with run.lane(stated.lane):
                found = await stated.does(step, run, seen)
    except Unmet as error:
        skipped(step, error.failure.code, run)
        return Skipped(error.failure)
    except NotAsked:
        return LeftOut()
    except ValueRefused as refused:
        return Failed(failure_of(refused))
    except RecursionError:
        return Failed(TOO_DEEP)
    return _made(step, stated, found, run, seen)


def failure_of(refused: ValueRefused | CallFailed) -> Failure:
    """The failure of a value or a call that cannot be made; some say which status that is."""
    if isinstance(refused, CallFailed):
        return Failure(refused.code, refused.message, hint=refused.hint)
    code = refused.code or Code.BAD_VALUE
    return Failure(code, refused.message, refused.status, hint=refused.hint)


def seeing(scope: Scope, seen: Mapping[str, Any], found: Found | None = None) -> Scope:
    """The scope as values of a task see it; others use it too, so it is set before each."""
    scope.locals, scope.reply = seen, found
    return scope


def _locals(stated: Stated, scope: Scope) -> Locals:
    scope.locals = seen = {}
    for name, value in stated.let:
        found = value(scope)
        seen[name] = None if found is MISSING else found
    return seen


def _made(step: Step, stated: Stated, found: Found | Failed, run: Run, seen: Locals) -> Outcome:
    if isinstance(found, Failed):
        return found if stated.instead is None else _instead(stated, found, run, seen)
    try:
        if stated.result is None:
            return _as_it_is(step, stated, found)
        if found.value is MISSING:
            found = Found(stated.decoded(found.body), found.body, found.status, found.headers)
        value = stated.result(seeing(run.scope, seen, found))
        value = None if value is MISSING else value
        return Done(found.status, found.headers, stated.pick(value), value=value)
    except ValueRefused as refused:
        failed = Failed(failure_of(refused), found.status, found.headers)
        return failed if stated.instead is None else _instead(stated, failed, run, seen, found)


def _as_it_is(step: Step, stated: Stated, found: Found) -> Done:
    """A result of which nothing else is made: JSON that nobody reads is not decoded."""
    if found.value is MISSING:
        reads = step.read(found.body)
        return Done(found.status, found.headers, reads, (found.body,))
    return Done(found.status, found.headers, stated.pick(found.value), value=found.value)


def _instead(
    stated: Stated, failed: Failed | None, run: Run, seen: Locals, found: Found | None = None
) -> Outcome:
    """What stands instead of a result; `found` is the reply of which none could be made."""
    assert stated.instead is not None
    scope = seeing(run.scope, seen, found)
    scope.failure = None if failed is None else shown_failure(failed.failure)
    try:
        value = stated.instead(scope)
        value = None if value is MISSING else value
    except ValueRefused as refused:
        return Failed(failure_of(refused))
    warnings = () if failed is None else (failed.failure,)
    return Done(None, (), stated.pick(value), failures=warnings, value=value)


def shown_failure(failure: Failure) -> Mapping[str, Any]:
    """A failure as the values of definitions see it."""
    return {"code": failure.code.value, "message": failure.message, "status": failure.status}

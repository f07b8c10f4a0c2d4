"""Calls and acts in a row whose failure is noted in the state -> the same tasks, instead of a plan
in a plan.

Behind one that fails nothing is called; the state is then the one before all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as renewed

from apiql.errors import ValueRefused
from apiql.frontends.definitions.lower.v2_call import FAILURE, MADE, OWN, WHOLE
from apiql.frontends.definitions.lower.v2_ground import GIVEN_STATE, STATE, Course
from apiql.frontends.definitions.lower.v2_state import State, Why, failed, why_of
from apiql.ir.plan import Making, Task
from apiql.ir.rewrite import rewritten
from apiql.ir.values import Invoke, Literal, LocalRoot, Ref, Value
from apiql.ir.works import Act, Send, Work

Call = Callable[..., Any]
WRONG = "wrong"
"""Why there is no call, beside the state that it would have begun with."""
_ENDED = {"message": "a step before this one failed"}


def add_enduring(course: Course, inner: Course) -> bool:
    """Adds such tasks, which begin with the state of the course; of others none."""
    tasks = inner.tasks
    if not tasks or isinstance(inner.state, Invoke) or not all(map(_is_direct, tasks)):
        return False
    for number, task in enumerate(tasks):
        course.add(_enduring(task, course.state, is_first=number == 0))
    return True


def _is_direct(task: Task) -> bool:
    """Whether it makes one call, or does one thing, with what it makes of the state."""
    let = task.made.let if task.made is not None else ()
    return isinstance(task.work, Send | Act) and bool(let) and let[-1][0] == MADE


def _enduring(task: Task, state: Value, is_first: bool) -> Task:
    made = task.made
    assert made is not None
    *secrets, (_, request) = made.let
    known = ((STATE, Invoke("begun", _begun, (state,))),) if is_first else ()
    own = Ref(LocalRoot(STATE))
    call, given = _flat(rewritten(request, lambda v: own if v == GIVEN_STATE else None))
    ended = None if made.instead is None else _flat(made.instead)[0]
    making = Making(
        let=(*known, *secrets, (MADE, Invoke("request", _careful(call), given))),
        result=made.result,
        instead=Invoke("ended", _noting(ended), (OWN, FAILURE, WHOLE)),
    )
    return replace(task, made=making, work=_work(task.work))


def _begun(moment: Any, state: State) -> State:
    """The state that knows what the steps began with."""
    return renewed(state, before=state)


def _flat(value: Value) -> tuple[Call, tuple[Value, ...]]:
    """A chain of functions, each of which takes the one before it first, as one of what the first
    takes; with the other arguments of the last.
    """
    assert isinstance(value, Invoke)
    first, *others = value.args
    if not isinstance(first, Invoke):
        return value.call, value.args
    inner, given = _flat(first)
    count, last = len(given), value.call

    def call(moment: Any, *found: Any) -> Any:
        return last(moment, inner(moment, *found[:count]), *found[count:])

    return call, (*given, *others)


def _careful(request: Call) -> Call:
    """The request of a call; or why there is none."""

    def made(moment: Any, state: State, *given: Any) -> dict[str, Any]:
        if state.failure is not None:  # nothing is made for what is not called
            return {STATE: state, WRONG: _ENDED}
        try:
            found: dict[str, Any] = request(moment, state, *given)
        except ValueRefused as refusal:
            why = {"hint": refusal.hint, "code": refusal.code, "status": refusal.status}
            return {STATE: state, WRONG: {"message": refusal.message, **why}}
        return found

    return made


def _work(work: Work) -> Work:
    """The work, which nothing is done of where there is no request."""
    if isinstance(work, Send):
        fixed = work.url.value if isinstance(work.url, Literal) else None
        return replace(work, url=Invoke("url", _checked("url", fixed), (OWN,)))
    assert isinstance(work, Act)
    given = Invoke("given", _checked("given", None), (OWN,))
    return replace(work, arguments=(("given", given),))


def _checked(name: str, fixed: Any) -> Call:
    """A part of a request that is there."""

    def found(moment: Any, made: dict[str, Any]) -> Any:
        if WRONG in made:
            raise ValueRefused(**made[WRONG])
        return made[name] if fixed is None else fixed

    return found


def _noting(ended: Call | None) -> Call:
    """What stands instead of a call's result: the state of before, with why."""

    def noted(moment: Any, made: dict[str, Any], why: Why, reply: Any) -> State:
        state: State = made[STATE]
        if state.failure is not None:
            return state
        before = state.before or state
        if WRONG in made or ended is None:
            return failed(before, why)
        try:
            found: State = ended(moment, made, why, reply)
        except ValueRefused as refusal:
            return failed(before, why_of(refusal))
        return found

    return noted

"""Steps and flows of the second generation -> tasks. A flow goes on in the heap of its caller, and
ends with the first step that fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.lower.v2_acts import act, is_act
from apiql.frontends.definitions.lower.v2_call import (
    FAILURE,
    REPLY,
    call,
    refusing_step,
)
from apiql.frontends.definitions.lower.v2_commands import (
    arguments,
    endured,
    named,
    needed,
    origin_of,
)
from apiql.frontends.definitions.lower.v2_enduring import add_enduring
from apiql.frontends.definitions.lower.v2_ground import (
    STATE,
    Course,
    Lowering,
    place,
)
from apiql.frontends.definitions.lower.v2_pure import CALLED, at_rest, pure_of
from apiql.frontends.definitions.lower.v2_schedules import schedule
from apiql.frontends.definitions.lower.v2_state import (
    Pure,
    State,
    Why,
    entered,
    failed,
    left,
    refused,
)
from apiql.frontends.definitions.lower.v2_told import tell, told_of
from apiql.frontends.definitions.lower.v2_values import Seen
from apiql.frontends.definitions.v2.flow import Flow, Step
from apiql.frontends.definitions.v2.httpapi import HttpApi
from apiql.frontends.definitions.v2.schedule import Schedule
from apiql.ir.plan import Making, Plan, Task
from apiql.ir.values import Invoke, LocalRoot, Ref
from apiql.ir.works import Choose, Nested

_UNKNOWN = {Kind.API: 403, Kind.FLOW: 403, Kind.SCHEDULE: 500}
_MODELS: dict[Kind, type[Shape]] = {Kind.API: HttpApi, Kind.FLOW: Flow, Kind.SCHEDULE: Schedule}


def steps(
    lowering: Lowering, found: Iterable[tuple[Step, Location]], course: Course,
    enduring: bool = False,
) -> None:  # fmt: skip
    """Adds steps, one after the other; `enduring`: one that fails leaves the state of before."""
    for one, at in found:
        (enduring_step if enduring else step)(lowering, one, course, at)


def flow_steps(lowering: Lowering, name: str, course: Course, enduring: bool = False) -> None:
    """Adds the steps of a flow."""
    document = lowering.document(Kind.FLOW, name)
    if document is None or not isinstance(document.model, Flow):
        pure = _missing(lowering, Kind.FLOW, name)
        course.does(name, endured(pure) if enduring else pure)
        return
    listed = [(one, place(document, "steps", at)) for at, one in enumerate(document.model.steps)]
    steps(lowering, listed, course, enduring)


def step(lowering: Lowering, step: Step, course: Course, at: Location) -> None:
    """Adds a step."""
    pure = pure_of(lowering, step)
    if pure is not None:
        if pure is not at_rest:
            course.does(step.command, pure)
    elif is_act(step):
        act(lowering, step, course, at)
    else:
        _calling(lowering, step, course, at)


def enduring_step(lowering: Lowering, one: Step, course: Course, at: Location) -> None:
    """Adds a step whose failure is noted; behind one nothing is done."""
    pure = pure_of(lowering, one)
    if pure is not None:
        if pure is not at_rest:
            course.does(one.command, endured(pure))
        return
    inner = Course(numbered=len(course.tasks) + 1)
    step(lowering, one, inner, at)
    if add_enduring(course, inner):
        return
    before = course.settled()
    course.add(
        Task(
            course.named(one.command),
            Nested(one.command, inner.plan(), ((STATE, before),)),
            location=at,
            when=Invoke("goes on", lambda moment, state: state.failure is None, (before,)),
            made=Making(result=REPLY, instead=Invoke("ended", _noted, (before, FAILURE))),
        )
    )


def _noted(moment: Any, state: State, why: Why | None) -> State:
    return state if why is None else failed(state, why)


# -- calls of other definitions -------------------------------------------------------------------


def _calling(lowering: Lowering, step: Step, course: Course, at: Location) -> None:
    kind, said = CALLED[step.command], named(step.args, "name")
    if said is None:
        course.does(step.command, refusing_step('the argument "name" is missing', 403))
        return
    name = lowering.known_text(said.value)
    if name is None:
        _choosing(lowering, step, course, at)
    else:
        _known(lowering, step, kind, name, course, at)


def _known(
    lowering: Lowering, step: Step, kind: Kind, name: str, course: Course, at: Location
) -> None:
    document = lowering.document(kind, name)
    model = None if document is None else document.model
    if not isinstance(model, _MODELS[kind]):
        course.does(step.command, _missing(lowering, kind, name))
    elif isinstance(model, HttpApi):
        tells = told_of(lowering, step)
        call(lowering, step, name, model, course, at, bool(tells))
        if tells:
            tell(lowering, tells, course, plan_of)
    elif (kind, name) in lowering.way:
        course.does(step.command, refusing_step(f"{kind} {name} calls itself", 500))
    else:
        _into(lowering, step, kind, name, course, at)


def _missing(lowering: Lowering, kind: Kind, name: str) -> Pure:
    if lowering.is_broken(kind, name):
        return refusing_step(f"{kind} {name} is broken", 503)
    return refusing_step(f"there is no {kind} {name}", _UNKNOWN[kind])


def _into(
    lowering: Lowering, step: Step, kind: Kind, name: str, course: Course, at: Location
) -> None:
    """Adds a flow or a schedule that goes on in the same heap."""
    changed = origin_of(step, lowering.step_sources(step.private))
    key, own = step.result_key, Ref(LocalRoot(STATE))
    inner = Nested(name, plan_of(lowering, kind, name),
                   ((STATE, Invoke("entered", entered, (own,))),))  # fmt: skip
    course.add(
        Task(
            course.named(name),
            inner,
            location=at,
            made=Making(
                let=((STATE, Invoke("origin", lambda moment, state: changed(state),
                                    (course.state,))),),
                result=Invoke("left", lambda moment, before, after: left(before, after, key),
                              (own, REPLY)),
            ),
        )
    )  # fmt: skip


def plan_of(lowering: Lowering, kind: Kind, name: str) -> Plan:
    """The plan of a flow or a schedule, made once: from a state to a state."""

    def made(inside: Lowering) -> Plan:
        course = Course()
        document = inside.document(kind, name)
        if kind is Kind.FLOW or document is None:
            flow_steps(inside, name, course)
        else:
            schedule(inside, document, course, step)
        return course.plan()

    return lowering.part((kind, name), made)


def _choosing(lowering: Lowering, one: Step, course: Course, at: Location) -> None:
    """Adds a call whose name only a run knows: one of all of its kind."""
    kind = CALLED[one.command]
    sources = lowering.step_sources(one.private)
    changed, read = origin_of(one, sources), arguments(one, sources)
    cases = []
    if lowering.choosing:
        lowering.private.append(one.command)
    inside = replace(lowering, choosing=True)
    names = () if lowering.choosing else lowering.ground.definitions.documents[kind]
    plain = one.model_copy(update={"origin": ()})
    for name in names:
        inner = Course()
        _known(inside, plain, kind, name, inner, at)
        cases.append((name, Nested(name, inner.plan(), ((STATE, Ref(LocalRoot(STATE))),))))

    def chosen(moment: Any, state: State) -> str:
        name = needed(read, "name", Seen(state.heap, state.query, state.headers))
        if name not in names:
            raise refused(f"there is no {kind} {name[:80]}", _UNKNOWN[kind])
        return name

    key = Invoke("name", chosen, (Ref(LocalRoot(STATE)),))
    let = ((STATE, Invoke("origin", lambda moment, state: changed(state), (course.state,))),)
    made = Making(let=let, result=REPLY)
    course.add(Task(course.named(one.command), Choose(key, tuple(cases)), location=at, made=made))

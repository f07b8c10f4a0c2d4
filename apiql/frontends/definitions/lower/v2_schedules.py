"""Schedules of the second generation -> tasks: jobs in a row and side by side, switches, loops, and
what nobody waits for. Errors are swallowed: the status of the last job in the row counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace as renewed

from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.lower.v2_call import FAILURE, REPLY, refusal_of
from apiql.frontends.definitions.lower.v2_ground import (
    GIVEN_STATE,
    INNER,
    STATE,
    Course,
    Lowering,
    place,
)
from apiql.frontends.definitions.lower.v2_jobs import AddStep, Jobs, aside, beside, joined
from apiql.frontends.definitions.lower.v2_state import (
    Heap,
    State,
    Why,
    kept,
    refused,
    status_of,
    with_heap,
)
from apiql.frontends.definitions.lower.v2_values import Seen, text_reader
from apiql.frontends.definitions.v2.schedule import Control, Job, Schedule
from apiql.ir.plan import Making, Parameter, Task
from apiql.ir.values import ElementRoot, Invoke, ParamRoot, Ref
from apiql.ir.works import Choose, Loop, Nested

Keys = tuple[str | int, ...]
ROUND = "round"
_ROUND = (*INNER, Parameter(ROUND, required=False))
MOST_LOOPS = 8


def schedule(
    lowering: Lowering, document: Document[Shape], course: Course, add_step: AddStep
) -> None:
    """Adds the jobs of a schedule; it fails as its last one in the row did."""
    assert isinstance(document.model, Schedule)
    model = document.model
    course.does("begun", lambda moment, state: renewed(state, status=0))
    own = Jobs(lowering, document, add_step, model.concurrent_num, course)
    _jobs(own, model.steps, ("steps",))
    course.does("ended", _ended)


def _ended(moment: Any, state: State) -> State:
    if state.status != 200:
        why = state.failure or {"message": "no job was carried out in the row", "status": 0}
        raise refusal_of(why)
    return renewed(state, value=state.given, failure=None)


def _jobs(own: Jobs, jobs: Sequence[Job], keys: Keys) -> None:
    for at, job in enumerate(jobs):
        here, there = place(own.document, *keys, at), (*keys, at)
        if job.mode == "background":
            aside(own, _work(own, job, here, there, own.course.settled()), here)
        elif job.mode == "concurrent" and own.width > 1:
            work = _work(own, job, here, there, own.course.settled())
            beside(own, work, _key_of(job), here)
        else:
            joined(own)
            _in_row(own, job, here, there, job.mode == "concurrent")
    joined(own)


def _key_of(job: Job) -> str:
    if job.type == "api":
        return job.api.result_key if job.api else ""
    return job.control.result_key if job.control else ""


# -- in a row --------------------------------------------------------------------------------------


def _in_row(own: Jobs, job: Job, here: Location, keys: Keys, hidden: bool) -> None:
    """A job that the next one waits for. `hidden`: its result is not seen by later ones."""
    course, key = own.course, _key_of(job)
    before = course.settled()
    work = _work(own, job, here, keys, before)

    def done(moment: Any, state: State, inner: State) -> State:
        heap = _without(inner.heap, state.heap, key) if hidden else inner.heap
        return renewed(inner, heap=heap, value=state.value)

    def instead(moment: Any, state: State, why: Why) -> State:
        state = kept(state, "" if hidden else key, None)
        return renewed(state, failure=why, status=status_of(why))

    course.add(
        Task(
            course.named(job.type),
            work,
            location=here,
            made=Making(
                result=Invoke("done", done, (before, REPLY)),
                instead=Invoke("failed", instead, (before, FAILURE)),
            ),
        )
    )


def _without(heap: Heap, before: Heap, key: str) -> Heap:
    if not key:
        return heap
    left = {name: value for name, value in heap.items() if name != key}
    return {**left, key: before[key]} if key in before else left


def _work(own: Jobs, job: Job, here: Location, keys: Keys, before: Any) -> Nested:
    """The plan of a job, from a state to a state."""
    inner = Course()
    match job.type:
        case "api" if job.api is not None:
            inner.does("begun", _fresh)
            own.add_step(own.lowering, job.api, inner, here)
        case "switch" if job.control is not None:
            _switch(own, job.control, (*keys, "control"), inner, here)
        case "loop" if job.control is not None:
            _loop(own, job.control, (*keys, "control"), inner, here)
        case _:
            inner.does("nothing", _nothing_to_do)
    return Nested(_name_of(job), inner.plan(), ((STATE, before),))


def _name_of(job: Job) -> str:
    named = job.api or job.control
    return job.type if named is None else named.name or job.type


def _fresh(moment: Any, state: State) -> State:
    """The state that a job begins with: what failed before it does not matter."""
    return renewed(state, failure=None, status=200, given=None)


def _nothing_to_do(moment: Any, state: State) -> State:
    raise refused("the job says nothing that can be done")


def _part(own: Jobs, jobs: Sequence[Job], width: int, keys: Keys) -> Course:
    inner = Course()
    inner.does("begun", _fresh)
    part = Jobs(own.lowering, own.document, own.add_step, width, inner, own.loops)
    _jobs(part, jobs, keys)
    return inner


def _switch(own: Jobs, control: Control, keys: Keys, course: Course, here: Location) -> None:
    read = _key_reader(own, control)
    before, cases, default = course.settled(), [], None
    for at, case in enumerate(control.cases):
        part = _part(own, case.steps, control.concurrent_num, (*keys, "cases", at, "steps"))
        nested = Nested(case.value or "default", part.plan(), ((STATE, before),))
        if case.default:
            default = default or nested
        else:
            cases.append((case.value, nested))

    def key(moment: Any, state: State) -> str:
        found = read(state)
        if not found and default is None:
            raise refused("the key of the switch is empty")
        return found

    result = Invoke("chosen", lambda moment, state: kept(state, control.result_key, state.given),
                    (REPLY,))  # fmt: skip
    work = Choose(Invoke("key", key, (before,)), tuple(cases), default)
    course.add(Task(course.named("switch"), work, location=here, made=Making(result=result)))


def _loop(own: Jobs, control: Control, keys: Keys, course: Course, here: Location) -> None:
    if own.loops >= MOST_LOOPS:
        course.does("loop", _too_deep)
        return
    read, before = _key_reader(own, control), course.settled()
    width, key = control.concurrent_loop_num, control.result_key
    names = tuple(dict.fromkeys(name for name in (control.name, key) if name))
    nested = Nested(control.name or "round", _round(own, control, keys, names).plan(_ROUND),
                    ((ROUND, Ref(ElementRoot(0))),))  # fmt: skip
    count = Invoke("count", lambda moment, state: read(state), (before,))
    work = Loop(count, before, nested, STATE, max(width, 1))
    making = Making(result=Invoke("ended", _rounds_ended(key, width > 1), (REPLY,)))
    course.add(Task(course.named("loop"), work, location=here, made=making))


def _round(own: Jobs, control: Control, keys: Keys, names: tuple[str, ...]) -> Course:
    """One round; what goes beside other rounds has its own jobs in a row."""
    inner = Course()
    inner.state = Invoke("round", _numbered(names), (GIVEN_STATE, Ref(ParamRoot(ROUND))))
    inner.does("begun", _fresh)
    width = 0 if control.concurrent_loop_num > 1 else control.concurrent_num
    part = Jobs(own.lowering, own.document, own.add_step, width, inner, own.loops + 1)
    _jobs(part, control.steps, (*keys, "steps"))
    inner.state = Invoke("value", _value_of_round, (GIVEN_STATE, inner.state))
    return inner


def _rounds_ended(key: str, is_beside: bool) -> Callable[[Any, Any], State]:
    """The state behind a loop; of rounds side by side with the documents that they wrote."""

    def ended(moment: Any, found: Any) -> State:
        state, rounds = found
        more = tuple(doc for _, docs in rounds for doc in docs) if is_beside else ()
        state = renewed(state, out=state.out + more, status=200, failure=None)
        return kept(state, key, [value for value, _ in rounds])

    return ended


def _too_deep(moment: Any, state: State) -> State:
    raise refused(f"loops stand more than {MOST_LOOPS} deep in each other")


def _numbered(names: tuple[str, ...]) -> Callable[[Any, State, int], State]:
    def numbered(moment: Any, state: State, number: int) -> State:
        loop = {**(state.heap.get("loop") or {}), **dict.fromkeys(names, number)}
        return with_heap(state, {**state.heap, "loop": loop})

    return numbered


def _value_of_round(moment: Any, before: State, state: State) -> list[Any]:
    return [state, (state.given, state.out[len(before.out) :])]


def _key_reader(own: Jobs, control: Control) -> Callable[[State], str]:
    if control.key is None:
        return _no_key
    read = text_reader(control.key, own.lowering.step_sources(""))
    return lambda state: str(read(Seen(state.heap, state.query, state.headers)))


def _no_key(state: State) -> str:
    raise refused("there is no key to go by")

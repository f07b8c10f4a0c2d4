"""Jobs of a schedule that go side by side, and those that nobody waits for -> tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace as renewed

from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.lower.v2_call import REPLY
from apiql.frontends.definitions.lower.v2_ground import Course, Lowering
from apiql.frontends.definitions.lower.v2_state import State
from apiql.frontends.definitions.v2.flow import Step
from apiql.ir.plan import Lane, Making, Task
from apiql.ir.values import Invoke, Ref, ResultRoot
from apiql.ir.works import Aside, Nested

AddStep = Callable[[Lowering, Step, Course, Location], None]
LANE = "jobs"


@dataclass(slots=True)
class Jobs:
    """Jobs on their way into tasks; `waiting` are those that go side by side, until the next one in
    a row, with the names of their tasks and their keys. `loops` is how many these stand in.
    """

    lowering: Lowering
    document: Document[Shape]
    add_step: AddStep
    width: int
    course: Course
    loops: int = 0
    waiting: list[tuple[str, str]] = field(default_factory=list)


def beside(own: Jobs, work: Nested, key: str, here: Location) -> None:
    """Adds a job that goes beside its neighbours: all of them begin with the same state."""
    course = own.course
    name = course.named("beside")
    making = Making(result=REPLY, instead=course.state, lane=Lane(LANE, own.width))
    course.tasks.append(Task(name, work, location=here, made=making))
    own.waiting.append((name, key))


def joined(own: Jobs) -> None:
    """Waits for all jobs that go side by side: now others see their results."""
    if not own.waiting:
        return
    keys = [key for _, key in own.waiting]
    ended = tuple(Ref(ResultRoot(name)) for name, _ in own.waiting)
    own.course.state = Invoke("joined", _joining(keys), (own.course.state, *ended))
    own.course.settled()
    own.waiting.clear()


def _joining(keys: Sequence[str]) -> Callable[..., State]:
    def joined(moment: Any, before: State, *ended: State) -> State:
        heap, out, given = {**before.heap}, before.out, before.given
        for key, state in zip(keys, ended, strict=True):
            out += state.out[len(before.out) :]
            if key:
                given = heap[key] = None if state is before else state.given
        return renewed(before, heap=heap, out=out, given=given)

    return joined


def aside(own: Jobs, work: Nested, here: Location) -> None:
    """Adds a job that nobody waits for."""
    own.course.tasks.append(Task(own.course.named("background"), Aside(work), location=here))

"""The plan: an ordered DAG of tasks, the outputs, what a run starts with.

`Plan.of` is the only way to make one: it refuses unknown names and cycles, so a Plan that exists
can be run. What a task needs is computed from the values its work reads; nobody states it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.ir.embedding import Embed
from apiql.ir.order import circles, depth_of, in_order
from apiql.ir.policy import Policy, Settings
from apiql.ir.projection import EVERYTHING, Projection
from apiql.ir.rows import Rows
from apiql.ir.values import Ref, ResultRoot, Value, refs
from apiql.ir.works import Nested, Work, inner_works


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a plan. `after` is order without data; `when` must be true for it to be
    carried out; `rows` is what becomes of its result; `otherwise` takes its place on failure.
    `location` is the text it came from. `made` is what definitions say beside.
    """

    name: str
    work: Work
    after: frozenset[str] = frozenset()
    policy: Policy = Policy()
    location: Location = Location(1, 1)
    when: Value | None = None
    rows: Rows | None = None
    otherwise: Otherwise | None = None
    made: Making | None = None

    def values(self) -> Iterator[Value]:
        """Every value of the task but those of `otherwise`."""
        yield from self.work.values()
        yield from () if self.when is None else (self.when,)
        yield from () if self.rows is None else self.rows.values()
        yield from () if self.made is None else self.made.values()

    def reads(self) -> Iterator[Ref]:
        """The references to results in its values, those of `otherwise` included."""
        for value in self.values():
            yield from (ref for ref in refs(value) if isinstance(ref.root, ResultRoot))
        if self.otherwise is not None:
            yield from self.otherwise.task.reads()

    @property
    def begins_after(self) -> frozenset[str]:
        """The tasks that must end before this one starts."""
        found = (ref.root for value in self.values() for ref in refs(value))
        return self.after | {root.task for root in found if isinstance(root, ResultRoot)}

    @property
    def needs(self) -> frozenset[str]:
        """The tasks that must end before this one can: also what `otherwise` waits for."""
        own = self.begins_after
        return own if self.otherwise is None else own | self.otherwise.task.needs


@dataclass(frozen=True, slots=True)
class Lane:
    """Tasks of one name that go side by side, at most `width` of them at a time."""

    name: str
    width: int


@dataclass(frozen=True, slots=True)
class Making:
    """What a task's result is made of, where it is not the answer itself.

    `let` are local values, each of which sees those before it, as does all else of the task.
    `result` is made of them and the work's reply; `instead`, where the work (or `result`) failed
    or `when` left it out, of them and the failure, and of the reply if it was `result` that failed.
    What `let` lacks has no `instead`.
    """

    let: tuple[tuple[str, Value], ...] = ()
    result: Value | None = None
    instead: Value | None = None
    lane: Lane | None = None

    def values(self) -> Iterator[Value]:
        """Every value of it."""
        yield from (value for _, value in self.let)
        yield from () if self.result is None else (self.result,)
        yield from () if self.instead is None else (self.instead,)


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What is done where a task fails, and how its result is projected."""

    task: Task
    projection: Projection = EVERYTHING


@dataclass(frozen=True, slots=True)
class Output:
    """A member of the answer (or, hidden, only of its errors): a task's result, projected.
    With `into` it stands inside another output.
    """

    name: str
    task: str
    projection: Projection = EVERYTHING
    hidden: bool = False
    location: Location = Location(1, 1)
    into: Embed | None = None

    @property
    def is_member(self) -> bool:
        """Whether the answer has a member of this name."""
        return not self.hidden and self.into is None

    @property
    def needs(self) -> frozenset[str]:
        """Other tasks whose results the projection reads."""
        roots = (ref.root for ref in self.projection.references())
        return frozenset(root.task for root in roots if isinstance(root, ResultRoot))


@dataclass(frozen=True, slots=True)
class Parameter:
    """What `$name` may be. `default` counts where `has_default`; `type` is `any` if unsaid."""

    name: str
    type: str = "any"
    default: Any = field(default=None, hash=False, compare=False)
    has_default: bool = False
    required: bool = True
    location: Location | None = None


@dataclass(frozen=True)
class Plan:
    """Tasks in an order in which each stands behind what it needs.

    `returned` is the shape of the answer where the text gives one, at `returned_at`. `most_calls`
    is the most upstream calls that a run can make; planning finds it. `outcome` names the task
    whose result, as it is, is that of the whole plan, where there are no outputs; `gathered` the
    parameter whose members are all that who selects from it says.
    """

    tasks: tuple[Task, ...]
    outputs: tuple[Output, ...]
    parameters: tuple[Parameter, ...] = ()
    settings: Settings = Settings()
    explain: bool = False
    analyze: bool = False
    returned: Value | None = None
    returned_at: Location | None = None
    most_calls: int = 0
    outcome: str = ""
    gathered: str = ""

    @classmethod
    def of(
        cls,
        tasks: Iterable[Task],
        outputs: Iterable[Output],
        parameters: Iterable[Parameter] = (),
        settings: Settings = Settings(),
        explain: bool = False,
        analyze: bool = False,
        returned: Value | None = None,
        returned_at: Location | None = None,
    ) -> Plan:
        """A plan that can be run.

        Raises:
            QueryRefused: UNKNOWN_NAME, or CYCLE with the way around it.
        """
        by_name = {task.name: task for task in tasks}
        kept = tuple(outputs)
        problems = [*_unknown(by_name.values(), kept, by_name)]
        if not problems:
            problems = [*_cycles(by_name), *_embedded_in_a_circle(kept)]
        if problems:
            raise QueryRefused(tuple(problems))
        ordered = tuple(by_name[name] for name in in_order(_needs(by_name)))
        given = tuple(parameters)
        return cls(ordered, kept, given, settings, explain, analyze, returned, returned_at)

    @property
    def depth(self) -> int:
        """The number of tasks on the longest chain of needs, those of nested plans included."""
        tasks = {task.name: task for task in self.tasks}
        return depth_of(_needs(tasks), {name: _depth(task) for name, task in tasks.items()})

    @property
    def writes(self) -> bool:
        """Whether a task uses an unsafe method."""
        return any(not each.work.is_read for task in self.tasks for each in with_otherwise(task))

    def shown(self) -> Iterator[Value]:
        """Every value that the answer is made of beside results: those of projections, of `else`
        too, and of `return`.
        """
        for task in self.tasks:
            for each in with_otherwise(task):
                yield from () if each.otherwise is None else each.otherwise.projection.values()
        for output in self.outputs:
            yield from output.projection.values()
        yield from () if self.returned is None else (self.returned,)


def with_otherwise(task: Task) -> Iterator[Task]:
    """A task and what may take its place, one after the other."""
    yield task
    while task.otherwise is not None:
        task = task.otherwise.task
        yield task


def _needs(tasks: Mapping[str, Task]) -> dict[str, frozenset[str]]:
    return {name: task.needs for name, task in tasks.items()}


def _depth(task: Task) -> int:
    works = (work for one in with_otherwise(task) for work in inner_works(one.work))
    return max((w.plan.depth if isinstance(w, Nested) else 1 for w in works), default=1)


def _unknown(
    tasks: Iterable[Task], outputs: Iterable[Output], known: Mapping[str, Task]
) -> Iterator[Problem]:
    owners: tuple[Task | Output, ...] = (*tasks, *outputs)
    for owner in owners:
        for name in sorted(owner.needs - known.keys()):
            yield Problem(
                Code.UNKNOWN_NAME,
                f"{owner.name} reads {name}, which no select is called",
                (owner.location,),
                task=owner.name,
            )


def _cycles(tasks: Mapping[str, Task]) -> Iterator[Problem]:
    for circle in circles(_needs(tasks)):
        places = tuple(tasks[name].location for name in circle)
        way = " → ".join((*circle, circle[0]))
        message, hint = f"{circle[0]} needs itself: {way}", "take out one of these references"
        yield Problem(Code.CYCLE, message, places, hint, task=circle[0])


def _embedded_in_a_circle(outputs: Iterable[Output]) -> Iterator[Problem]:
    by_name = {output.name: output for output in outputs}
    inside = {o.name: frozenset({o.into.into} if o.into else ()) for o in by_name.values()}
    for circle in circles(inside):
        places = tuple(by_name[name].location for name in circle)
        way = " → ".join((*circle, circle[0]))
        message, hint = f"{circle[0]} goes into itself: {way}", "take out one of these `into`"
        yield Problem(Code.CYCLE, message, places, hint, task=circle[0])

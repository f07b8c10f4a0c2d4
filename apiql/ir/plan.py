"""The plan: an ordered DAG of tasks, the outputs, what a run starts with.

`Plan.of` is the only way to make one: it refuses unknown names and cycles, so a Plan that exists
can be run. What a task needs is computed from the values its work reads; nobody states it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.ir.embedding import Embed
from apiql.ir.order import circles, depth_of, in_order
from apiql.ir.policy import Policy, Settings
from apiql.ir.projection import EVERYTHING, Path, Projection
from apiql.ir.push import Pushed
from apiql.ir.request import Binding, Endpoint
from apiql.ir.rows import Rows
from apiql.ir.values import Ref, ResultRoot, Value, refs

READS = frozenset({"get", "head"})


@dataclass(frozen=True, slots=True)
class Fetch:
    """Work: one upstream call. Each of `pushed` is sent if those before it are."""

    method: str
    endpoint: Endpoint
    bindings: tuple[Binding, ...] = ()
    pushed: tuple[Pushed, ...] = ()
    wants_object: bool = False  # an answer that is a list or a scalar is none

    @property
    def is_read(self) -> bool:
        """Whether equal calls may be one."""
        return self.method in READS

    def values(self) -> Iterator[Value]:
        """Every value that the call is made of."""
        return (binding.value for binding in self.bindings)


@dataclass(frozen=True, slots=True)
class Nested:
    """Work: a stored plan, run with these arguments as its parameters; its data is the result."""

    name: str
    plan: Plan
    arguments: tuple[tuple[str, Value], ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return not self.plan.writes

    def values(self) -> Iterator[Value]:
        """Its arguments."""
        return (value for _, value in self.arguments)


@dataclass(frozen=True, slots=True)
class Axis:
    """One `in`: the lists whose elements are walked; several advance together (`zip`)."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Elements that go together: at most `size` in a call (None: all).

    `key` is where a row of the answer says whose it is, `rows` where the rows are; without a
    key the result is one list of all rows. `declared`: the source asks for it, not the text.
    """

    size: int | None
    key: Path | None = None
    rows: Path = ()
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """Work: the same for each element of a list, or of the cross product of several."""

    each: Fetch | Nested
    axes: tuple[Axis, ...]
    batch: Batch | None = None

    @property
    def is_read(self) -> bool:
        """Whether equal elements may be one call."""
        return self.each.is_read

    def values(self) -> Iterator[Value]:
        """The lists, and what each call is made of."""
        yield from (value for axis in self.axes for value in axis.values)
        yield from self.each.values()


Work: TypeAlias = Fetch | Nested | Repeat


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a plan. `after` is order without data; `when` must be true for it to be
    carried out; `rows` is what becomes of its result; `otherwise` takes its place on failure.
    `location` is the text it came from.
    """

    name: str
    work: Work
    after: frozenset[str] = frozenset()
    policy: Policy = Policy()
    location: Location = Location(1, 1)
    when: Value | None = None
    rows: Rows | None = None
    otherwise: Otherwise | None = None

    def values(self) -> Iterator[Value]:
        """Every value of the task but those of `otherwise`."""
        yield from self.work.values()
        yield from () if self.when is None else (self.when,)
        yield from () if self.rows is None else self.rows.values()

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
    is the most upstream calls that a run can make; planning finds it.
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


def with_otherwise(task: Task) -> Iterator[Task]:
    """A task and what may take its place, one after the other."""
    yield task
    while task.otherwise is not None:
        task = task.otherwise.task
        yield task


def _needs(tasks: Mapping[str, Task]) -> dict[str, frozenset[str]]:
    return {name: task.needs for name, task in tasks.items()}


def _depth(task: Task) -> int:
    works = (one.work for one in with_otherwise(task))
    plans = (work.each if isinstance(work, Repeat) else work for work in works)
    return max(plan.plan.depth if isinstance(plan, Nested) else 1 for plan in plans)


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

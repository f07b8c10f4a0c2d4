"""The plan: an ordered DAG of tasks, the outputs, what a run starts with.

`Plan.of` is the only way to make one: it refuses unknown names and cycles, so a Plan that exists
can be run. What a task needs is computed from the values its work reads; nobody states it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.ir.policy import Policy, Settings
from apiql.ir.projection import EVERYTHING, Projection
from apiql.ir.values import Ref, ResultRoot, Value, refs


class Place(Enum):
    """Where in the request a binding goes."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    MEMBER = "body member"
    BODY = "body"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Binding:
    """A value for one place of the request. A MEMBER's name is a path into the JSON body."""

    place: Place
    name: tuple[str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder of a path or query template. An `optional` one may stay empty."""

    name: str
    optional: bool = False


TemplatePart: TypeAlias = str | Slot


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What stands after `from`, resolved: the service, its base URL and the path template.

    `base` is scheme, authority and path prefix; `path` alternates encoded text and slots;
    `query` are fixed pairs and pairs filled by a slot. `pinned`: the operator configured it.
    """

    service: str
    base: str
    path: tuple[TemplatePart, ...]
    query: tuple[tuple[str, TemplatePart], ...] = ()
    pinned: bool = True
    list_style: str = "repeat"
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None

    @property
    def template(self) -> str:
        """The path for people: `/users/{id}?{page}`."""
        pairs = "&".join(_pair_text(name, part) for name, part in self.query)
        return "".join(_part_text(part) for part in self.path) + (f"?{pairs}" if pairs else "")


READS = frozenset({"get", "head"})


@dataclass(frozen=True, slots=True)
class Fetch:
    """Work: one upstream call."""

    method: str
    endpoint: Endpoint
    bindings: tuple[Binding, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether equal calls may be one."""
        return self.method in READS

    def values(self) -> Iterator[Value]:
        """Every value that the call is made of."""
        return (binding.value for binding in self.bindings)


Work: TypeAlias = Fetch


@dataclass(frozen=True, slots=True)
class Task:
    """One step of a plan. `after` is order without data; `location` is the text it came from."""

    name: str
    work: Work
    after: frozenset[str] = frozenset()
    policy: Policy = Policy()
    location: Location = Location(1, 1)

    def reads(self) -> Iterator[Ref]:
        """The references to results in the work's values."""
        for value in self.work.values():
            yield from (ref for ref in refs(value) if isinstance(ref.root, ResultRoot))

    @property
    def needs(self) -> frozenset[str]:
        """The tasks that must end before this one starts."""
        roots = (ref.root for ref in self.reads())
        return self.after | {root.task for root in roots if isinstance(root, ResultRoot)}


@dataclass(frozen=True, slots=True)
class Output:
    """A member of the answer (or, hidden, only of its errors): a task's result, projected."""

    name: str
    task: str
    projection: Projection = EVERYTHING
    hidden: bool = False
    location: Location = Location(1, 1)

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
    """Tasks in an order in which each stands behind what it needs."""

    tasks: tuple[Task, ...]
    outputs: tuple[Output, ...]
    parameters: tuple[Parameter, ...] = ()
    settings: Settings = Settings()
    explain: bool = False

    @classmethod
    def of(
        cls,
        tasks: Iterable[Task],
        outputs: Iterable[Output],
        parameters: Iterable[Parameter] = (),
        settings: Settings = Settings(),
        explain: bool = False,
    ) -> Plan:
        """A plan that can be run.

        Raises:
            QueryRefused: UNKNOWN_NAME, or CYCLE with the way around it.
        """
        by_name = {task.name: task for task in tasks}
        kept = tuple(outputs)
        problems = [*_unknown(by_name.values(), kept, by_name)]
        if not problems:
            problems = [*_cycles(by_name)]
        if problems:
            raise QueryRefused(tuple(problems))
        return cls(_in_order(by_name), kept, tuple(parameters), settings, explain)

    @property
    def depth(self) -> int:
        """The number of tasks on the longest chain of needs."""
        depths: dict[str, int] = {}
        for task in self.tasks:
            depths[task.name] = 1 + max((depths[name] for name in task.needs), default=0)
        return max(depths.values(), default=0)

    @property
    def most_calls(self) -> int:
        """The most upstream calls that a run can make."""
        return len(self.tasks)

    @property
    def writes(self) -> bool:
        """Whether a task uses an unsafe method."""
        return any(not task.work.is_read for task in self.tasks)


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
    """One problem for each circle, found without recursion."""
    left = {name: set(task.needs) for name, task in tasks.items()}
    _drain(left)
    while left:
        circle = _circle(left)
        way = " → ".join((*circle, circle[0]))
        yield Problem(
            Code.CYCLE,
            f"{circle[0]} needs itself: {way}",
            tuple(tasks[name].location for name in circle),
            hint="take out one of these references",
            task=circle[0],
        )
        for name in circle:
            del left[name]
        for needs in left.values():
            needs.difference_update(circle)
        _drain(left)


def _drain(left: dict[str, set[str]]) -> None:
    """Takes out whatever needs nothing that is left; what stays is on a circle or behind one."""
    free = [name for name, needs in left.items() if not needs]
    while free:
        for name in free:
            del left[name]
        for needs in left.values():
            needs.difference_update(free)
        free = [name for name, needs in left.items() if not needs]


def _circle(left: Mapping[str, set[str]]) -> tuple[str, ...]:
    order = list(left)
    way: list[str] = []
    at = order[0]
    while at not in way:
        way.append(at)
        at = min((name for name in left[at] if name in left), key=order.index)
    circle = way[way.index(at) :]
    start = min(range(len(circle)), key=lambda i: order.index(circle[i]))
    return (*circle[start:], *circle[:start])


def _in_order(tasks: Mapping[str, Task]) -> tuple[Task, ...]:
    """Tasks behind their needs, otherwise in the order of the text."""
    ordered: dict[str, Task] = {}
    left = dict(tasks)
    while left:
        ready = [task for task in left.values() if task.needs <= ordered.keys()]
        ordered.update((task.name, task) for task in ready)
        for task in ready:
            del left[task.name]
    return tuple(ordered.values())


def _part_text(part: TemplatePart) -> str:
    if isinstance(part, str):
        return part
    return "{" + part.name + ("?" if part.optional else "") + "}"


def _pair_text(name: str, part: TemplatePart) -> str:
    if isinstance(part, Slot) and part.name == name:
        return _part_text(part)
    return f"{name}={_part_text(part)}"

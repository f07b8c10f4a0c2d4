"""What a run was: each task's times, calls and bytes, and which tasks its time hung on.

Computed from the plan and the events of the run alone. Times are seconds from the start of the
query. A task's slack is how much later it could have ended without the whole ending later, all
else as it was; the critical path is the chain of tasks of which each began when the one before it
had ended, up to the last. Waiting for one of the query's places for calls (`queued`) counts as the
task's own; what had a place that others waited for has no slack that could be told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from apiql.errors import Code
from apiql.events import CallMade, ElseTaken, Event, Queued, Retried, TaskEnded
from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.works import Nested, inner_works


@dataclass(frozen=True, slots=True)
class Times:
    """The least, median and most of several times."""

    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True)
class TaskAnalysis:
    """A task, or one of a nested plan (`outer/inner`; `runs` is how often it was carried out).

    `start` is when all it needs had ended, `queued` how long its calls waited for places. `calls`
    are upstream calls, `retries` the tries after the first among them, `turns` how often `else`
    took over, `hits` answers that were kept, the oldest of them `age` old. `codes` counts the calls
    that failed. `others` are the members of the answer that it makes beside its own.
    """

    name: str
    needs: tuple[str, ...]
    others: tuple[str, ...]
    runs: int
    start: float
    end: float
    queued: float
    slack: float | None
    ending: str
    code: str | None
    calls: int
    retries: int
    turns: int
    hits: int
    age: float | None
    size: int
    statuses: Mapping[int, int]
    codes: Mapping[str, int]
    times: Times | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """A whole run: `total` is the time to the end of the answer, `path` the critical path."""

    total: float
    status: int
    path: tuple[str, ...]
    tasks: tuple[TaskAnalysis, ...]

    @property
    def calls(self) -> int:
        """All upstream calls."""
        return sum(task.calls for task in self.tasks)

    @property
    def size(self) -> int:
        """The bytes of all bodies."""
        return sum(task.size for task in self.tasks)


@dataclass(frozen=True, slots=True)
class _Gate:
    """A moment at which a task wanted to go on and what it needed for that; `at` is when that had
    ended, `late` how much later than wanted.
    """

    needs: tuple[str, ...]
    at: float
    late: float


@dataclass(slots=True)
class _Told:
    """The events of a run by their task."""

    ended: dict[str, list[TaskEnded]]
    calls: dict[str, list[CallMade]]
    turns: dict[str, list[ElseTaken]]
    waits: list[Queued]
    retries: Counter[str]

    @classmethod
    def of(cls, events: Iterable[Event]) -> _Told:
        told = cls({}, {}, {}, [], Counter())
        for event in events:
            match event:
                case TaskEnded():
                    told.ended.setdefault(event.task, []).append(event)
                case CallMade() if event.code != Code.BUDGET_EXCEEDED:
                    told.calls.setdefault(event.task, []).append(event)
                case ElseTaken():
                    told.turns.setdefault(event.task, []).append(event)
                case Queued():
                    told.waits.append(event)
                case Retried():
                    told.retries[event.task] += 1
        return told

    def end(self, name: str) -> float:
        """When a task's last run had ended."""
        return max(event.ended for event in self.ended[name])


def analysis_of(
    plan: Plan, events: Iterable[Event], start: float, end: float, status: int
) -> Analysis:
    """The analysis of a run that lasted from `start` to `end`, answered with `status`."""
    told = _Told.of(events)
    unsure = _in_the_way(plan, told, "")
    slacks = {name: slack for name, slack in _slacks(plan, told, "", 0.0).items()
              if slack == 0 or not any(_is_part_of(name, each) for each in unsure)}  # fmt: skip
    tasks = tuple(
        _task(name, task, _others(plan, name), told, start, slacks.get(name))
        for name, task in _named(plan, "")
        if name in told.ended
    )
    return Analysis(end - start, status, _critical(plan, told), tasks)


# -- tasks --------------------------------------------------------------------------------------


def _named(plan: Plan, prefix: str) -> Iterator[tuple[str, Task]]:
    """The tasks of a plan by their names in events, each before those of the plan inside it."""
    for task in plan.tasks:
        yield prefix + task.name, task
        for inner in {work.name: work for work in _nested(task)}.values():
            yield from _named(inner.plan, f"{prefix}{task.name}/")


def _nested(task: Task) -> Iterator[Nested]:
    for one in with_otherwise(task):
        yield from (work for work in inner_works(one.work) if isinstance(work, Nested))


def _others(plan: Plan, name: str) -> tuple[str, ...]:
    return tuple(o.name for o in plan.outputs if o.task == name and o.name != name)


def _task(
    name: str, task: Task, others: tuple[str, ...], told: _Told, start: float, slack: float | None
) -> TaskAnalysis:
    runs, made = told.ended[name], told.calls.get(name, [])
    began = min(run.started for run in runs)
    real = [call for call in made if call.age is None]
    ages = [call.age for call in made if call.age is not None]
    return TaskAnalysis(
        name=name, needs=tuple(sorted(task.needs)), others=others, runs=len(runs),
        start=began - start, end=told.end(name) - start,
        queued=sum(wait.until - wait.since for wait in told.waits if wait.task == name),
        slack=slack,
        ending=_worst(runs).ending, code=_worst(runs).code,
        calls=len(real), retries=told.retries[name],
        turns=len(told.turns.get(name, ())), hits=len(ages), age=max(ages, default=None),
        size=sum(call.size for call in made),
        statuses=Counter(call.status for call in made if call.status is not None),
        codes=Counter(call.code for call in made if call.code is not None),
        times=_times([call.ended - call.started for call in real]),
    )  # fmt: skip


def _worst(runs: Sequence[TaskEnded]) -> TaskEnded:
    """The run that is told of where there are several: the first that is not done."""
    return next((run for run in runs if run.ending != "done"), runs[0])


def _times(found: Sequence[float]) -> Times | None:
    return Times(min(found), median(found), max(found)) if found else None


# -- slack and the critical path ------------------------------------------------------------------


def _slacks(plan: Plan, told: _Told, prefix: str, spare: float) -> dict[str, float]:
    """The slack of each task; the plan as a whole could have ended `spare` later."""
    last = max(told.end(prefix + task.name) for task in plan.tasks)
    found = {prefix + t.name: spare + last - told.end(prefix + t.name) for t in plan.tasks}
    for task in reversed(plan.tasks):
        name = prefix + task.name
        slack = found[name]
        for gate in reversed(_gates(task, told, prefix)):
            for need in gate.needs:
                found[need] = min(found[need], slack + gate.at - told.end(need))
            slack += gate.late
    for task in plan.tasks:
        name = prefix + task.name
        if isinstance(task.work, Nested) and _is_whole(task.work.plan, told, f"{name}/"):
            found |= _slacks(task.work.plan, told, f"{name}/", found[name])
    return found


def _in_the_way(plan: Plan, told: _Told, prefix: str) -> set[str]:
    """The tasks that had a place while others waited for one, and those that they need."""
    found: set[str] = set()
    for task in reversed(plan.tasks):
        name = prefix + task.name
        if name in found or _held_others_up(name, told):
            found |= {name, *(prefix + need for need in task.needs)}
        if isinstance(task.work, Nested):
            found |= _in_the_way(task.work.plan, told, f"{name}/")
    return found


def _held_others_up(name: str, told: _Told) -> bool:
    waits = [wait for wait in told.waits if not _is_part_of(wait.task, name)]
    return any(
        call.started < wait.until and wait.since < call.ended
        for task, calls in told.calls.items()
        if waits and _is_part_of(task, name)
        for call in calls
        for wait in waits
    )


def _is_part_of(name: str, task: str) -> bool:
    return name == task or name.startswith(f"{task}/")


def _is_whole(plan: Plan, told: _Told, prefix: str) -> bool:
    return all(prefix + task.name in told.ended for task in plan.tasks)


def _gates(task: Task, told: _Told, prefix: str) -> list[_Gate]:
    """What a task waited for: before it began, and before another source took its place."""
    turns = told.turns.get(prefix + task.name, [])
    found = []
    for number, one in enumerate(with_otherwise(task)):
        if number > len(turns):
            break
        needs = tuple(prefix + need for need in sorted(one.begins_after))
        ready = max((told.end(need) for need in needs), default=0.0)
        wanted = turns[number - 1].failed if number else ready
        found.append(_Gate(needs, max(ready, wanted), max(0.0, ready - wanted)))
    return found


def _critical(plan: Plan, told: _Told) -> tuple[str, ...]:
    """The chain that ends with the task that ended last."""
    tasks = {task.name: task for task in plan.tasks}
    path: list[str] = []
    at: str | None = max(tasks, key=told.end)
    while at is not None:
        path.append(at)
        at = _held_up_by(tasks[at], told)
    return tuple(reversed(path))


def _held_up_by(task: Task, told: _Told) -> str | None:
    """The task whose end let this one go on the last time it had to wait."""
    first, *turns = _gates(task, told, "")
    waited = next((gate for gate in reversed(turns) if gate.late > 0), first)
    return max(waited.needs, key=told.end, default=None)

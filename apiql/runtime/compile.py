"""Plan --compile--> what a run carries out: closures for calls, decoders for bodies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from apiql.errors import Code, Problem, QueryRefused, ValueRefused
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.policy import Policy, Tolerance
from apiql.ir.projection import Named
from apiql.ir.values import (
    Apply,
    Items,
    Literal,
    ParamRoot,
    Part,
    Record,
    Ref,
    ResultRoot,
    RowRoot,
    Value,
    refs,
)
from apiql.plugins import Registry
from apiql.runtime.decode import Reader, compile_reader, to_json
from apiql.runtime.evaluate import Evaluate, Reads, compile_value, static_names
from apiql.runtime.request import Build, compile_request, reads_results
from apiql.runtime.shape import Shape, compile_shape

Paths = dict[str, dict[tuple[str, ...], int]]


@dataclass(frozen=True, slots=True)
class Step:
    """A task ready to be carried out.

    `early`: nothing of its call waits for a result, so the call is made up before the first is
    sent. `checks` are the parts of other values that can be looked at that early too. `after`
    are the tasks that must not have failed, though nothing of theirs is read.
    """

    name: str
    build: Build
    early: bool
    checks: tuple[Evaluate, ...]
    needs: tuple[str, ...]
    after: tuple[str, ...]
    read: Reader
    shapes: tuple[Shape, ...]
    policy: Policy
    timeout: float
    service: str
    method: str
    is_read: bool
    twin: str | None
    task: Task


@dataclass(frozen=True, slots=True)
class Executable:
    """A compiled plan. `places` says where each output's JSON is: (step's name, its number);
    `openings` is what stands before each in the answer: `{"name":` or `,"name":`, nothing for a
    hidden one; `timed` are the steps whose time a parameter holds."""

    plan: Plan
    steps: tuple[Step, ...]
    places: tuple[tuple[str, int], ...]
    openings: tuple[bytes, ...]
    timed: tuple[Step, ...]
    has_twins: bool


def compile_plan(plan: Plan, functions: Registry, call_timeout: float) -> Executable:
    """The closures and decoders of a plan; `call_timeout` counts where nothing else is said.

    Raises:
        QueryRefused: a constant that cannot stand where it stands (BAD_VALUE).
    """
    paths = _paths(plan)
    reads: Reads = {(task, path): n for task, found in paths.items() for path, n in found.items()}
    outputs: dict[str, list[Output]] = {task.name: [] for task in plan.tasks}
    places = []
    for output in plan.outputs:
        places.append((output.task, len(outputs[output.task])))
        outputs[output.task].append(output)
    twins = _twins(plan)
    tolerated = {t.name for t in plan.tasks if t.policy.tolerance is Tolerance.OPTIONAL}
    steps, problems = [], []
    for task in plan.tasks:
        try:
            found = compile_reader(tuple(paths[task.name]))
            step = _step(task, outputs[task.name], found, twins.get(task.name), functions, reads)
            after = tuple(sorted(task.after - tolerated))
            steps.append(replace(step, after=after, timeout=_timeout(task, call_timeout)))
        except ValueRefused as refused:
            problems.append(_problem(task, refused))
    if problems:
        raise QueryRefused(tuple(problems))
    timed = tuple(step for step in steps if isinstance(step.policy.timeout, ParamRoot))
    return Executable(plan, tuple(steps), tuple(places), _openings(plan), timed, bool(twins))


def _problem(task: Task, refused: ValueRefused) -> Problem:
    message = f"{task.name}: {refused.message}"
    place = (task.location,)
    return Problem(Code.BAD_VALUE, message, place, refused.hint, task=task.name)


def _timeout(task: Task, call_timeout: float) -> float:
    """The seconds of one call: what the query says, else the source, else the settings."""
    asked = task.policy.timeout
    if isinstance(asked, float):
        return asked
    own = task.work.endpoint.timeout
    return call_timeout if own is None else own


def _openings(plan: Plan) -> tuple[bytes, ...]:
    openings, mark = [], b"{"
    for output in plan.outputs:
        openings.append(b"" if output.hidden else mark + to_json(output.name) + b":")
        mark = mark if output.hidden else b","
    return tuple(openings)


def _step(
    task: Task, outputs: list[Output], read: Reader, twin: str | None,
    functions: Registry, reads: Reads,
) -> Step:  # fmt: skip
    fetch = task.work
    early = not any(reads_results(value) for value in fetch.values())
    values = [] if early else list(fetch.values())
    values += [value for output in outputs for value in output.projection.values()]
    checks = [compile_value(p, functions, reads) for value in values for p in _pure_parts(value)]
    return Step(
        name=task.name, build=compile_request(fetch, functions, reads), early=early,
        checks=tuple(checks), needs=tuple(sorted(task.needs)), after=(), read=read,
        shapes=tuple(_shape(output, functions, reads) for output in outputs),
        policy=task.policy, timeout=0.0, service=fetch.endpoint.service,
        method=fetch.method.upper(), is_read=fetch.is_read, twin=twin, task=task,
    )  # fmt: skip


def _shape(output: Output, functions: Registry, reads: Reads) -> Shape:
    evaluators = {
        field.name: compile_value(field.value, functions, reads)
        for field in output.projection.fields
        if isinstance(field, Named)
    }
    return compile_shape(output.projection, evaluators)


def _paths(plan: Plan) -> Paths:
    """The paths that anybody reads of each task's body, numbered."""
    paths: Paths = {task.name: {} for task in plan.tasks}
    found: list[Ref] = [ref for task in plan.tasks for ref in task.reads()]
    found += [ref for output in plan.outputs for ref in output.projection.references()]
    for ref in found:
        if isinstance(ref.root, ResultRoot) and ref.part is Part.BODY:
            numbers = paths[ref.root.task]
            numbers.setdefault(static_names(ref), len(numbers))
    return paths


def _twins(plan: Plan) -> dict[str, str]:
    """Reads that may turn out equal once their values are known, by a key they share."""
    groups: dict[str, list[str]] = {}
    for task in plan.tasks:
        if task.work.is_read:
            after = ",".join(sorted(task.after))
            key = f"{task.work.method} {task.work.endpoint!r} {task.policy!r} {after}"
            groups.setdefault(key, []).append(task.name)
    return {name: key for key, names in groups.items() if len(names) > 1 for name in names}


def _pure_parts(value: Value) -> Iterator[Value]:
    """The largest parts of a value that neither a result nor a row is needed for, constants
    aside.
    """
    found = list(refs(value))
    if not any(isinstance(ref.root, ResultRoot | RowRoot) for ref in found):
        if found or not isinstance(value, Literal):
            yield value
        return
    match value:
        case Record(members):
            for _, member in members:
                yield from _pure_parts(member)
        case Items(items) | Apply(_, items):
            for item in items:
                yield from _pure_parts(item)
        case _:
            return

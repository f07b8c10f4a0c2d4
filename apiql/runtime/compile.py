"""Plan --compile--> what a run carries out: closures for calls, decoders for bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from apiql.errors import Code, Problem, QueryRefused, ValueRefused
from apiql.ir.forwarding import caller_reads, withheld_of
from apiql.ir.plan import Output, Plan, Task
from apiql.ir.policy import Caching, Tolerance
from apiql.ir.projection import Named, Projection
from apiql.ir.reach import Reach, reached
from apiql.ir.values import Value
from apiql.ir.works import Fetch, Nested, Repeat, Work
from apiql.plugins import Registry
from apiql.runtime.caller import withholding
from apiql.runtime.clauses import is_plain, retry_of, timeout_of, work_name
from apiql.runtime.compile_stated import is_narrow, stated_step
from apiql.runtime.decode import compile_reader
from apiql.runtime.elements import compile_elements
from apiql.runtime.evaluate import compile_value
from apiql.runtime.known import pure_parts
from apiql.runtime.lifetimes import header_names
from apiql.runtime.paths import Paths, paths_of
from apiql.runtime.request import Build, compile_request, reads_results
from apiql.runtime.returned import compile_answer
from apiql.runtime.row_list import object_alone
from apiql.runtime.rows import compile_rows, row_checks, row_values
from apiql.runtime.scope import Evaluate, Reads
from apiql.runtime.shape import Shape, compile_shape
from apiql.runtime.skeleton import skeleton_of
from apiql.runtime.step import Executable, Fan, NestedCall, RowStage, Step
from apiql.runtime.strangers import strangers_of
from apiql.runtime.twins import call_key, tells_apart, twins_of
from apiql.runtime.weave import compile_weaves

NONE: Mapping[int, Executable] = {}
Usual: TypeAlias = Fetch | Nested | Repeat


@dataclass(frozen=True, slots=True)
class _Compiler:
    """What every step of a plan is compiled with. `known` has stored plans that are compiled, by
    their `id()`: they live as long as what is compiled of them.
    """

    functions: Registry
    paths: Paths
    reads: Reads
    outputs: dict[str, list[Output]]
    twins: Mapping[str, int]
    tolerated: frozenset[str]
    call_timeout: float
    known: Mapping[int, Executable]
    shared: dict[int, Executable] | None


def compile_plan(
    plan: Plan, functions: Registry, call_timeout: float, known: Mapping[int, Executable] = NONE,
    reach: Reach | None = None, shared: dict[int, Executable] | None = None,
) -> Executable:  # fmt: skip
    """The closures and decoders of a plan; `call_timeout` counts where nothing else is said.
    `reach` is that of the text, where the plan was rewritten since. Plans inside it that are in
    `shared` are not compiled again, and others put there: they must live as long.

    Raises:
        QueryRefused: a constant that cannot stand where it stands (BAD_VALUE).
    """
    paths = paths_of(plan)
    reads: Reads = {(task, *key): n for task, found in paths.items() for key, n in found.items()}
    outputs: dict[str, list[Output]] = {task.name: [] for task in plan.tasks}
    places = []
    for output in plan.outputs:
        places.append((output.task, len(outputs[output.task])))
        outputs[output.task].append(output)
    tolerated = {t.name for t in plan.tasks if t.policy.tolerance is Tolerance.OPTIONAL}
    compiler = _Compiler(
        functions, paths, reads, outputs, twins_of(plan), frozenset(tolerated), call_timeout, known,
        shared,
    )  # fmt: skip
    steps = _steps(plan, compiler)
    return _executable(plan, steps, tuple(places), compiler, reach or reached(plan))


def _steps(plan: Plan, compiler: _Compiler) -> tuple[Step, ...]:
    steps, problems = [], []
    for task in plan.tasks:
        try:
            projections = [output.projection for output in compiler.outputs[task.name]]
            steps.append(_any_step(task, projections, compiler))
        except ValueRefused as refused:
            problems.append(_problem(task, refused))
    if problems:
        raise QueryRefused(tuple(problems))
    return tuple(steps)


def _executable(
    plan: Plan, steps: tuple[Step, ...], places: tuple[tuple[str, int], ...], compiler: _Compiler,
    reach: Reach,
) -> Executable:  # fmt: skip
    returned = None
    if plan.returned is not None:
        returned = compile_answer(plan.returned, compiler.functions, compiler.reads)
    weaves = compile_weaves(plan, compiler.reads)
    return Executable(
        plan=plan, steps=steps, places=places, writes=plan.writes,
        skeleton=None if weaves else skeleton_of(plan),
        timed=tuple(one for step in steps for one in step.alternatives() if one.policy.durations()),
        has_twins=bool(compiler.twins), returned=returned, weaves=weaves,
        checks=_return_checks(plan, compiler),
        wide=not all(step.plain or is_narrow(step.task) for step in steps),
        varies=header_names(plan) if compiler.shared is None else frozenset(),
        caches=any(_caches(one) for step in steps for one in step.alternatives()), reach=reach,
        chain=_is_chain(steps), looked_at=tuple(filter(_is_looked_at, steps)),
        strangers=strangers_of(plan, steps),
    )  # fmt: skip


def _is_looked_at(step: Step) -> bool:
    """Whether something of the step can be known before the first call."""
    when = step.task.when
    return step.stated is None or (when is not None and not reads_results(when))


def _is_chain(steps: tuple[Step, ...]) -> bool:
    """Whether each step waits for the one before it, so that no two are ever side by side."""
    return all(before.name in step.needs for before, step in pairwise(steps))


def _caches(step: Step) -> bool:
    """Whether a clause of the step, or of the plan in it, says how long something is kept."""
    inner = step.nested is not None and step.nested.executable.caches
    return inner or step.policy.caching != Caching()


def _return_checks(plan: Plan, compiler: _Compiler) -> tuple[Evaluate, ...]:
    if plan.returned is None:
        return ()
    return tuple(_value(part, compiler) for part in pure_parts(plan.returned))


def _problem(task: Task, refused: ValueRefused) -> Problem:
    message = f"{task.name}: {refused.message}"
    place = (task.location,)
    return Problem(Code.BAD_VALUE, message, place, refused.hint, task=task.name)


# -- steps --------------------------------------------------------------------------------------


def _step(task: Task, work: Usual, projections: list[Projection], compiler: _Compiler) -> Step:
    compiler = _withholding(work, compiler)
    each = work.each if isinstance(work, Repeat) else work
    fetch = each if isinstance(each, Fetch) else None
    early = not any(reads_results(value) for value in work.values())
    return Step(
        name=task.name, task=task, build=_build(each, compiler), early=early,
        checks=_checks(task, projections, early, compiler),
        needs=tuple(sorted(task.begins_after)),
        after=tuple(sorted(task.after - compiler.tolerated)),
        read=compile_reader(tuple(compiler.paths[task.name])),
        exact=tuple(exact for _, exact in compiler.paths[task.name]),
        rows=_rows(task, projections, compiler),
        shapes=tuple(_shape(projection, compiler) for projection in projections),
        policy=task.policy, retry=retry_of(task, fetch),
        on_timeout=fetch.endpoint.on_timeout if fetch else "error",
        timeout=timeout_of(task, fetch, compiler.call_timeout),
        service=fetch.endpoint.service if fetch else work_name(each),
        method=fetch.method.upper() if fetch else "QUERY", is_read=work.is_read,
        twin=_twin(task, compiler), plain=is_plain(task),
        when=None if task.when is None else _value(task.when, compiler),
        fan=_fan(task, work, compiler) if isinstance(work, Repeat) else None,
        nested=_nested(each, compiler) if isinstance(each, Nested) else None,
        otherwise=_otherwise(task, len(projections), compiler),
    )  # fmt: skip


def _any_step(task: Task, projections: list[Projection], compiler: _Compiler) -> Step:
    if task.made is None and isinstance(task.work, Fetch | Nested | Repeat):
        return _step(task, task.work, projections, compiler)
    return _stated_step(task, compiler)


def _stated_step(task: Task, compiler: _Compiler) -> Step:
    def compiled(value: Value) -> Evaluate:
        return _value(value, compiler)

    def nested(work: Nested) -> NestedCall:
        return _nested(work, compiler)

    after = tuple(sorted(task.after - compiler.tolerated))
    paths = compiler.paths[task.name]
    return stated_step(task, compiled, nested, paths, after, compiler.call_timeout)


def _withholding(work: Work, compiler: _Compiler) -> _Compiler:
    """Where only a run knows which header of the request is read: none that may not be sent."""
    if all(name is not None for value in work.values() for name in caller_reads(value)):
        return compiler
    guarded = compiler.functions.in_place(withholding(withheld_of(work)))
    return replace(compiler, functions=guarded)


def _value(value: Value, compiler: _Compiler) -> Evaluate:
    return compile_value(value, compiler.functions, compiler.reads)


def _build(work: Fetch | Nested, compiler: _Compiler) -> Build | None:
    if isinstance(work, Nested):
        return None
    return compile_request(work, compiler.functions, compiler.reads)


def _fan(task: Task, work: Repeat, compiler: _Compiler) -> Fan:
    axes = tuple(
        tuple(compile_elements(value, compiler.functions, compiler.reads) for value in axis.values)
        for axis in work.axes
    )
    shown = ", ".join(str(value) for axis in work.axes for value in axis.values)
    width = work.each.endpoint.concurrency if isinstance(work.each, Fetch) else None
    missing = f"not called: an element of {shown} is missing"
    key = work.batch.key if work.batch else None
    read_key = None if key is None else compile_reader(((key, False),))
    known = tuple(not any(map(reads_results, axis.values)) for axis in work.axes)
    plain = is_plain(replace(task, work=work.each, when=None, otherwise=None))
    apart = compiler.twins.get(call_key(task) or "") == 1 and tells_apart(work)
    return Fan(axes, known, work.is_read, work.batch, width, missing, read_key, plain, apart)


def _nested(work: Nested, compiler: _Compiler) -> NestedCall:
    arguments = tuple((name, _value(value, compiler)) for name, value in work.arguments)
    known, shared, own = compiler.known, compiler.shared, id(work.plan)
    executable = known.get(own) or (None if shared is None else shared.get(own))
    if executable is None:
        executable = compile_plan(
            work.plan, compiler.functions, compiler.call_timeout, known,
            None if shared is None else Reach(), shared,
        )  # fmt: skip
        if shared is not None:
            shared[own] = executable
    return NestedCall(executable, arguments)


def _otherwise(task: Task, outputs: int, compiler: _Compiler) -> Step | None:
    if task.otherwise is None:
        return None
    other = task.otherwise.task
    projections = [task.otherwise.projection] * outputs
    return _any_step(replace(other, name=task.name), projections, compiler)


def _rows(task: Task, projections: list[Projection], compiler: _Compiler) -> RowStage | None:
    if task.rows is None:
        work = task.work.each if isinstance(task.work, Repeat) else task.work
        return object_alone if isinstance(work, Fetch) and work.wants_object else None
    projection = projections[0] if projections else Projection(everything=True)
    return compile_rows(task.rows, projection, compiler.functions, compiler.reads)


def _shape(projection: Projection, compiler: _Compiler) -> Shape:
    evaluators = {
        field.name: _value(field.value, compiler)
        for field in projection.fields
        if isinstance(field, Named)
    }
    return compile_shape(projection, evaluators)


def _checks(
    task: Task, projections: list[Projection], early: bool, compiler: _Compiler
) -> tuple[Evaluate, ...]:
    """What can be looked at before the first call of values that wait for a result or a row."""
    built = early and isinstance(task.work, Fetch)
    values = [] if built else [*task.work.values()]
    values += [] if task.when is None else [task.when]
    values += [] if task.rows is None else row_values(task.rows)
    values += [value for projection in projections for value in projection.values()]
    found = [_value(part, compiler) for value in values for part in pure_parts(value)]
    return (*found, *(row_checks(task.rows) if task.rows is not None else ()))


def _twin(task: Task, compiler: _Compiler) -> str | None:
    key = call_key(task)
    return key if key in compiler.twins else None

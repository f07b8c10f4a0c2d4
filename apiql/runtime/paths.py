"""The paths that anybody reads of each result: as far as a body need be decoded."""

from __future__ import annotations

from collections.abc import Iterator

from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.projection import Path
from apiql.ir.values import Items, Part, Ref, ResultRoot, Value, refs, static_names
from apiql.ir.works import Repeat

Paths = dict[str, dict[tuple[Path, bool], int]]
"""By task: each path with whether missing elements are kept apart, numbered."""


def paths_of(plan: Plan) -> Paths:
    """The paths of each task's body that are read."""
    paths: Paths = {task.name: {} for task in plan.tasks}
    for task in plan.tasks:
        for one in with_otherwise(task):
            for ref, exact in _of_task(one):
                _note(ref, exact, paths)
    for output in plan.outputs:
        for ref in output.projection.references():
            _note(ref, False, paths)
    _note_keys(plan, paths)
    return paths


def _of_task(task: Task) -> Iterator[tuple[Ref, bool]]:
    lists: list[Value] = []
    if isinstance(task.work, Repeat):
        lists = [value for axis in task.work.axes for value in axis.values]
    for value in task.values():
        exact = any(value is found for found in lists)
        yield from _elements(value) if exact else ((ref, False) for ref in refs(value))


def _elements(value: Value) -> Iterator[tuple[Ref, bool]]:
    """The references in what stands after `in`, as `compile_elements` reads them."""
    match value:
        case Ref(ResultRoot(), part=Part.BODY):
            yield value, True
            yield from ((ref, False) for ref in refs(value) if ref is not value)
        case Items(items):
            for item in items:
                yield from _elements(item)
        case _:
            yield from ((ref, False) for ref in refs(value))


def _note(ref: Ref, exact: bool, paths: Paths) -> None:
    if isinstance(ref.root, ResultRoot) and ref.part is Part.BODY:
        numbers = paths[ref.root.task]
        numbers.setdefault((static_names(ref), exact), len(numbers))


def _note_keys(plan: Plan, paths: Paths) -> None:
    """The keys of `into … on`, in what comes in and in what it comes to."""
    tasks = {output.name: output.task for output in plan.outputs}
    for output in plan.outputs:
        on = output.into.on if output.into else None
        if output.into is not None and on is not None:
            for task, path in ((output.task, on.own), (tasks[output.into.into], on.target)):
                paths[task].setdefault((path, False), len(paths[task]))

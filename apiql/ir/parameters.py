"""Parameter types: which JSON values fit `set $name <type>`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apiql.ir.plan import Output, Parameter, Task, with_otherwise
from apiql.ir.policy import Settings
from apiql.ir.values import ParamRoot, Ref, Value, refs

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def fits(kind: str, value: Any) -> bool:
    """Whether a JSON value is of a type; a boolean is no number, null fits only `any`."""
    if kind == "any":
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])


def uses(
    tasks: Iterable[Task], outputs: Iterable[Output], settings: Settings, returned: Value | None
) -> dict[str, bool]:
    """Every parameter that is read, and whether a value is needed (somewhere without `?`)."""
    found: dict[str, bool] = {}
    _need([settings.timeout, settings.most_age], found)
    for first in tasks:
        for task in with_otherwise(first):
            for value in task.values():
                _note(refs(value), found)
            _need(task.policy.durations(), found)
            _need(() if task.rows is None else task.rows.counts(), found)
            if task.otherwise is not None:
                _note(task.otherwise.projection.references(), found)
    for output in outputs:
        _note(output.projection.references(), found)
    if returned is not None:
        _note(refs(returned), found)
    return found


def _need(values: Iterable[object], found: dict[str, bool]) -> None:
    for value in values:
        if isinstance(value, ParamRoot):
            found[value.name] = True


def completed(declared: Iterable[Parameter], found: dict[str, bool]) -> tuple[Parameter, ...]:
    """The declared parameters and those only used: what is undeclared is required, of any type."""
    known = {parameter.name: parameter for parameter in declared}
    for name, needed in found.items():
        parameter = known.get(name, Parameter(name))
        known[name] = Parameter(
            name, parameter.type, parameter.default, parameter.has_default,
            needed and not parameter.has_default, parameter.location,
        )  # fmt: skip
    return tuple(known.values())


def _note(references: Iterable[Ref], found: dict[str, bool]) -> None:
    for ref in references:
        if isinstance(ref.root, ParamRoot):
            found[ref.root.name] = found.get(ref.root.name, False) or not ref.optional

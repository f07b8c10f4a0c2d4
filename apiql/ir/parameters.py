"""Parameter types: which JSON values fit `set $name <type>`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from apiql.ir.plan import Output, Parameter, Task
from apiql.ir.policy import Settings
from apiql.ir.values import ParamRoot, Ref, refs

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


def uses(tasks: Iterable[Task], outputs: Iterable[Output], settings: Settings) -> dict[str, bool]:
    """Every parameter that is read, and whether a value is needed (somewhere without `?`)."""
    found: dict[str, bool] = {}
    if isinstance(settings.timeout, ParamRoot):
        found[settings.timeout.name] = True
    for task in tasks:
        for value in task.work.values():
            _note(refs(value), found)
        if isinstance(task.policy.timeout, ParamRoot):
            found[task.policy.timeout.name] = True
    for output in outputs:
        _note(output.projection.references(), found)
    return found


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

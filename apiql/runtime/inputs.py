"""What a run starts with: parameters checked against their declarations, all at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from apiql.errors import Code, Location, Problem, QueryRefused, nearest
from apiql.ir.parameters import fits
from apiql.ir.plan import Parameter
from apiql.ir.policy import Duration, seconds, time_text
from apiql.ir.values import ParamRoot
from apiql.runtime.json_values import a_kind

LONGEST_SPELLED = 64
"""Letters of a text that is looked at for what it spells."""


def bind_parameters(declared: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a run: given values, else defaults.

    Raises:
        QueryRefused: VARIABLE_TYPE for each of the wrong type, one MISSING_VARIABLE for all
            that are missing, and for each that is given under nearly its name.
    """
    bound: dict[str, Any] = {}
    missing: list[Parameter] = []
    absent: list[Parameter] = []
    problems: list[Problem] = []
    for parameter in declared:
        name = parameter.name
        if name in given:
            bound[name] = given[name]
            if parameter.type != "any":
                problems += _wrong_type(parameter, given[name])
        elif parameter.has_default:
            bound[name] = parameter.default
            absent.append(parameter)
        elif parameter.required:
            missing.append(parameter)
        else:
            absent.append(parameter)
    if absent and given:
        problems += _nearly_given(absent, given.keys() - bound.keys())
    if missing:
        problems.append(_missing(missing, given))
    if problems:
        raise QueryRefused(tuple(problems))
    return bound


def seconds_of(duration: Duration | None, params: Mapping[str, Any], longest: float) -> float:
    """A duration in seconds; None means `longest`, which is also the limit.

    Raises:
        QueryRefused: the parameter holds no duration, or one over the limit.
    """
    if duration is None:
        return longest
    if not isinstance(duration, ParamRoot):
        return duration
    found = _duration(params.get(duration.name))
    if found is None or found <= 0:
        message = f"${duration.name} is no duration"
        hint = "a number of milliseconds, or a text like 500ms, 2s, 5m"
        raise QueryRefused((Problem(Code.VARIABLE_TYPE, message, hint=hint),))
    if found > longest:
        message = f"${duration.name} goes over the limit of {time_text(longest)}"
        raise QueryRefused((Problem(Code.LIMIT_EXCEEDED, message),))
    return found


def duration_of(duration: Duration, params: Mapping[str, Any]) -> float:
    """A duration that `seconds_of` has looked at, in seconds."""
    if not isinstance(duration, ParamRoot):
        return duration
    return _duration(params[duration.name]) or 0.0


def _duration(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return seconds(value)
    try:
        return float(value) / 1000
    except (TypeError, ValueError, OverflowError):
        return None


def _wrong_type(parameter: Parameter, value: Any) -> Iterable[Problem]:
    if fits(parameter.type, value) or (value is None and _takes_null(parameter)):
        return
    message = f"${parameter.name} wants {_article(parameter.type)}, got {a_kind(value)}"
    yield Problem(Code.VARIABLE_TYPE, message, _places([parameter]), _meant(parameter, value))


def _meant(parameter: Parameter, value: Any) -> str | None:
    """What a text would be that spells what is wanted; values themselves are never shown."""
    if parameter.type == "string" and not isinstance(value, str):
        return "a text stands in quotes" if isinstance(value, int | Decimal | float) else None
    if not isinstance(value, str) or len(value) > LONGEST_SPELLED:
        return None
    try:
        spelled = json.loads(value, parse_float=Decimal, parse_constant=int)
    except ValueError:
        return None
    if not fits(parameter.type, spelled):
        return None
    return f"without quotes it would be {_article(parameter.type)}"


def _takes_null(parameter: Parameter) -> bool:
    return parameter.has_default and parameter.default is None


def _missing(missing: list[Parameter], given: Mapping[str, Any]) -> Problem:
    names = ", ".join(f"${parameter.name}" for parameter in missing)
    verb = "is" if len(missing) == 1 else "are"
    meant = [nearest(parameter.name, given) for parameter in missing]
    hints = [f"`{found}` was given: did you mean that?" for found in meant if found]
    if any(f"${parameter.name}" in given for parameter in missing):
        hints = ['they are named without the $: {"params": {"id": 7}}']
    hint = hints[0] if hints else "send them as parameters, or give them a default with set"
    return Problem(Code.MISSING_VARIABLE, f"{names} {verb} missing", _places(missing), hint)


def _nearly_given(absent: Iterable[Parameter], strays: Iterable[str]) -> Iterable[Problem]:
    """Parameters that need not be given, and are under a name that differs in capitals, `_` or the
    mark alone: a default would be answered in place of what was asked.
    """
    names = {_plain(name): name for name in sorted(strays)}
    for parameter in absent:
        name = names.get(_plain(parameter.name))
        if name is not None:
            message = f"${parameter.name} is not given, but a parameter `{name[:64]}` is"
            mark = ", without the $" if name.startswith("$") else ""
            hint = f'write{mark}: {{"params": {{"{parameter.name}": …}}}}'
            yield Problem(Code.MISSING_VARIABLE, message, _places([parameter]), hint)


def _plain(name: str) -> str:
    return name.removeprefix("$").casefold().replace("_", "")


def _places(parameters: Iterable[Parameter]) -> tuple[Location, ...]:
    return tuple(p.location for p in parameters if p.location is not None)


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"

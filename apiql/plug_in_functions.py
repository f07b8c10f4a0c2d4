"""Plain Python functions of plug-ins -> functions of texts, of Go templates and of definitions.
What they give must be what the other side takes; how many arguments they take is read off them.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apiql import gotemplate
from apiql.gotemplate.values import ListView, MapView, Number
from apiql.plugins import Function

Plain = Callable[..., Any]
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_DEPTH = 100


class Unfit(Exception):
    """A thing that can be no function here, with the reason."""


def arity_of(call: Plain) -> tuple[int, int | None]:
    """The fewest and the most arguments; any number where it does not say.

    Raises:
        Unfit: it cannot be called with arguments by position, or not by us.
    """
    if not callable(call):
        raise Unfit("it cannot be called")
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        raise Unfit("it is async: functions give their value at once")
    if inspect.isgeneratorfunction(call):
        raise Unfit("it is a generator: functions give one value")
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 0, None
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise Unfit(f"it needs {parameter.name} by its name: arguments come by position")
    places = [each for each in parameters if each.kind in _POSITIONAL]
    most = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(places)
    return sum(place.default is place.empty for place in places), most


def of_texts(name: str, call: Plain | Function) -> Function:
    """A function of texts; raises `Unfit`."""
    if isinstance(call, Function):
        if call.name.lower() != name.lower():
            raise Unfit(f"it is called {call.name} by itself")
        return call
    least, most = arity_of(call)
    return Function(name, lambda *given: _json(name, call(*given)), least, most)


def of_templates(name: str, call: Plain | gotemplate.Function) -> gotemplate.Function:
    """A function of Go templates; raises `Unfit`."""
    if isinstance(call, gotemplate.Function):
        return call
    least, most = arity_of(call)

    def called(*given: Any) -> Any:
        found = call(*map(_as_json, given))
        if found is None or isinstance(found, bool | int | float | str):
            return found
        raise _wrong(name, found, "a text, a number, True, False or None")

    return gotemplate.Function(called, least, most)


def of_values(name: str, call: Plain) -> Callable[..., str]:
    """A function of `"from": "func"`, which takes texts and gives one; raises `Unfit`."""
    arity_of(call)

    def called(*given: str) -> str:
        found = call(*given)
        if isinstance(found, str):
            return found
        raise _wrong(name, found, "a text")

    return called


def _as_json(value: Any) -> Any:
    """What a template has, as plain Python."""
    if isinstance(value, ListView | MapView):
        return value.raw
    return str(value) if isinstance(value, Number) else value


def _json(name: str, found: Any, depth: int = 0) -> Any:
    """What texts know; numbers with a point are exact there."""
    if found is None or type(found) in (bool, int, str, Decimal):
        return found
    if isinstance(found, float) and math.isfinite(found):
        return Decimal(repr(float(found)))
    if depth < _DEPTH and isinstance(found, list | tuple):
        return [_json(name, each, depth + 1) for each in found]
    if depth < _DEPTH and isinstance(found, dict) and all(type(key) is str for key in found):
        return {key: _json(name, each, depth + 1) for key, each in found.items()}
    raise _wrong(name, found, "JSON: None, bool, int, float, Decimal, str, list or dict of these")


def _wrong(name: str, found: Any, wanted: str) -> TypeError:
    return TypeError(f"{name}() of a plug-in gave {type(found).__name__}, and not {wanted}")

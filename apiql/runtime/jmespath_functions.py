"""The functions of JMESPath, as its specification has them, over exact numbers.

Each states what it wants; `checked` refuses anything else by name. They are a language of their
own: `length` or `sort` here is JMESPath's, not APIQL's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from types import MappingProxyType
from typing import Any

from apiql.errors import ValueRefused
from apiql.runtime.arguments import MOST_CHARACTERS, bounded, refuse_above, total
from apiql.runtime.json_values import Json, Number, a_kind, encode, is_number, number_of
from apiql.runtime.list_functions import total_of
from apiql.runtime.operators import compare, divide, rounded, same

ANY = "anything"
EXPRESSION = "an &expression"
_NUMBER = "a number"
_TEXT = "a text"
_LIST = "a list"
_OBJECT = "an object"
_TEXT_OR_LIST = "a text or list"
_SIZED = "a text, list or object"
_NUMBERS = "a list of numbers"
_TEXTS = "a list of texts"
_ALIKE = "a list of numbers or of texts"

Key = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class JmesFunction:
    """`call` gets what it `wants`, by position; `more`: the last may come again."""

    wants: tuple[str, ...]
    call: Callable[..., Json]
    more: bool = False


def checked(name: str, arguments: list[Any]) -> Json:
    """The function's value; ValueRefused where an argument is not what it wants."""
    function = JMESPATH_FUNCTIONS[name]
    wants = function.wants + function.wants[-1:] * (len(arguments) - len(function.wants))
    for want, given in zip(wants, arguments, strict=True):
        if not _CHECKS[want](given):
            found = a_kind(given)
            shown = f"{found} of something else" if isinstance(given, list) else found
            raise ValueRefused(f"JMESPath: {name}() wants {want}, got {shown}")
    return function.call(*arguments)


def _numbers(value: Json) -> bool:
    return isinstance(value, list) and all(map(is_number, value))


def _texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_CHECKS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        ANY: lambda value: True,
        EXPRESSION: callable,
        _NUMBER: is_number,
        _TEXT: lambda value: isinstance(value, str),
        _LIST: lambda value: isinstance(value, list),
        _OBJECT: lambda value: isinstance(value, dict),
        _TEXT_OR_LIST: lambda value: isinstance(value, str | list),
        _SIZED: lambda value: isinstance(value, str | list | dict),
        _NUMBERS: _numbers,
        _TEXTS: _texts,
        _ALIKE: lambda value: _numbers(value) or _texts(value),
    }
)


def _abs(value: Number) -> Number:
    return value.copy_abs() if isinstance(value, Decimal) else abs(value)


def _avg(values: list[Number]) -> Number | None:
    return divide(total_of(values), len(values)) if values else None


def _ceil(value: Number) -> Number:
    return rounded(value, ROUND_CEILING) if isinstance(value, Decimal) else value


def _floor(value: Number) -> Number:
    return rounded(value, ROUND_FLOOR) if isinstance(value, Decimal) else value


def _contains(subject: str | list[Json], wanted: Json) -> bool:
    if isinstance(subject, str):
        return isinstance(wanted, str) and wanted in subject
    return any(same(item, wanted) for item in subject)


def _join(separator: str, texts: list[str]) -> str:
    refuse_above("JMESPath: join", total(texts, separator), MOST_CHARACTERS, "characters")
    return separator.join(texts)


def _map(expression: Key, values: list[Json]) -> list[Json]:
    return [expression(value) for value in values]


def _merge(*objects: dict[str, Json]) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for found in objects:
        merged |= found
    return merged


def _not_null(*values: Json) -> Json:
    return next((value for value in values if value is not None), None)


def _sort_by(values: list[Json], expression: Key) -> list[Json]:
    keys = _alike_keys("sort_by", values, expression)
    return [values[at] for at in sorted(range(len(values)), key=keys.__getitem__)]


def _min_by(values: list[Json], expression: Key) -> Json:
    keys = _alike_keys("min_by", values, expression)
    return values[min(range(len(keys)), key=keys.__getitem__)] if values else None


def _max_by(values: list[Json], expression: Key) -> Json:
    keys = _alike_keys("max_by", values, expression)
    return values[max(range(len(keys)), key=keys.__getitem__)] if values else None


def _alike_keys(name: str, values: list[Json], expression: Key) -> list[Any]:
    """What each element is ordered by: all numbers or all texts, so that they can be."""
    keys = [expression(value) for value in values]
    for key in keys:
        if not is_number(key) and not isinstance(key, str):
            raise ValueRefused(f"JMESPath: {name}() orders by numbers or texts, got {a_kind(key)}")
        compare(f"JMESPath: {name}()", keys[0], key)
    return keys


def _to_number(value: Json) -> Number | None:
    if is_number(value):
        already: Number = value
        return already
    return number_of(value) if isinstance(value, str) else None


def _to_string(value: Json) -> str:
    text = value if isinstance(value, str) else encode(value).decode()
    return bounded("JMESPath: to_string", text)


def _type(value: Json) -> str:
    named = {str: "string", bool: "boolean", list: "array", dict: "object", type(None): "null"}
    return named.get(type(value), "number")


JMESPATH_FUNCTIONS: Mapping[str, JmesFunction] = MappingProxyType(
    {
        "abs": JmesFunction((_NUMBER,), _abs),
        "avg": JmesFunction((_NUMBERS,), _avg),
        "ceil": JmesFunction((_NUMBER,), _ceil),
        "contains": JmesFunction((_TEXT_OR_LIST, ANY), _contains),
        "ends_with": JmesFunction((_TEXT, _TEXT), str.endswith),
        "floor": JmesFunction((_NUMBER,), _floor),
        "join": JmesFunction((_TEXT, _TEXTS), _join),
        "keys": JmesFunction((_OBJECT,), lambda found: list(found)),
        "length": JmesFunction((_SIZED,), len),
        "map": JmesFunction((EXPRESSION, _LIST), _map),
        "max": JmesFunction((_ALIKE,), lambda found: max(found, default=None)),
        "max_by": JmesFunction((_LIST, EXPRESSION), _max_by),
        "merge": JmesFunction((_OBJECT,), _merge, more=True),
        "min": JmesFunction((_ALIKE,), lambda found: min(found, default=None)),
        "min_by": JmesFunction((_LIST, EXPRESSION), _min_by),
        "not_null": JmesFunction((ANY,), _not_null, more=True),
        "reverse": JmesFunction((_TEXT_OR_LIST,), lambda found: found[::-1]),
        "sort": JmesFunction((_ALIKE,), sorted),
        "sort_by": JmesFunction((_LIST, EXPRESSION), _sort_by),
        "starts_with": JmesFunction((_TEXT, _TEXT), str.startswith),
        "sum": JmesFunction((_NUMBERS,), total_of),
        "to_array": JmesFunction((ANY,), lambda v: v if isinstance(v, list) else [v]),
        "to_number": JmesFunction((ANY,), _to_number),
        "to_string": JmesFunction((ANY,), _to_string),
        "type": JmesFunction((ANY,), _type),
        "values": JmesFunction((_OBJECT,), lambda found: list(found.values())),
    }
)
"""Every function of the specification of JMESPath, by name."""

"""The standard functions, assembled; and those that turn one kind of value into another.

Missing here on purpose: `header` and `cookie` (they read the caller), `zip` (a word of fan-out).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apiql.errors import ValueRefused
from apiql.plugins import Function, Registry
from apiql.runtime.arguments import bounded, refused, scalar_text
from apiql.runtime.jmespath_expression import JmesPath, compile_jmespath
from apiql.runtime.json_values import Json, Number, decode, encode, is_number, number_of
from apiql.runtime.list_functions import LIST_FUNCTIONS
from apiql.runtime.moment_functions import MOMENT_FUNCTIONS
from apiql.runtime.text_functions import TEXT_FUNCTIONS


def standard_functions() -> Registry:
    """The functions every engine has."""
    return Registry.of(*TEXT_FUNCTIONS, *LIST_FUNCTIONS, *_VALUE_FUNCTIONS, *MOMENT_FUNCTIONS)


def _coalesce(*values: Json) -> Json:
    for value in values:
        if value is not None:
            return value
    return None


def _json(value: Json) -> str:
    return bounded("json", encode(value).decode())


def _parse_json(value: Json) -> Json:
    if not isinstance(value, str):
        raise refused("parse_json", "a text", value)
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise ValueRefused("parse_json(): a text has half of a surrogate pair") from None
    return decode(data)


def _number(value: Json) -> Number:
    if is_number(value):
        already: Number = value
        return already
    if not isinstance(value, str):
        raise refused("number", "a text", value)
    found = number_of(value)
    if found is None:
        raise ValueRefused(
            "number() wants a text that spells a number, got another text",
            "a number looks like 15, -2.5 or 1e3",
        )
    return found


def _string(value: Json) -> str:
    if isinstance(value, list | dict):
        raise ValueRefused(
            refused("string", "a text, number or boolean", value).message,
            "json(…) writes lists and objects as text",
        )
    return scalar_text("string", value)


def _jmespath(expression: Json, *value: Json) -> Json:
    return _compiled(expression, len(value)).search(value[0])


def _jmespath_of(constants: Sequence[Json]) -> Function:
    """`jmespath` with its expression compiled once, where that is a constant."""
    expression, *values = constants
    if not isinstance(expression, str):
        return _JMESPATH
    compiled = _compiled(expression, len(values))
    return replace(_JMESPATH, call=lambda _, value: compiled.search(value), prepare=None)


def _compiled(expression: Json, values: int) -> JmesPath:
    if not isinstance(expression, str):
        raise refused("jmespath", "a text", expression)
    if not values:
        raise ValueRefused(
            "jmespath() with one argument looks into the row of a projection",
            "elsewhere write jmespath(expression, value)",
        )
    return compile_jmespath(expression)


_JMESPATH = Function(
    "jmespath",
    _jmespath,
    1,
    2,
    prepare=_jmespath_of,
    doc="What a JMESPath expression finds: (expression), in a projection in the row, or"
    " (expression, value).",
)

_VALUE_FUNCTIONS: tuple[Function, ...] = (
    Function(
        "coalesce",
        _coalesce,
        1,
        None,
        null_passes=False,
        doc="The first that is not null; null if all are.",
    ),
    Function("json", _json, 1, 1, null_passes=False, doc="Any value as compact JSON text."),
    Function("parse_json", _parse_json, 1, 1, doc="The value that a JSON text spells."),
    Function("number", _number, 1, 1, doc="The number that a text spells, digits kept."),
    Function("string", _string, 1, 1, doc="A number or boolean as text, never 1e3."),
    _JMESPATH,
)

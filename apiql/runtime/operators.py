"""The operators: decimal arithmetic, comparisons in three-valued logic, and, or, not, in, like.

Knows JSON values only; None is SQL's null, and as a truth value "unknown".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    Underflow,
)
from typing import TypeAlias

from apiql.errors import ValueRefused
from apiql.runtime.json_values import MOST_DIGITS, Json, Number, a_kind, is_number, kind
from apiql.runtime.patterns import matches

Truth: TypeAlias = bool | None

_DIGITS = 34
_CONTEXT = Context(
    prec=_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[InvalidOperation, DivisionByZero, Overflow, Underflow],
)
_ALWAYS_EXACT = 10**_DIGITS


def add(left: Json, right: Json) -> Number | None:
    """The sum; integers make an integer as long as 34 digits hold it."""
    return _calculate("+", left, right, lambda a, b: a + b, _CONTEXT.add)


def subtract(left: Json, right: Json) -> Number | None:
    """The difference."""
    return _calculate("-", left, right, lambda a, b: a - b, _CONTEXT.subtract)


def multiply(left: Json, right: Json) -> Number | None:
    """The product."""
    return _calculate("*", left, right, lambda a, b: a * b, _CONTEXT.multiply)


def divide(left: Json, right: Json) -> Number | None:
    """The quotient: 6 / 2 is 3, 7 / 2 is 3.5; by zero is refused."""
    _refuse_zero("/", left, right)
    return _calculate("/", left, right, _quotient, _CONTEXT.divide)


def modulo(left: Json, right: Json) -> Number | None:
    """The rest of a division towards zero, as in SQL: -7 % 3 is -1."""
    _refuse_zero("%", left, right)
    return _calculate("%", left, right, _rest, _CONTEXT.remainder)


def negate(value: Json) -> Number | None:
    """The number with the other sign, all digits kept; zero has none."""
    if value is None:
        return None
    if not is_number(value):
        raise ValueRefused(f"- wants a number, got {a_kind(value)}")
    if isinstance(value, Decimal):
        return value.copy_negate() if value else value.copy_abs()
    return -int(value)


def rounded(value: Decimal, mode: str) -> Number:
    """The integer next to it by a rounding mode of `decimal`; a Decimal beyond 400 digits."""
    whole = value.to_integral_value(rounding=mode)
    return int(whole) if whole.adjusted() < MOST_DIGITS else whole


def equal(left: Json, right: Json) -> Truth:
    """`=`: null makes unknown, unlike types are unequal, lists and objects compare by value."""
    if left is None or right is None:
        return None
    return same(left, right)


def not_equal(left: Json, right: Json) -> Truth:
    """`!=`: the opposite of `=`, unknown where that is."""
    return not_(equal(left, right))


def less(left: Json, right: Json) -> Truth:
    """`<` over numbers by value or texts by code point; anything else is refused."""
    order = compare("<", left, right)
    return None if order is None else order < 0


def less_equal(left: Json, right: Json) -> Truth:
    """`<=`, as `<`."""
    order = compare("<=", left, right)
    return None if order is None else order <= 0


def greater(left: Json, right: Json) -> Truth:
    """`>`, as `<`."""
    order = compare(">", left, right)
    return None if order is None else order > 0


def greater_equal(left: Json, right: Json) -> Truth:
    """`>=`, as `<`."""
    order = compare(">=", left, right)
    return None if order is None else order >= 0


def and_(left: Json, right: Json) -> Truth:
    """Kleene's and: false wins over unknown."""
    a, b = _truth("and", left), _truth("and", right)
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def or_(left: Json, right: Json) -> Truth:
    """Kleene's or: true wins over unknown."""
    a, b = _truth("or", left), _truth("or", right)
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def not_(value: Json) -> Truth:
    """Not: unknown stays unknown."""
    truth = _truth("not", value)
    return None if truth is None else not truth


def among(value: Json, items: Json) -> Truth:
    """`in`: unknown where only a null could have made it true; false in an empty list."""
    if items is None:
        return None
    if not isinstance(items, list):
        raise ValueRefused(f"in wants a list, got {a_kind(items)}", "write in (…)")
    found: Truth = False
    for item in items:
        is_it = equal(value, item)
        if is_it:
            return True
        found = None if is_it is None else found
    return found


def between(value: Json, low: Json, high: Json) -> Truth:
    """`between low and high`, both included."""
    return and_(greater_equal(value, low), less_equal(value, high))


def is_null(value: Json) -> bool:
    """`is null`: never unknown."""
    return value is None


def like(text: Json, pattern: Json) -> Truth:
    """`like`: `%` is any characters, `_` one; case counts; there is no escape character."""
    if text is None or pattern is None:
        return None
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise ValueRefused(
            f"like wants texts, got {a_kind(text)} and {a_kind(pattern)}",
            "string(…) makes a text of a number",
        )
    return matches(text, pattern)


def same(left: Json, right: Json) -> bool:
    """Whether two values are equal at every depth; here null equals null."""
    waiting = [(left, right)]
    while waiting:
        a, b = waiting.pop()
        if kind(a) != kind(b):
            return False
        if isinstance(a, list):
            if len(a) != len(b):
                return False
            waiting += zip(a, b, strict=True)
        elif isinstance(a, dict):
            if a.keys() != b.keys():
                return False
            waiting += ((item, b[name]) for name, item in a.items())
        elif a != b:
            return False
    return True


def compare(sign: str, left: Json, right: Json) -> int | None:
    """-1, 0 or 1; None where either is null. `sign` names the operator in the refusal."""
    if left is None or right is None:
        return None
    both_numbers = is_number(left) and is_number(right)
    if not both_numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise ValueRefused(
            f"{sign} orders two numbers or two texts, got {a_kind(left)} and {a_kind(right)}",
            "number(…) makes a number of a text",
        )
    return int(left > right) - int(left < right)


def _calculate(
    sign: str,
    left: Json,
    right: Json,
    whole: Callable[[int, int], Number],
    exact: Callable[[Number, Number], Decimal],
) -> Number | None:
    if left is None or right is None:
        return None
    if type(left) is int and type(right) is int:
        result = whole(left, right)
        return _held(result) if isinstance(result, int) else result
    if not is_number(left) or not is_number(right):
        raise ValueRefused(
            f"{sign} wants numbers, got {a_kind(left)} and {a_kind(right)}",
            "number(…) makes a number of a text, concat(…) joins texts",
        )
    return _in_range(sign, exact, left, right)


def _in_range(
    sign: str, exact: Callable[[Number, Number], Decimal], left: Number, right: Number
) -> Decimal:
    try:
        return exact(left, right)
    except (Overflow, Underflow, InvalidOperation):
        raise ValueRefused(f"{sign} makes a number that is out of range") from None


def _held(result: int) -> Number:
    """The integer itself where 34 digits hold it, else what they hold."""
    if abs(result) < _ALWAYS_EXACT:
        return result
    held = _CONTEXT.create_decimal(result)
    return result if held == result and held.adjusted() < MOST_DIGITS else held


def _quotient(left: int, right: int) -> Number:
    whole, rest = divmod(left, right)
    return whole if rest == 0 else _CONTEXT.divide(Decimal(left), Decimal(right))


def _rest(left: int, right: int) -> int:
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _refuse_zero(sign: str, left: Json, right: Json) -> None:
    if is_number(left) and is_number(right) and not right:
        raise ValueRefused(f"{sign} divides by zero", "look at what stands behind it")


def _truth(sign: str, value: Json) -> Truth:
    if value is None or isinstance(value, bool):
        return value
    raise ValueRefused(f"{sign} wants conditions, got {a_kind(value)}", "compare it: … = …")

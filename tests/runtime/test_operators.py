"""The operators: exact arithmetic, and SQL's three-valued logic as sqlite3 has it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.errors import ValueRefused
from apiql.runtime import operators as op

D = Decimal
BAD = ValueRefused
Call = Callable[..., Any]

RESULTS: list[tuple[Call, tuple[Any, ...], Any]] = [
    (op.add, (2, 3), 5),
    (op.add, (D("0.1"), D("0.2")), D("0.3")),
    (op.add, (1, D("1.50")), D("2.50")),
    (op.add, (10**33, 1), 10**33 + 1),
    (op.add, (10**40, 1), D("1.000000000000000000000000000000000E+40")),
    (op.add, (10**40, 10**40), 2 * 10**40),
    (op.add, (None, 1), None),
    (op.add, (1, None), None),
    (op.add, (None, "a"), None),
    (op.subtract, (2, 3), -1),
    (op.subtract, (D("1.0"), 1), D("0.0")),
    (op.multiply, (6, 7), 42),
    (op.multiply, (D("1e400"), D("1e400")), D("1E+800")),
    (op.multiply, (10**399, 10**399), D("1." + "0" * 33 + "E+798")),
    (op.divide, (6, 2), 3),
    (op.divide, (7, 2), D("3.5")),
    (op.divide, (-7, 2), D("-3.5")),
    (op.divide, (1, 3), D("0.3333333333333333333333333333333333")),
    (op.divide, (2, 3), D("0.6666666666666666666666666666666667")),
    (op.divide, (D("7.0"), 2), D("3.5")),
    (op.divide, (None, 0), None),
    (op.modulo, (7, 3), 1),
    (op.modulo, (-7, 3), -1),
    (op.modulo, (7, -3), 1),
    (op.modulo, (D("7.5"), 2), D("1.5")),
    (op.modulo, (D("-7.5"), 2), D("-1.5")),
    (op.negate, (5,), -5),
    (op.negate, (D("1.50"),), D("-1.50")),
    (op.negate, (D("0.0"),), D("0.0")),
    (op.negate, (D("1." + "1" * 60),), D("-1." + "1" * 60)),
    (op.negate, (None,), None),
    (op.equal, (1, D("1.0")), True),
    (op.equal, (1, True), False),
    (op.equal, (0, False), False),
    (op.equal, (1, "1"), False),
    (op.equal, ("a", "A"), False),
    (op.equal, (None, None), None),
    (op.equal, ([1, {"a": None}], [D("1.0"), {"a": None}]), True),
    (op.equal, ([1], [True]), False),
    (op.equal, ({"a": 1, "b": 2}, {"b": 2, "a": 1}), True),
    (op.equal, ([1], [1, 2]), False),
    (op.equal, ([], {}), False),
    (op.not_equal, (1, "1"), True),
    (op.not_equal, (1, None), None),
    (op.less, (1, D("1.5")), True),
    (op.less, ("Z", "a"), True),
    (op.less, ("\uffff", "😀"), True),
    (op.less, (D("1e999999999"), 10**399), False),
    (op.less, (None, "a"), None),
    (op.less, (None, []), None),
    (op.less_equal, (1, D("1.0")), True),
    (op.greater, (2, 1), True),
    (op.greater_equal, ("a", "b"), False),
    (op.among, (1, [2, D("1.0")]), True),
    (op.among, (1, [2, None]), None),
    (op.among, (1, [2, "1"]), False),
    (op.among, (None, [1]), None),
    (op.among, (None, []), False),
    (op.among, (1, None), None),
    (op.between, (2, 1, 3), True),
    (op.between, (3, 1, 3), True),
    (op.between, (0, 1, None), False),
    (op.between, (2, 1, None), None),
    (op.is_null, (None,), True),
    (op.is_null, (0,), False),
    (op.like, ("a gift card", "%gift%"), True),
    (op.like, ("Gift", "gift"), False),
    (op.like, ("a\nb", "a_b"), True),
    (op.like, ("a.b", "a_b%"), True),
    (op.like, ("axb", "a.b"), False),
    (op.like, ("", "%"), True),
    (op.like, ("", "_"), False),
    (op.like, ("ab", "ab%b"), False),
    (op.like, ("abab", "%ab"), True),
    (op.like, ("abcab", "ab%_ab"), True),
    (op.like, ("50%", "50\\%"), False),
    (op.like, (None, "%"), None),
    (op.like, ("a", None), None),
    (op.not_, (None,), None),
    (op.not_, (True,), False),
]


@pytest.mark.parametrize(("call", "arguments", "result"), RESULTS)
def test_results(call: Call, arguments: tuple[Any, ...], result: Any) -> None:
    found = call(*arguments)
    assert found == result
    assert type(found) is type(result)
    assert not isinstance(result, Decimal) or str(found) == str(result)


REFUSED: list[tuple[Call, tuple[Any, ...], str]] = [
    (op.add, ("a", 1), r"^\+ wants numbers, got a text and a number$"),
    (op.add, (True, 1), "a boolean and a number"),
    (op.add, ([], {}), "a list and an object"),
    (op.divide, (1, 0), "divides by zero"),
    (op.divide, (D("1.5"), D("0.00")), "divides by zero"),
    (op.modulo, (1, 0), "divides by zero"),
    (op.modulo, (D("1e999"), 3), "out of range"),
    (op.add, (D("1e999999999"), 1), "out of range"),
    (op.multiply, (D("1e-999999"), D("1e-999999")), "out of range"),
    (op.negate, ("a",), "got a text"),
    (op.negate, (True,), "got a boolean"),
    (op.less, (1, "a"), "< orders two numbers or two texts, got a number and a text"),
    (op.less, (True, False), "a boolean and a boolean"),
    (op.greater_equal, ([], []), ">= orders"),
    (op.and_, (True, 1), "and wants conditions, got a number"),
    (op.or_, ("a", True), "or wants conditions"),
    (op.not_, (0,), "not wants conditions"),
    (op.among, (1, 1), "in wants a list"),
    (op.like, (1, "a"), "like wants texts"),
    (op.like, ("a" * 1_000_000, "%" + "_a" * 1000 + "b"), "too long"),
]


@pytest.mark.parametrize(("call", "arguments", "reason"), REFUSED)
def test_refusals(call: Call, arguments: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(BAD, match=reason):
        call(*arguments)


TRUTHS = (True, False, None)


@pytest.mark.parametrize("left", TRUTHS)
@pytest.mark.parametrize("right", TRUTHS)
def test_logic_is_kleenes(left: bool | None, right: bool | None) -> None:
    ranks = {False: 0, None: 1, True: 2}
    assert ranks[op.and_(left, right)] == min(ranks[left], ranks[right])
    assert ranks[op.or_(left, right)] == max(ranks[left], ranks[right])


@pytest.fixture(scope="module")
def sqlite() -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute("pragma case_sensitive_like = on")
    yield connection
    connection.close()


def ask(connection: sqlite3.Connection, condition: str, *values: object) -> bool | None:
    row = connection.execute(f"select {condition}", values).fetchone()
    return None if row[0] is None else bool(row[0])


SIGNS = [
    ("=", op.equal),
    ("!=", op.not_equal),
    ("<", op.less),
    ("<=", op.less_equal),
    (">", op.greater),
    (">=", op.greater_equal),
]
INTEGERS = st.integers(-3, 3) | st.integers(-(2**62), 2**62)
LETTERS = st.text("aAbé", max_size=3)


def alike(*, most: int) -> st.SearchStrategy[list[Any]]:
    """Lists of integers or of texts, with nulls."""
    return st.one_of(
        st.lists(st.none() | INTEGERS, min_size=most, max_size=most),
        st.lists(st.none() | LETTERS, min_size=most, max_size=most),
    )


@settings(max_examples=150, deadline=None)
@given(values=alike(most=2))
def test_comparisons_are_sqls(sqlite: sqlite3.Connection, values: list[Any]) -> None:
    for sign, call in SIGNS:
        assert call(*values) is ask(sqlite, f"? {sign} ?", *values), sign


@settings(max_examples=150, deadline=None)
@given(values=alike(most=4))
def test_in_and_between_are_sqls(sqlite: sqlite3.Connection, values: list[Any]) -> None:
    value, *others = values
    assert op.among(value, others) is ask(sqlite, "? in (?, ?, ?)", *values)
    assert op.not_(op.among(value, others)) is ask(sqlite, "? not in (?, ?, ?)", *values)
    assert op.among(value, []) is ask(sqlite, "? in ()", value)
    assert op.between(*values[:3]) is ask(sqlite, "? between ? and ?", *values[:3])


@settings(max_examples=100, deadline=None)
@given(left=st.sampled_from(TRUTHS), right=st.sampled_from(TRUTHS))
def test_logic_is_sqls(sqlite: sqlite3.Connection, left: bool | None, right: bool | None) -> None:
    assert op.and_(left, right) is ask(sqlite, "? and ?", left, right)
    assert op.or_(left, right) is ask(sqlite, "? or ?", left, right)
    assert op.not_(left) is ask(sqlite, "not ?", left)


@settings(max_examples=400, deadline=None)
@given(
    text=st.none() | st.text("abé\n", max_size=8),
    pattern=st.none() | st.text("abé%%__", max_size=6),
)
def test_like_is_sqls(sqlite: sqlite3.Connection, text: str | None, pattern: str | None) -> None:
    assert op.like(text, pattern) is ask(sqlite, "? like ?", text, pattern)


@settings(max_examples=150, deadline=None)
@given(left=st.integers(-(10**16), 10**16), right=st.integers(-(10**16), 10**16))
def test_arithmetic_of_integers(left: int, right: int) -> None:
    assert op.add(left, right) == left + right
    assert op.subtract(left, right) == left - right
    assert op.multiply(left, right) == left * right
    if right:
        quotient, rest = op.divide(left, right), op.modulo(left, right)
        assert type(rest) is int
        assert abs(rest) < abs(right)
        assert type(quotient) is (int if left % right == 0 else Decimal)


def test_like_does_not_blow_up() -> None:
    start = time.thread_time()
    assert op.like("a" * 300_000, "%" + "a%" * 200 + "b") is False
    assert op.like("a" * 50_000, "%" + "_a" * 90 + "b") is False
    assert time.thread_time() - start < 2


def test_deep_values_are_compared() -> None:
    left: Any = 1
    right: Any = D("1.0")
    for _ in range(20_000):
        left, right = [left], [right]
    assert op.equal(left, right) is True
    while isinstance(left, list):
        left, right = left.pop(), right.pop()

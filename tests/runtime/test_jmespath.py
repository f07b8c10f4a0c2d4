"""JMESPath: what expressions find, and that none of them can cost much."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from typing import Any

import jmespath as package
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.errors import ValueRefused
from apiql.runtime.jmespath_expression import compile_jmespath
from apiql.runtime.json_values import encode

D = Decimal
SHOP = {
    "items": [
        {"sku": "a", "price": D("9.90"), "n": 2, "tags": ["x", "y"], "on": True},
        {"sku": "b", "price": 10, "n": 0, "tags": [], "on": False},
        {"sku": "c", "price": D("10.10"), "n": 1, "tags": ["z"], "on": None},
    ],
    "long": D("0.12345678901234567890123456789"),
    "big": 10**30,
    "huge": D("1e999999999"),
    "user": {"name": "Ray", "n": "12.50"},
    "one": 1,
    "t": True,
}

FOUND: list[tuple[str, Any]] = [
    ("items[?price > `10`].sku", ["c"]),
    ("items[?price >= `10`].sku", ["b", "c"]),
    ("items[?price == `10.0`].sku", ["b"]),
    ("items[?price < `9.95`].sku | [0]", "a"),
    ("items[?price == `10.10`].sku", ["c"]),
    ("items[?n].sku", ["a", "b", "c"]),
    ("items[?!on].sku", ["b", "c"]),
    ("items[?sku >= 'b' && n == `1`].sku", ["c"]),
    ("long == `0.12345678901234567890123456789`", True),
    ("long == `0.12345678901234567890123456780`", False),
    ("`0.12345678901234567890123456789`", D("0.12345678901234567890123456789")),
    ("long", D("0.12345678901234567890123456789")),
    ("big", 10**30),
    ("one == t", False),
    ("[one] == [t]", False),
    ("one == `1.0`", True),
    ("user < one", None),
    ("user.name < one", None),
    ("!one", False),
    ("!`0.0`", False),
    ("sum(items[].price)", D("30.00")),
    ("sum(`[]`)", 0),
    ("avg(items[].n)", 1),
    ("avg(items[].price)", D("10.00")),
    ("avg(`[1, 2]`)", D("1.5")),
    ("avg(`[]`)", None),
    ("max(items[].price)", D("10.10")),
    ("min(items[].price)", D("9.90")),
    ("max(`[]`)", None),
    ("sort_by(items, &price)[].sku", ["a", "b", "c"]),
    ("sort_by(items, &n)[].sku", ["b", "c", "a"]),
    ("max_by(items, &price).sku", "c"),
    ("min_by(items, &n).sku", "b"),
    ("min_by(`[]`, &n)", None),
    ("sort(items[].price)", [D("9.90"), 10, D("10.10")]),
    ("map(&price, items)", [D("9.90"), 10, D("10.10")]),
    ("to_number(user.n)", D("12.50")),
    ("to_number(long)", D("0.12345678901234567890123456789")),
    ("to_number('abc')", None),
    ("to_number(t)", None),
    ("to_string(items[0].price)", "9.90"),
    ("to_string(items[0].tags)", '["x","y"]'),
    ("type(long)", "number"),
    ("type(one)", "number"),
    ("type(t)", "boolean"),
    ("type(items)", "array"),
    ("type(nothing)", "null"),
    ("ceil(items[0].price)", 10),
    ("floor(items[0].price)", 9),
    ("floor(huge)", D("1e999999999")),
    ("abs(`-1.50`)", D("1.50")),
    ("contains(items[].price, `10`)", True),
    ("contains(items[].on, `1`)", False),
    ("contains('abc', 'b')", True),
    ("contains('abc', `1`)", False),
    ("join(',', items[].sku)", "a,b,c"),
    ("length(items)", 3),
    ("keys(user)", ["name", "n"]),
    ("values(user)", ["Ray", "12.50"]),
    ("merge(user, {n: one})", {"name": "Ray", "n": 1}),
    ("not_null(nothing, one)", 1),
    ("reverse(items[].sku)", ["c", "b", "a"]),
    ("reverse('ab')", "ba"),
    ("starts_with(user.name, 'R')", True),
    ("to_array(one)", [1]),
    ("items[].tags[]", ["x", "y", "z"]),
    ("items[::-1].sku", ["c", "b", "a"]),
    ("items[*].{s: sku, m: [n, price]} | [0]", {"s": "a", "m": [2, D("9.90")]}),
    ("user.*", ["Ray", "12.50"]),
    ("nothing.at.all", None),
    ("items[99999999999999999999]", None),
    ("@.one", 1),
]


@pytest.mark.parametrize(("expression", "value"), FOUND, ids=[e for e, _ in FOUND])
def test_finds(expression: str, value: Any) -> None:
    assert repr(compile_jmespath(expression).search(SHOP)) == repr(value)


REFUSED: list[tuple[str, str]] = [
    ("", "is empty"),
    ("   ", "not complete"),
    ("a.", "not complete: it ends at character 2"),
    ("a[", "not complete"),
    ("a b", "does not go on with `b` at character 3"),
    ("a.(b)", r"does not go on with `\(` at character 3"),
    ("a = b", "fits nowhere, at character 3"),
    ("a # b", "fits nowhere, at character 3"),
    ("'abc", "fits nowhere, at character 1"),
    ("`1", "fits nowhere"),
    ("a == `secret`", "literal at character 6 that is not JSON"),
    ("`NaN`", "not JSON"),
    ("`1e9999999999999999999999`", "not JSON"),
    ("`" + "9" * 401 + "`", "not JSON"),
    ("a['secret' 'b']", "a literal"),
    ("a[::0]", "goes on by 0"),
    ("nope(a)", r"calls nope\(\), which JMESPath does not have"),
    ("length()", "takes 1"),
    ("length(a, b)", "with 2 arguments, it takes 1"),
    ("merge()", "at least 1"),
    ("&a", "where no function wants one"),
    ("[&a]", "where no function wants one"),
    ("to_array(&a)", "where no function wants one"),
    ("sort_by(a, b)", "without the &expression"),
    ("map(a, b)", "without the &expression"),
    ("(" * 500 + "a" + ")" * 500, "more than 64 brackets in each other at character 65"),
    ("(" * 500, "more than"),
    ("!" * 498 + "a", "nested too deeply|steps in each other"),
    ("!" * 1000 + "a", "more than 500 words"),
    ("*" + ".*" * 240, "nested too deeply|more than"),
    ("[*]" * 160, "nested too deeply|more than"),
    ("a" + "|a" * 100, "steps in each other"),
    ("[" + "a," * 210 + "a]", "more than 200 steps"),
    ("x" * 1025, "longer than 1024 bytes"),
    ("é" * 600, "longer than 1024 bytes"),
    ("[@,@]|" * 22 + "@", "1,000 times larger"),
    ("[@,@]|" * 60 + "@", "more than 200 steps"),
    ("[@,@]." * 20 + "a", "does not go on|larger"),
    ("map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], map(&[@,@,@], @)))))", "larger"),
    ("{a:@,b:@}.[@,@].[@,@].[@,@].[@,@].[@,@].[@,@]", "larger"),
    ("@[*].[@,@][*].[@,@][*].[@,@][*].[@,@][*].[@,@][*].[@,@][*].[@,@]", "larger"),
]


@pytest.mark.parametrize(("expression", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_refuses(expression: str, reason: str) -> None:
    start = time.thread_time()
    with pytest.raises(ValueRefused, match=reason) as caught:
        compile_jmespath(expression)
    assert time.thread_time() - start < 0.25
    assert "secret" not in caught.value.message


FAILS: list[tuple[str, str]] = [
    ("sum(items[].sku)", r"sum\(\) wants a list of numbers, got a list of something else"),
    ("length(one)", r"length\(\) wants a text, list or object, got a number"),
    ("abs(t)", "wants a number, got a boolean"),
    ("sort_by(items, &on)", "orders by numbers or texts, got a boolean"),
    ("max_by(items, &tags[0])", "got null"),
    ('max_by(`[1, "a"]`, &@)', "orders two numbers or two texts"),
    ('sort(`[1, "a"]`)', "list of numbers or of texts"),
    ("avg(`[1, true]`)", "list of numbers"),
    ("keys(items)", "wants an object, got a list"),
    ("sum(`[1e999999999, 1]`)", "out of range"),
]


@pytest.mark.parametrize(("expression", "reason"), FAILS)
def test_fails_on_the_value(expression: str, reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        compile_jmespath(expression).search(SHOP)


WIDE = {"list": [{"n": n, "text": "x" * 50} for n in range(30_000)], "text": "x" * 1_000_000}
COSTLY = [
    ("[list, list]", "more than 100,000 values"),
    ("list[].[n, n, n, n, n, n, n, n]", "more than"),
    ("list[?contains(['a', 'b', 'c', 'd', 'e', 'f'], text)]", "steps"),
    ("[text,text,text,text,text,text,text,text,text]", "characters"),
    ("join('', [text, text])", "characters"),
    ("to_string([@, @, @, @])", "steps"),
    ("list[?text == text].[[n] == [n], [n] == [n]]", "steps"),
    ("map(&length(keys(@)), list) | sort(@) | [@, @, @, @] | [@[], @[]]", "steps|more than"),
]


@pytest.mark.parametrize(("expression", "reason"), COSTLY)
def test_stops_when_it_costs_too_much(expression: str, reason: str) -> None:
    compiled = compile_jmespath(expression)
    start = time.thread_time()
    with pytest.raises(ValueRefused, match=reason):
        compiled.search(WIDE)
    assert time.thread_time() - start < 2


def test_a_large_list_can_be_filtered() -> None:
    assert compile_jmespath("list[?n > `29990`].n").search(WIDE) == list(range(29_991, 30_000))


def test_deep_input_is_refused_or_read() -> None:
    deep: Any = 1
    for _ in range(20_000):
        deep = [deep]
    assert encode(compile_jmespath("`" + "[" * 500 + "]" * 500 + "`").search(1)) == (
        b"[" * 500 + b"]" * 500
    )
    assert compile_jmespath("@ == `1`").search(deep) is False
    while isinstance(deep, list):
        deep = deep.pop()


def test_the_package_reads_its_own_literals_still() -> None:
    compile_jmespath("`1.5`")
    assert type(package.search("`1.5`", None)) is float


NAMES = st.sampled_from(["a", "b", "c"])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, NAMES).map(".".join),
        inner.map(lambda e: f"{e}[0]"),
        inner.map(lambda e: f"{e}[]"),
        inner.map(lambda e: f"{e}[*].a"),
        inner.map(lambda e: f"{e}.*"),
        inner.map(lambda e: f"{e}[1:]"),
        two.map(lambda p: f"{p[0]}[?{p[1]}]"),
        two.map(lambda p: f"{p[0]} | {p[1]}"),
        two.map(lambda p: f"({p[0]} || {p[1]})"),
        two.map(lambda p: f"({p[0]} && {p[1]})"),
        st.tuples(inner, st.sampled_from(["<", "<=", ">", ">="]), inner).map(" ".join),
        inner.map(lambda e: f"!{e}"),
        two.map(lambda p: f"[{p[0]}, {p[1]}]"),
        two.map(lambda p: f"{{a: {p[0]}, b: {p[1]}}}"),
        st.tuples(
            st.sampled_from(["length", "sort", "max", "keys", "values", "reverse", "to_array"]),
            inner,
        ).map(lambda p: f"{p[0]}({p[1]})"),
        two.map(lambda p: f"sort_by({p[0]}, &{p[1]})"),
        two.map(lambda p: f"map(&{p[0]}, {p[1]})"),
    )


EXPRESSIONS = st.recursive(NAMES | st.sampled_from(["@", "`1`", "'a'"]), _wider, max_leaves=6)
INPUTS = st.recursive(
    st.none() | st.integers(2, 4) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS, INPUTS)
def test_finds_what_the_package_finds(expression: str, value: Any) -> None:
    try:
        compiled = compile_jmespath(expression)
        found = compiled.search(value)
    except ValueRefused as refused:
        if "larger" not in refused.message:
            with pytest.raises((package.exceptions.JMESPathError, TypeError)):
                package.search(expression, value)
        return
    try:
        expected = package.search(expression, value)
    except TypeError:
        return
    assert found == expected


@settings(max_examples=250, deadline=None)
@given(st.text("ab01[](){}*.,:|&!<>=?@`'\"\\- é", max_size=30) | EXPRESSIONS, INPUTS)
def test_any_text_is_run_or_refused(expression: str, value: Any) -> None:
    with contextlib.suppress(ValueRefused):
        encode(compile_jmespath(expression).search(value))

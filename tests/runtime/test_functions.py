"""The standard functions: what each makes of its arguments, and what it refuses."""

from __future__ import annotations

import contextlib
import random
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.errors import ValueRefused
from apiql.plugins import Function, Moment, Registry
from apiql.runtime.functions import standard_functions
from apiql.runtime.operators import same

D = Decimal
BIG = "x" * 700_000
FUNCTIONS = standard_functions()
MOMENT = Moment(1_795_262_400_123, random.Random(7).getrandbits)


def call(name: str, *arguments: Any) -> Any:
    function = FUNCTIONS.find(name)
    assert function is not None
    return function.apply(arguments, MOMENT)


RESULTS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("md5", ("abc",), "900150983cd24fb0d6963f7d28e17f72"),
    ("md5", (15,), "9bf31c7ff062936a96d3c8bd1f8f2ff3"),
    ("MD5", (None,), None),
    ("sha256", ("",), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (
        "hmac_sha256",
        ("The quick brown fox jumps over the lazy dog", "key"),
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8",
    ),
    ("hmac_sha256", ("a", None), None),
    ("base64", ("Nova II",), "Tm92YSBJSQ=="),
    ("base64", ("é",), "w6k="),
    ("base64_decode", ("Tm92YSBJSQ==",), "Nova II"),
    ("base64_decode", ("Tm92YSBJSQ",), "Nova II"),
    ("base64_decode", ("Pz8_Pj4-",), "???>>>"),
    ("url_encode", ("a b/é?&=~-._",), "a%20b%2F%C3%A9%3F%26%3D~-._"),
    ("url_encode", (D("1e3"),), "1000"),
    ("upper", ("straße",), "STRASSE"),
    ("lower", ("ÄB",), "äb"),
    ("trim", ("\t a b \n",), "a b"),
    ("replace", ("a-b-c", "-", "+"), "a+b+c"),
    ("replace", ("abc", "", "x"), "abc"),
    ("replace", ("a", "a", None), None),
    ("concat", ("a", 1, D("2.50"), True, None), "a12.50true"),
    ("concat", (None,), ""),
    ("split", ("a,b,,c", ","), ["a", "b", "", "c"]),
    ("split", ("", ","), [""]),
    ("join", ([1, "a", None, D("1e2")], ","), "1,a,100"),
    ("join", ([], ","), ""),
    ("join", (None, ","), None),
    ("length", ("é😀",), 2),
    ("length", ([1, None],), 2),
    ("length", ({"a": 1},), 1),
    ("count", ([1, None, 2],), 2),
    ("count", ([],), 0),
    ("count", (None,), None),
    ("sum", ([1, None, D("2.50")],), D("3.50")),
    ("sum", ([1, 2],), 3),
    ("sum", ([],), None),
    ("sum", ([None],), None),
    ("avg", ([1, 2, None],), D("1.5")),
    ("avg", ([2, 4],), 3),
    ("avg", ([],), None),
    ("min", ([3, None, D("1.5")],), D("1.5")),
    ("min", (["b", "a"],), "a"),
    ("max", ([3, 10, 9],), 10),
    ("max", ([None],), None),
    ("first", ([1, 2],), 1),
    ("first", ([],), None),
    ("last", ([1, None],), None),
    ("last", ([1, 2],), 2),
    ("slice", ("abcdef", 1, 3), "bc"),
    ("slice", ("abcdef", -2), "ef"),
    ("slice", ([1, 2, 3], 0, -1), [1, 2]),
    ("slice", ([1, 2, 3], D("1.0")), [2, 3]),
    ("slice", ([1, 2, 3], 5), []),
    ("slice", ([1], 10**30), []),
    (
        "distinct",
        ([1, D("1.0"), True, "1", None, None, [1], [D("1.0")]],),
        [1, True, "1", None, [1]],
    ),
    ("flatten", ([["a", "b"], ["c"], "d", [["e"]]],), ["a", "b", "c", "d", ["e"]]),
    ("keys", ({"b": 1, "a": 2},), ["b", "a"]),
    ("values", ({"b": 1, "a": 2},), [1, 2]),
    ("merge", ({"a": 1, "b": 1}, {"b": 2}), {"a": 1, "b": 2}),
    ("merge", ({"a": 1}, None), None),
    ("coalesce", (None, 0, 1), 0),
    ("coalesce", (None,), None),
    ("json", (["ko", D("1.50"), None],), '["ko",1.50,null]'),
    ("json", (None,), "null"),
    ("parse_json", ('{"a": [1.50]}',), {"a": [D("1.50")]}),
    ("number", ("12.50",), D("12.50")),
    ("number", (" 15 ",), 15),
    ("number", (15,), 15),
    ("string", (D("1e3"),), "1000"),
    ("string", (False,), "false"),
    ("string", ("a",), "a"),
    ("jmespath", ("a[?n > `1`].n", {"a": [{"n": 1}, {"n": 2}]}), [2]),
    ("jmespath", ("a", None), None),
    ("now", (), "2026-11-21T12:00:00.123Z"),
    ("utc", (), "2026-11-21T12:00:00.123Z"),
    ("utc_ms", (), 1_795_262_400_123),
    ("timestamp", (), 1_795_262_400),
    ("random", (None,), None),
    ("random", (1,), 0),
]


@pytest.mark.parametrize(("name", "arguments", "result"), RESULTS)
def test_results(name: str, arguments: tuple[Any, ...], result: Any) -> None:
    found = call(name, *arguments)
    assert same(found, result)
    assert repr(found) == repr(result)


REFUSED: list[tuple[str, tuple[Any, ...], str]] = [
    ("upper", (1,), r"^upper\(\) wants a text, got a number$"),
    ("upper", ("ŉ" * 600_000,), "more than 1,048,576 characters"),
    ("md5", ([],), r"md5\(\) wants a text, number or boolean, got a list"),
    ("md5", ("\ud800",), "surrogate"),
    ("base64", (BIG + BIG,), "more than"),
    ("base64", ("é" * 400_000,), "more than"),
    ("base64_decode", ("a b",), "wants Base64"),
    ("base64_decode", ("é",), "wants Base64"),
    ("base64_decode", ("abcde",), "wants Base64"),
    ("base64_decode", ("/w==",), "not UTF-8"),
    ("url_encode", ("é" * 200_000,), "more than"),
    ("replace", ("a" * 2000, "a", "x" * 2000), "more than"),
    ("replace", ("a", 1, "x"), "wants a text, got a number"),
    ("concat", (BIG, BIG), "more than"),
    ("concat", ({},), "got an object"),
    ("concat", (D("1e999999999"),), "more than 400 digits"),
    ("split", ("abc", ""), "empty text"),
    ("split", ("," * 200_000, ","), "more than 100,000 elements"),
    ("join", ([BIG, BIG], ","), "more than"),
    ("join", ([""] * 2000, "x" * 2000), "more than"),
    ("join", ("a", ","), "wants a list"),
    ("join", ([[1]], ","), "got a list"),
    ("length", (1,), "wants a text, list or object, got a number"),
    ("count", ({},), "wants a list, got an object"),
    ("sum", (["1"],), "wants a list of numbers, got an element that is a text"),
    ("sum", ([True],), "got an element that is a boolean"),
    ("avg", (1,), "wants a list"),
    ("min", ([1, "a"],), r"min\(\) orders two numbers or two texts"),
    ("max", ([True],), "a boolean"),
    ("max", ([[1]],), "a list"),
    ("first", ("abc",), "wants a list, got a text"),
    ("slice", ("abc", "1"), "wants a number, got a text"),
    ("slice", ("abc", D("1.5")), "wants an integer, got 1.5"),
    ("slice", ("abc", D("1e999999999")), "wants an integer"),
    ("slice", ({}, 1), "wants a text or list"),
    ("keys", ([],), "wants an object, got a list"),
    ("merge", ({}, []), "wants an object"),
    ("json", ("x" * 1_100_000,), "more than"),
    ("json", ("\ud800",), "surrogate"),
    ("parse_json", ("{",), "broken"),
    ("parse_json", ("[" * 100_000,), "deeply"),
    ("parse_json", ("\ud800",), "surrogate"),
    ("parse_json", (1,), "wants a text"),
    ("number", ("1,5",), "spells a number"),
    ("number", ("NaN",), "spells a number"),
    ("number", (True,), "got a boolean"),
    ("string", ([],), "got a list"),
    ("string", (10**400,), "400 digits"),
    ("jmespath", ("a",), "row of a projection"),
    ("jmespath", (1, {}), "wants a text"),
    ("random", (0,), "above 0"),
    ("random", (D("0.5"),), "integer"),
    ("now", (1,), r"now\(\) takes 0 arguments, got 1"),
    ("upper", (), r"upper\(\) takes 1 argument, got 0"),
    ("slice", ([],), r"slice\(\) takes 2 or 3 arguments, got 1"),
    ("concat", (), r"concat\(\) takes 1 or more arguments, got 0"),
]


@pytest.mark.parametrize(("name", "arguments", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_refusals(name: str, arguments: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        call(name, *arguments)


def test_every_function_of_the_language_is_there() -> None:
    there = """md5 sha256 hmac_sha256 base64 base64_decode url_encode upper lower trim replace
        concat split join length count sum min max avg first last slice distinct flatten keys
        values merge coalesce json parse_json number string now utc utc_ms timestamp uuid random
        jmespath"""
    assert FUNCTIONS.names() == tuple(sorted(there.split()))
    for name in FUNCTIONS.names():
        function = FUNCTIONS.find(name)
        assert function is not None
        assert function.doc.endswith(".")


def test_null_makes_null_but_for_three() -> None:
    found = (FUNCTIONS.find(name) for name in FUNCTIONS.names())
    assert {f.name for f in found if f and not f.null_passes} == {"coalesce", "concat", "json"}


def test_random_values_are_new_in_each_call() -> None:
    uuids = {call("uuid") for _ in range(50)}
    assert len(uuids) == 50
    shape = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert all(re.fullmatch(shape, text) for text in uuids)
    drawn = [call("random") for _ in range(200)]
    assert all(isinstance(value, Decimal) and 0 <= value < 1 for value in drawn)
    assert len(set(drawn)) == 200
    assert {call("random", 3) for _ in range(200)} == {0, 1, 2}


def test_the_ends_of_random() -> None:
    for bits, ends in ((lambda n: 0, (0, 0)), (lambda n: 2**n - 1, (D("0." + "9" * 17), 9))):
        function = FUNCTIONS.find("random")
        assert function is not None
        moment = Moment(0, bits)
        assert (function.apply([], moment), function.apply([10], moment)) == ends


def test_a_registry_grows_into_a_new_one() -> None:
    shout = Function("Shout", lambda text: f"{text}!", 1, 1, doc="Louder.")
    grown = FUNCTIONS.with_function(shout)
    assert grown.find("SHOUT") is shout
    assert FUNCTIONS.find("shout") is None
    assert Registry().names() == ()
    with pytest.raises(ValueError, match="upper"):
        FUNCTIONS.with_function(Function("Upper", str, 1, 1))


def test_a_constant_jmespath_is_compiled_once() -> None:
    function = FUNCTIONS.find("jmespath")
    assert function is not None
    assert function.prepare is not None
    prepared = function.prepare(["a.b", object()])
    assert prepared.apply(["ignored", {"a": {"b": 1}}], MOMENT) == 1
    assert prepared.apply(["ignored", None], MOMENT) is None
    assert function.prepare([object(), object()]) is function
    for constants in (["a b", object()], ["a"]):
        with pytest.raises(ValueRefused, match=r"JMESPath expression|row of a projection"):
            function.prepare(constants)


def test_lazy_functions_choose_what_is_computed() -> None:
    def never() -> Any:
        raise AssertionError

    either = Function("either", lambda a, b: a() or b(), 2, 2, lazy=True)
    assert either.apply([lambda: 1, never], MOMENT) == 1


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=6)
    | st.sampled_from(["[@]", "a.b", "1.5", "%", "e30=", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FUNCTIONS.names()), st.lists(ANYTHING, max_size=3))
def test_any_call_makes_a_value_or_is_refused(name: str, arguments: list[Any]) -> None:
    with contextlib.suppress(ValueRefused):
        call(name, *arguments)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_encodings_can_be_undone(text: str) -> None:
    assert call("base64_decode", call("base64", text)) == text
    assert call("parse_json", call("json", text)) == text
    assert re.fullmatch("[A-Za-z0-9._~%-]*", call("url_encode", text))

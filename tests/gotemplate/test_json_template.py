"""JSON rules over data: the original's way and the usual one, and where the two agree."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.gotemplate import Budget, Category, Data, Kind, TemplateRefused
from apiql.gotemplate.json_template import RenderedJson, compile_json
from apiql.gotemplate.quick import quick_json
from tests.gotemplate.corpus import FUNCTIONS

ELEMENTS = "{{range $i, $e := .l}}{{if $i}},{{end}}{{$e}}{{end}}"
QUOTED = '{{range $i, $e := .l}}{{if $i}},{{end}}"{{$e}}"{{end}}'
COUNTED = (
    '{{range .l}}{{if eq .flag "04"}}{{if $c}},{{end}}{{$c = 1}}'
    '{"p":"{{.p}}","n":{{.n}}}{{end}}{{end}}'
)
FLAGGED = [{"flag": f, "p": p, "n": 1} for f, p in (("04", "A"), ("01", "B"), ("04", "C"))]


def both(rules: Any, value: Any, kind: Kind = Kind.FLOAT) -> tuple[RenderedJson, RenderedJson]:
    """What the strict and the usual way give."""
    data = Data(value, kind)
    strict = compile_json(rules, FUNCTIONS, strict=True).render(data)
    return strict, compile_json(rules, FUNCTIONS).render(data)


@pytest.mark.parametrize(
    ("rules", "value", "result"),
    [
        ({"n": "{{.n}}", "lit": [5, True, None, 1.5]}, {"n": 5},
         {"lit": [5, True, None, Decimal("1.5")], "n": "5"}),
        ({"a": "{{.no}}", "b": "{{.nil}}"}, {"nil": None}, {"a": "<no value>", "b": "<no value>"}),
        ({"k{{.n}}": "<{{.n}}&>"}, {"n": 5}, {"k5": "<5&>"}),
        ([ELEMENTS], {"l": [1, 2, 3]}, [1, 2, 3]),
        ([ELEMENTS], {"l": []}, []),
        ([ELEMENTS], {"l": [1000000, 1.5]}, [Decimal("1E+6"), Decimal("1.5")]),
        ({"l": [QUOTED]}, {"l": ["a", "b"]}, {"l": ["a", "b"]}),
        (["x", QUOTED, 1], {"l": ["a", "b"]}, ["x", "a", "b", 1]),
        ({"a": "{{$c := 0}}text", "l": [COUNTED]}, {"l": FLAGGED},
         {"a": "text", "l": [{"p": "A", "n": 1}, {"p": "C", "n": 1}]}),
        ({"n": "{{range .l}}{{.}}{{end}}"}, {"l": [5]}, {"n": 5}),
        ("{{.n}}", {"n": 5}, "5"),
        (7, {}, 7),
        ({"a": "plain", "b": {}, "c": []}, {}, {"a": "plain", "b": {}, "c": []}),
        ({"a": "{{if eq .s `x`}}yes{{else}}no{{end}}."}, {"s": "x"}, {"a": "yes."}),
    ],
)  # fmt: skip
def test_the_two_agree(rules: Any, value: Any, result: Any) -> None:
    strict, usual = both(rules, value)
    assert strict == usual == RenderedJson(result)


@pytest.mark.parametrize(
    ("rules", "value", "result"),
    [
        ({"a": "{{.s}}"}, {"s": 'q"\\\n'}, {"a": 'q"\\\n'}),
        ({"a": "{{if .s}}x{{end}}"}, {"s": "1"}, {"a": "x"}),
        ({"a": "{{range .l}}{{.}} is {{end}}"}, {"l": ["p", "q"]}, {"a": "p is q is "}),
        ([QUOTED], {"l": ['a"],"x":["', "b\\"]}, ['a"],"x":["', "b\\"]),
        ([ELEMENTS], {"l": [None, {"a": 'x"'}]}, [None, {"a": 'x"'}]),
        (["x", ELEMENTS], {"l": []}, ["x"]),
        ({"a": 'say "hi" {{.s}}'}, {"s": "x"}, {"a": 'say "hi" x'}),
        ({"a": '{{$c := 0}}"{{.s}}"', "l": [COUNTED]}, {"s": 'q"', "l": [FLAGGED[0] | {"p": '"'}]},
         {"a": '"q""', "l": [{"p": '"', "n": 1}]}),
        ({"a": '<p class="x">{{.s}}</p>'}, {"s": "y"}, {"a": '<p class="x">y</p>'}),
    ],
)  # fmt: skip
def test_only_the_usual_way_gives_a_value(rules: Any, value: Any, result: Any) -> None:
    strict, usual = both(rules, value)
    assert strict.fault is not None
    assert strict.value is None
    assert "no JSON" in strict.fault.message
    assert usual == RenderedJson(result)


def test_members_come_in_the_order_of_their_names() -> None:
    """So that of two that get one name the last one counts in both ways."""
    for rendered in both({"b": 1, "a{{.s}}": 2, "a": 3, "{{.s}}a": 4}, {"s": ""}):
        assert rendered.value is not None
        assert list(rendered.value.items()) == [("a", 4), ("b", 1)]


def test_no_data_adds_elements() -> None:
    """Between quotes a text stays one; outside, it must be one value."""
    for evil in ("1,2", "],[", 'x","y', '{"a":1},2'):
        usual = both([ELEMENTS], {"l": [evil]})[1]
        assert usual.fault is not None
        assert "outside quotes" in usual.fault.message
        assert usual.fault.path == "$[0]"
        assert both([QUOTED], {"l": [evil]})[1].value == [evil]


def test_upstream_numbers_keep_their_digits() -> None:
    big = {"l": [1534054924618786784, Decimal("1.50")]}
    for rendered in both([ELEMENTS], big, Kind.NUMBER):
        assert rendered.value == [1534054924618786784, Decimal("1.50")]


def test_failures_name_the_path() -> None:
    usual = both({"a": [{"b": "x{{.s.t}}"}]}, {"s": "text"})[1]
    assert usual.value is None
    assert usual.fault is not None
    assert usual.fault.path == "$.a[0].b"
    assert usual.fault.message == "can't evaluate field t in type interface {}"
    with pytest.raises(TemplateRefused) as refusal:
        compile_json({"a": ["ok", "{{.x"]}, FUNCTIONS)
    assert refusal.value.fault.path == "$.a[1]"
    assert str(refusal.value).startswith("$.a[1]: 1:1: unclosed action")
    with pytest.raises(TemplateRefused, match="branch ends between quotes"):
        compile_json(['{{range .l}}"{{end}}'], FUNCTIONS)
    with pytest.raises(TemplateRefused, match="branch ends between quotes"):
        compile_json(['{{range .l}}"{{else}}"{{end}}'], FUNCTIONS)


def test_the_budget_is_shared() -> None:
    rules = ["{{range .l}}x{{end}} "] * 20
    page = compile_json(rules, FUNCTIONS).render(Data({"l": [1] * 10}), Budget(rounds=100))
    assert page.fault is not None
    assert page.fault.category is Category.LIMIT
    deep: Any = "x{{.a}}"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(TemplateRefused, match="nested too deeply"):
        compile_json(deep, FUNCTIONS)


def test_reads() -> None:
    assert compile_json({"a{{.k}}": ["{{.x.y}}", 5]}, FUNCTIONS).reads == {("k",), ("x", "y")}
    assert compile_json({"a": "{{.}}", "b": "{{.c}}"}, FUNCTIONS).reads == {()}


SAFE = st.text(st.characters(exclude_characters='"\\', exclude_categories=("Cs", "Cc")), max_size=8)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), SAFE)
VALUES = st.fixed_dictionaries(
    {
        "s": SAFE,
        "n": SCALARS,
        "l": st.lists(SAFE, max_size=4),
        "i": st.lists(st.integers(-(10**12), 10**12), max_size=4),
        "o": st.dictionaries(SAFE, SCALARS, max_size=3),
    }
)
TEXTS = st.one_of(
    SAFE.filter(lambda text: "{{" not in text and not text.endswith("end}}")),
    st.sampled_from(["{{.s}}", "a{{.n}}b", "{{.o}}", "{{.l}} ", "{{len .l}}", "{{.no}}"]),
    st.sampled_from(["{{if .s}}x{{else}}{{.n}}{{end}}.", "x{{range .i}}{{.}};{{end}}."]),
)
LISTS = st.sampled_from(
    [
        ['{{range $i, $e := .l}}{{if $i}},{{end}}"{{$e}}"{{end}}'],
        ["{{range $i, $e := .i}}{{if $i}},{{end}}{{$e}}{{end}}"],
        ['{{range $i, $e := .l}}{{if $i}},{{end}}{"k":"{{$e}}","n":{{$i}}}{{end}}'],
    ]
)
RULES = st.recursive(
    st.one_of(TEXTS, LISTS, st.booleans(), st.integers(-(10**9), 10**9), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@given(RULES, VALUES, st.sampled_from([Kind.FLOAT, Kind.NUMBER]))
def test_they_agree_over_data_without_quotes(rules: Any, value: Any, kind: Kind) -> None:
    strict, usual = both(rules, value, kind)
    assert usual.fault is None
    assert strict == usual


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(RULES, st.dictionaries(st.sampled_from("snlio"), ANY))
def test_the_usual_way_keeps_the_shape_over_any_data(rules: Any, value: Any) -> None:
    """Whatever the data, a list has the elements its rules say, and a text is a text."""
    usual = compile_json(rules, FUNCTIONS).render(Data(value, Kind.FLOAT))
    if usual.fault is None:
        _check_shape(rules, usual.value)


def _check_shape(rules: Any, value: Any) -> None:
    if isinstance(rules, str):
        assert isinstance(value, str)
    elif isinstance(rules, dict):
        assert len(value) <= len(rules)
    elif isinstance(rules, list) and not any(
        isinstance(r, str) and r.startswith("{{range") and r.endswith("end}}") for r in rules
    ):
        assert len(value) == len(rules)
        for rule, item in zip(rules, value, strict=True):
            _check_shape(rule, item)
    elif not isinstance(rules, list):
        assert value == rules


# -- the quick way --------------------------------------------------------------------------------

FEW = st.sampled_from(["a", "b", "origin"])
SIMPLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FEW, inner, max_size=2),
    max_leaves=6,
)  # fmt: skip
PATHS = st.sampled_from(
    [
        "{{.a}}",
        "{{.a.b}}",
        "{{.origin}}",
        "{{.origin.a}}",
        "{{(index .a 0).b}}",
        "{{index .a 1}}",
        "x",
    ]
)
PLAIN = st.recursive(
    PATHS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FEW, inner, max_size=2)
)


@given(PLAIN, st.dictionaries(FEW, SIMPLE, max_size=3))
def test_the_quick_way_makes_what_the_templates_make(rules: Any, value: dict[str, Any]) -> None:
    data = Data(value, Kind.NUMBER, {"origin": Kind.FLOAT})
    carefully = Budget(output=10**6)  # not the usual one: the quick way is not taken
    made = compile_json(rules, FUNCTIONS)
    assert made.render(data) == made.render(data, carefully)


def test_what_may_be_too_long_is_not_made_the_quick_way() -> None:
    long = {"a": "x" * 5000}
    assert quick_json({"n": "{{.a}}"}) is not None
    assert quick_json(["{{.a}}"] * 257) is None
    made = compile_json(["{{.a}}"] * 256, FUNCTIONS)
    found = made.render(Data(long))
    assert found.fault is not None
    assert found.fault.category is Category.LIMIT


def test_numbers_of_requests_are_written_as_floats_by_the_quick_way_too() -> None:
    named = {"origin": Kind.FLOAT}
    made = compile_json({"a": "{{.origin}}", "b": "{{.b}}"}, FUNCTIONS)
    found = made.render(Data({"origin": 10**7, "b": 10**7}, Kind.NUMBER, named))
    assert found.value == {"a": "1e+07", "b": "10000000"}


def test_comments_that_nothing_closes_take_linear_time() -> None:
    """Each could be read as a comment or as letters: two to the fiftieth ways."""
    with pytest.raises(TemplateRefused, match="comment ends before"):
        compile_json(["{{" + "/*a*/" * 50], FUNCTIONS)
    begun = time.perf_counter()
    with pytest.raises(TemplateRefused):
        compile_json(["{{" + "/* " * 20_000], FUNCTIONS)
    assert time.perf_counter() - begun < 2  # each looking for its end takes ten times that

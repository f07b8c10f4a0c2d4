"""The row clauses on bodies: what passes keeps its bytes, what does not fit is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import ValueRefused
from apiql.ir.rows import Rows
from apiql.ir.values import ParamRoot
from apiql.runtime.decode import Undecodable
from apiql.runtime.distinct import json_key
from apiql.runtime.json_values import decode, identity
from apiql.runtime.row_list import NotRows
from apiql.runtime.rows import row_checks
from tests.harness import exact_json
from tests.harness.row_query import row_query, scope_of
from tests.properties.json_texts import BODIES, OBJECTS, VALUES, written


def seen(clauses: str, body: str | bytes, params: dict[str, Any] | None = None) -> str:
    """What references see of `select *` with some clauses."""
    data = body.encode() if isinstance(body, str) else body
    return row_query(f"select * from /x {clauses}").seen(data, params).decode()


# -- bytes --------------------------------------------------------------------------------------

ODD = '[ {"b":  1.50e3, "a": [ 1 ,2 ], "x":"\\u00e9\\/"} ,\n {"a":1,"b":-0.0}, {"b" : 1E+2}]'
KEPT = ['{"b":  1.50e3, "a": [ 1 ,2 ], "x":"\\u00e9\\/"}', '{"a":1,"b":-0.0}', '{"b" : 1E+2}']


@pytest.mark.parametrize(
    ("clauses", "places"),
    [
        ("having true", (0, 1, 2)),
        ("having b > 0", (0, 2)),
        ("order by b", (1, 2, 0)),
        ("order by b desc limit 1", (0,)),
        ("limit 1 offset 2", (2,)),
        ("distinct", (0, 1, 2)),
        ("having jmespath('b > `0`') order by b", (2, 0)),
    ],
)
def test_rows_keep_their_bytes(clauses: str, places: tuple[int, ...]) -> None:
    wanted = "[" + ",".join(KEPT[place] for place in places) + "]"
    assert seen(clauses, ODD) == wanted
    assert seen(f"rows a.b {clauses}", '{"a": {"b": ' + ODD + "}}") == wanted


def test_only_what_is_read_is_decoded() -> None:
    long = "1" + "0" * 500 + ".5"
    body = '[{"x": 1, "y": ' + long + "}]"
    assert seen("having x = 1", body) == body.replace("\n", "")
    with pytest.raises(Undecodable, match="400 digits"):
        seen("having y = 1", body)


# -- the list -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("a", '{"a": [1.0,2]}', "[1.0,2]"),
        ("a.b", '{"a": {"b":  {"c":1}}}', '{"c":1}'),
        ("a", '{"a": null}', "null"),
        ("a.b", '{"a": null}', "null"),
        ("a", " null ", "null"),
        ("a.b", '{"a": [{"b": [1,2]}, {"b": 3}, {"b": null}, {}, null, {"b": []}]}', "[1,2,3]"),
        ("a", '[{"a": [[1]]}, {"a": {"x":1}}]', '[[1],{"x":1}]'),
        ("a.b", '[{"a": [{"b": 1}, {"b": [2]}]}, {"a": {"b": 3}}]', "[1,2,3]"),
        ("a", "[]", "[]"),
        ('"x.y"', '{"x.y": 1}', "1"),
        ('a."ä b"', '{"a": {"ä b": "ö"}}', '"ö"'),
    ],
)
def test_rows_cuts_out_what_stands_there(path: str, body: str, found: str) -> None:
    assert seen(f"rows {path}", body) == found


@pytest.mark.parametrize(
    ("clauses", "body", "message"),
    [
        ("rows a.b", '{"a": {"c": 1}}', "`rows a.b` finds nothing: a has no b"),
        ("rows a.b", "{}", "`rows a.b` finds nothing: the result has no a"),
        ("rows a.b", '{"a": 5}', "`rows a.b` finds nothing: a is a number"),
        ("rows a", "true", "`rows a` finds nothing: the result is a boolean"),
        ("rows a.b", '{"a": [{}, {"c": 1}]}', "no object in a list on the way has b"),
        ("rows a", '[{"a": 1}, "x"]', "a is wanted of objects in a list, and one is a text"),
        ("rows a", '[[{"a": 1}]]', "a is wanted of objects in a list, and one is a list"),
        ("having true", "{}", "`having` wants a list of objects, got an object"),
        ("having true", "[{}, null]", "`having` wants a list of objects, got null at [1]"),
        ("group by a", "[1.5]", "`group by` wants a list of objects, got a number at [0]"),
        ("order by a", '"x"', "`order by` wants a list of objects, got a text"),
        ("distinct", "5", "`distinct` wants a list, got a number"),
        ("limit 1", "false", "`limit` wants a list, got a boolean"),
        ("rows a limit 1", '{"a": {}}', "`limit` wants a list, got an object at a"),
        ("rows a order by x", '{"a": [{}, []]}', "got a list at a[1]"),
        ("having jmespath('a')", "[[]]", "`having` wants a list of objects, got a list at [0]"),
    ],
)
def test_what_is_no_list_is_refused(clauses: str, body: str, message: str) -> None:
    star = "count(*) as n" if "group" in clauses else "*"
    with pytest.raises(NotRows) as refused:
        row_query(f"select {star} from /x {clauses}").seen(body.encode())
    assert refused.value.message.endswith(message)


def test_an_object_comes_with_advice() -> None:
    with pytest.raises(NotRows) as refused:
        seen("limit 1", '{"items": []}')
    assert refused.value.hint == "say where the list is: rows data.items"


@pytest.mark.parametrize("clauses", ["rows a", "having a = 1", "order by a", "distinct", "limit 1"])
@pytest.mark.parametrize(
    "body", [b'{"a": [1}', b'[{"a": 1}', b'[{"a": "\xff"}]x', b'"half', b"", b'[{"a" 1}]']
)
def test_a_broken_body_is_undecodable(clauses: str, body: bytes) -> None:
    with pytest.raises(Undecodable):
        seen(clauses, body)


@pytest.mark.parametrize("clauses", ["rows a.a", "having a = 1", "distinct", "limit 1"])
@pytest.mark.parametrize(("start", "end"), [('[{"a":', "}]"), ('{"a":', "}"), ("[", "]")])
def test_a_deep_body_is_refused(clauses: str, start: str, end: str) -> None:
    body = start * 20_000 + "1" + end * 20_000
    with pytest.raises((Undecodable, NotRows)):
        seen(clauses, body)


def test_text_that_is_read_and_no_utf8() -> None:
    with pytest.raises(Undecodable, match="UTF-8"):
        seen("having a = 'x'", b'[{"a": "\xff"}]')


def test_a_null_result_stays_null() -> None:
    for clauses in ("having a", "order by a", "distinct", "limit 1", "rows a limit 1"):
        assert seen(clauses, "null") == "null"


@given(
    st.one_of(
        BODIES,
        st.binary(max_size=30),
        st.lists(OBJECTS.filter(lambda value: isinstance(value, dict)), max_size=5).map(written),
    ),
    st.sampled_from(["", "rows a", "rows b.c"]),
    st.sampled_from(["", "having a > 1 or b = c", "having a and jmespath('b')"]),
    st.sampled_from(
        ["", "order by a, b.c desc nulls first", "distinct limit 3", "limit 1 offset 1"]
    ),
    st.booleans(),
)
def test_any_body_is_read_or_refused(
    body: bytes, at: str, having: str, rest: str, groups: bool
) -> None:
    fields, by = "*", ""
    if groups and "jmespath" not in having:
        fields, by = "a, b.c, count(*) as n, max(größe) as d", "group by a, b.c"
    query = row_query(f"select {fields} from /x {at} {having} {by} {rest}")
    try:
        exact_json.parse(query.shown(body))
    except (NotRows, Undecodable, ValueRefused):
        pass


# -- having, order by ---------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["items", "user", "length(items)", "id"])
def test_having_wants_a_condition(value: str) -> None:
    with pytest.raises(ValueRefused, match="having wants a condition, got a"):
        seen(f"having {value}", '[{"items": [], "user": {}, "id": 1}]')


def test_a_scope_is_left_without_a_row() -> None:
    scope = scope_of()
    row_query("select * from /x having a = 1 order by a").stage(b'[{"a": 1}]', scope)
    assert scope.row is None
    with pytest.raises(ValueRefused):
        row_query("select * from /x having a > 'x'").stage(b'[{"a": 1}]', scope)
    assert scope.row is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ('1, "a"', "a number and a text"),
        ("1.5, 2, true", "a number and a boolean"),
        ("[1]", "a list"),
        ('null, {"a": 1}', "an object"),
        ('"a", null, 1, []', "a text and a number and a list"),
    ],
)
def test_unlike_values_have_no_order(values: str, message: str) -> None:
    body = "[" + ",".join(f'{{"v": {value}}}' for value in values.split(", ")) + "]"
    with pytest.raises(ValueRefused) as refused:
        seen("order by v", body)
    assert refused.value.message == f"order by wants numbers alone or texts alone, got {message}"


def test_order_is_stable_and_exact() -> None:
    values = ["10000000000000000000000000.1", "10000000000000000000000000", "1e25", "1E+25"]
    rows = [f'{{"v":{value}}}' for value in values]
    body = "[" + ",".join(rows) + "]"
    assert seen("order by v", body) == "[" + ",".join([*rows[1:], rows[0]]) + "]"
    assert seen("order by v desc", body) == body


# -- limit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-1, "1", None, True, Decimal("1.5"), [], Decimal("2.0")])
def test_no_number_of_rows(value: Any) -> None:
    for clauses in ("limit $n", "limit 1 offset $n"):
        query = row_query(f"select * from /x {clauses}")
        assert query.rows is not None
        (check,) = row_checks(query.rows)
        with pytest.raises(ValueRefused, match="wants an integer from 0 up, got"):
            check(scope_of({"n": value}))
        with pytest.raises(ValueRefused):
            query.seen(b"[]", {"n": value})


def test_numbers_of_rows() -> None:
    query = row_query("select * from /x limit $n offset $m")
    assert query.rows is not None
    for check in row_checks(query.rows):
        check(scope_of({"n": 0, "m": 10**300}))
    assert query.seen(b"[1,2,3]", {"n": 10**300, "m": 1}) == b"[2,3]"
    assert list(query.rows.counts()) == [ParamRoot("m"), ParamRoot("n")]
    assert row_checks(Rows(limit=3)) == ()


# -- distinct -----------------------------------------------------------------------------------


@given(VALUES, VALUES)
def test_json_key_is_identity(one: Any, other: Any) -> None:
    first, second = written(one), written(other, spaced=True)
    alike = identity(decode(first)) == identity(decode(second))
    assert (json_key(first) == json_key(second)) == alike
    assert json_key(first) == json_key(written(one, spaced=True))


def test_the_order_of_members_does_not_tell_rows_apart() -> None:
    body = '[{"a":1,"b":{"x":2,"y":[3.0]}},{"b":{"y":[3],"x":2.00},"a":1}]'
    assert seen("distinct", body) == '[{"a":1,"b":{"x":2,"y":[3.0]}}]'


@given(st.integers(-(10**20), 10**20), st.integers(0, 5))
def test_numbers_have_one_key(value: int, zeros: int) -> None:
    spellings = [f"{value}", f"{value}.{'0' * (zeros + 1)}", f"{value * 10**zeros}e-{zeros}"]
    assert len({json_key(spelling.encode()) for spelling in spellings}) == 1
    assert len({identity(decode(spelling.encode())) for spelling in spellings}) == 1

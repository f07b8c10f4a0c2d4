"""Groups, and what a select's row clauses become: which names mean what, what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from apiql.errors import QueryRefused, ValueRefused
from apiql.ir.grouping import Groups
from apiql.ir.projection import EVERYTHING, Kept, Named
from apiql.ir.rows import COUNT_ROWS, Rows, SortKey
from apiql.ir.values import Apply, Literal, ParamRoot, Ref, RowRoot, applied
from apiql.runtime.rows import compile_rows, row_values
from tests.harness.row_query import FUNCTIONS, row_query


def grouped(query: str, rows: list[Any]) -> Any:
    """What a whole query makes of some rows."""
    return json.loads(row_query(query).shown(json.dumps(rows).encode()))


def field(*path: str) -> Ref:
    """A field of the row."""
    return Ref(RowRoot(), path)


# -- groups -------------------------------------------------------------------------------------


def test_group_members_stand_in_the_order_of_the_text() -> None:
    query = "select count(*) as n, b.x, a, b.y, max(c) as c from /x group by a, b.y, b.x"
    rows = [{"a": 1, "b": {"x": 2, "y": 3}, "c": 4}]
    assert json.dumps(grouped(query, rows)) == json.dumps(
        [{"n": 1, "b": {"x": 2, "y": 3}, "a": 1, "c": 4}]
    )


def test_what_lies_below_a_key_belongs_to_it() -> None:
    query = "select user.name, user.tags[0] as tag, upper(user.name) as up from /x group by user"
    rows = [{"user": {"name": "u", "tags": ["t"]}}, {"user": None}]
    assert grouped(query, rows) == [
        {"user": {"name": "u"}, "tag": "t", "up": "U"},
        {"user": {"name": None}, "tag": None, "up": None},
    ]


def test_aggregates_of_lists_in_rows() -> None:
    query = "select sum(count(items)) as n, max(sum(items.v)) as most from /x group by ()"
    rows = [{"items": [{"v": 1}, {"v": 2}]}, {"items": [{"v": 7}]}]
    assert grouped(query, rows) == [{"n": 3, "most": 7}]


def test_a_key_that_is_an_aggregate_of_a_list() -> None:
    query = "select count(items) as size, count(*) as n from /x group by count(items)"
    rows: list[Any] = [{"items": [1]}, {"items": [2]}, {"items": []}]
    assert grouped(query, rows) == [{"size": 1, "n": 2}, {"size": 0, "n": 1}]


def test_an_aggregate_refuses_what_it_cannot_take() -> None:
    with pytest.raises(ValueRefused, match=r"sum\(\) wants a list of numbers"):
        grouped("select sum(v) as s from /x group by ()", [{"v": 1}, {"v": "x"}])


def test_keys_tell_true_from_one() -> None:
    query = "select v = 1 as one, v = true as yes from /x group by (v = 1), (v = true)"
    assert grouped(query, [{"v": 1}, {"v": True}]) == [
        {"one": True, "yes": False},
        {"one": False, "yes": True},
    ]


def test_hostile_keys_are_no_slower() -> None:
    """Integers whose hashes are all the same: in a plain dict each new one meets all others."""
    modulus = 2**61 - 1
    rows = [{"k": number * modulus} for number in range(20_000)]
    started = time.thread_time()
    assert len(grouped("select k, count(*) as n from /x group by k", rows)) == len(rows)
    assert len(grouped("select * from /x distinct", rows)) == len(rows)
    assert time.thread_time() - started < 3


def test_a_plan_with_a_stray_field_is_refused() -> None:
    rows = Rows(group=(field("shop"),), fields=(Kept(("shop",)), Named("p", field("price"))))
    with pytest.raises(ValueRefused, match="price is neither a key"):
        compile_rows(rows, EVERYTHING, FUNCTIONS, {})


# -- lowering -----------------------------------------------------------------------------------


def test_no_clauses_no_rows() -> None:
    found = row_query("select *, a + 1 as b from /x where y = 1")
    assert found.rows is None
    assert not found.projection.is_identity


def test_rows_of_a_query() -> None:
    found = row_query(
        "select a, b as c from /x rows d.e having f order by c desc nulls first, g "
        "limit 3 offset $n distinct"
    )
    assert found.rows == Rows(
        at=("d", "e"), having=field("f"), distinct=True, offset=ParamRoot("n"), limit=3,
        order=(SortKey(field("b"), True, True), SortKey(field("g"))),
    )  # fmt: skip
    assert found.projection.fields == (Kept(("a",)), Named("c", field("b")))


def test_groups_of_a_query() -> None:
    found = row_query(
        "select a, count(*) as n from /x group by a "
        "having (x = 1 and (n > 2 and y = 2)) and (z = 3 or w = 4)"
    )
    rows = found.rows
    assert rows is not None
    assert found.projection == EVERYTHING
    assert rows.fields == (Kept(("a",)), Named("n", Apply(COUNT_ROWS)))
    assert rows.group == (field("a"),)
    assert str(rows.group_having) == "(count(*) > 2)"
    assert str(rows.having) == "and((x = 1), (y = 2), ((z = 3) or (w = 4)))"


def test_names_of_as_are_not_meant_inside_aggregates() -> None:
    query = "select shop as k, count(*) as n from /x group by shop order by max(k)"
    rows = [{"shop": "a", "k": 2}, {"shop": "b", "k": 1}]
    assert [row["k"] for row in grouped(query, rows)] == ["b", "a"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("upper(shop) as shop, count(*) as n from /x group by shop", ["A", "A", "B"]),
        ("upper(shop) as shop, count(*) as n from /x group by shop order by shop desc", "BAA"),
        ("upper(shop) as s, count(*) as n from /x group by s", ["A", "B"]),
        ("upper(shop) as s from /x group by s having s = 'B'", ["B"]),
        ("upper(shop) as shop from /x group by shop having shop = 'a'", ["A"]),
        ("shop, count(*) as v from /x group by shop having v > 1", ["b"]),
        ("shop, max(v) as v from /x group by shop having v > 1", ["A", "b"]),
    ],
)
def test_names_of_as_and_fields_of_the_row(query: str, wanted: list[str]) -> None:
    """A name that the projection reads as a field of the row is that field, but in `order by`."""
    rows = [{"shop": "a", "v": 1}, {"shop": "A", "v": 2}, {"shop": "b", "v": 3}, {"shop": "b"}]
    assert [next(iter(row.values())) for row in grouped(f"select {query}", rows)] == list(wanted)


def test_names_of_as_in_paths_and_indexes() -> None:
    rows = [{"u": {"n": 2}, "v": 1, "l": [9, 1]}, {"u": {"n": 1}, "v": 0, "l": [3, 1]}]
    body = json.dumps(rows).encode()
    by_path = row_query("select u as who, v from /x order by who.n")
    assert json.loads(by_path.shown(body))[0] == {"who": {"n": 1}, "v": 0}
    by_index = row_query("select v as at, u.n as n from /x order by l[at], n")
    assert [row["n"] for row in json.loads(by_index.shown(body))] == [2, 1]
    missing = row_query("select u as who from /x order by who.nope nulls first")
    assert len(json.loads(missing.shown(body))) == 2


def test_a_shuffled_order_reads_no_field() -> None:
    assert row_query("select * from /x order by random()").rows is not None
    for text in ("order by 1", "order by 'a'", "order by now()", "order by $x"):
        with pytest.raises(QueryRefused, match="the same for every row"):
            row_query(f"select * from /x {text}")


def test_what_can_be_computed_ahead_has_no_aggregate() -> None:
    found = row_query(
        "select a, count(*) as n, sum(1) as m from /x group by a having max(b) > 1 order by avg(c)"
    )
    assert found.rows is not None
    for value in row_values(found.rows):
        assert applied(value).isdisjoint({COUNT_ROWS, "sum", "max", "avg"})


def test_lifted_values_read_keys_and_aggregates() -> None:
    groups = Groups((field("a"), Apply("lower", (field("b"),))))
    value = Apply("+", (Apply("sum", (field("c"),)), Apply("lower", (field("b"),))))
    assert groups.lifted(value) == Apply("+", (field("aggregate 0"), field("key 1")))
    assert groups.lifted(field("a", "x")) == field("key 0", "x")
    again = Apply("-", (Apply("sum", (field("c"),)), Literal(1)))
    assert groups.lifted(again) == Apply("-", (field("aggregate 0"), Literal(1)))
    assert groups.strays == []
    groups.lifted(Apply("lower", (field("d"),)))
    assert groups.strays == [field("d")]

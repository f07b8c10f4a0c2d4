"""The row clauses against sqlite3: the same generated clauses, over the same generated table.

SQLite is another language where this one differs by design, so some things are not generated:

* `/` (SQLite divides integers to integers) and functions over letters beyond ASCII;
* the order of unlike types, which SQLite has and we refuse: columns have one type each (no
  affinity is declared, so that SQLite converts nothing), and unlike types meet in `=` alone;
* `like` without regard to case, which a pragma turns off there;
* NULLs in an order without saying where, since SQLite puts them first in ascending orders.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.sqlite_table import (
    FLAGS,
    LETTERS,
    NUMBERS,
    ROWS,
    TEXTS,
    alike,
    json_of,
    our_rows,
    sqlite_rows,
)

# -- expressions, the same text in both languages ------------------------------------------------

NULL = "coalesce(null, null)"
"""A null that is not written out: compared, that is refused."""
NUMBER_CONSTANTS = st.sampled_from(["0", "1", "2", "-1", "0.5", "1.0", "-2.25", NULL])
TEXT_CONSTANTS = st.text(LETTERS, max_size=3).map(lambda text: f"'{text}'") | st.just(NULL)


def _calculated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    return two | inner.map(lambda value: f"(-({value}))")


NUMERIC = st.recursive(
    st.sampled_from([*NUMBERS, "id", "(a % 2)", "length(s)", "coalesce(a, 1)"]) | NUMBER_CONSTANTS,
    _calculated,
    max_leaves=3,
)
TEXTUAL = st.sampled_from(TEXTS) | TEXT_CONSTANTS
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
NOT = st.sampled_from(["", "not "])


def comparisons(
    values: st.SearchStrategy[str], constants: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    """Conditions over values of one type."""
    lists = st.lists(constants, min_size=1, max_size=4).map(", ".join)
    return st.one_of(
        st.tuples(values, SIGNS, values).map(" ".join),
        st.tuples(values, NOT, values, values).map(
            lambda t: f"{t[0]} {t[1]}between {t[2]} and {t[3]}"
        ),
        st.tuples(values, NOT, lists).map(lambda t: f"{t[0]} {t[1]}in ({t[2]})"),
        st.tuples(values, NOT).map(lambda t: f"{t[0]} is {t[1]}null"),
    )


def combined(tests: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """`and`, `or` and `not` of conditions."""
    return st.recursive(
        tests.map(lambda test: f"({test})"),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda t: f"({' '.join(t)})"
            ),
            inner.map(lambda test: f"(not {test})"),
        ),
        max_leaves=4,
    )


LIKES = st.tuples(TEXTUAL, NOT, st.text("aAbé%_", max_size=4)).map(
    lambda t: f"{t[0]} {t[1]}like '{t[2]}'"
)
UNLIKE = st.tuples(st.sampled_from(["a = s", "s != b", "a != 'a'", "f = 'b'", "t = 1"])).map(
    "".join
)
CONDITIONS = combined(
    st.one_of(
        comparisons(NUMERIC, NUMBER_CONSTANTS),
        comparisons(TEXTUAL, TEXT_CONSTANTS),
        LIKES,
        UNLIKE,
        st.sampled_from(["f", "f = true", "f != false", "f is null"]),
    )
)


def orders(keys: st.SearchStrategy[str], most: int) -> st.SearchStrategy[list[str]]:
    """Keys with their directions; where nulls go is always said."""
    key = st.tuples(
        keys,
        st.sampled_from(["", " asc", " desc"]),
        st.sampled_from([" nulls first", " nulls last"]),
    )
    return st.lists(key.map("".join), max_size=most)


LIMITS = st.one_of(
    st.just(""),
    st.integers(0, 8).map(lambda n: f" limit {n}"),
    st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda t: f" limit {t[0]} offset {t[1]}"),
)


ROW_KEYS = st.sampled_from([*TEXTS, *FLAGS, "c"]) | NUMERIC.map(lambda value: f"(a * {value})")

# -- the tests ------------------------------------------------------------------------------------


@given(ROWS, st.none() | CONDITIONS, NUMERIC, orders(ROW_KEYS, 3), LIMITS)
def test_rows(
    rows: list[Any], condition: str | None, computed: str, order: list[str], limit: str
) -> None:
    fields = f"id, s, {computed} as c, f"
    ending = f" order by {', '.join([*order, 'id'])}{limit}"
    where = f" where {condition}" if condition else ""
    having = f" having {condition}" if condition else ""
    theirs = sqlite_rows(rows, f"select {fields} from x{where}{ending}")
    for sparse in (False, True):
        body = json_of(rows, sparse)
        ours = our_rows(f"select {fields} from /x{having}{ending}", body, ("id", "s", "c", "f"))
        assert alike(ours, theirs), (ours, theirs)


@given(ROWS, CONDITIONS)
def test_what_is_neither_true_nor_false_is_left_out(rows: list[Any], condition: str) -> None:
    """A condition, its opposite, and where it is unknown: no row is twice or nowhere."""
    body = json_of(rows, sparse=True)
    opposite = our_rows(f"select id from /x having not {condition}", body, ("id",))
    theirs = sqlite_rows(rows, f"select id from x where not {condition} order by id")
    assert opposite == theirs
    passing = our_rows(f"select id from /x having {condition}", body, ("id",))
    assert not set(passing) & set(opposite)


@given(
    ROWS,
    st.none() | CONDITIONS,
    st.lists(st.sampled_from([*NUMBERS, *TEXTS, *FLAGS]), min_size=1, max_size=3, unique=True),
    st.data(),
    LIMITS,
)
def test_distinct(
    rows: list[Any], condition: str | None, names: list[str], data: st.DataObject, limit: str
) -> None:
    ends = st.sampled_from([" nulls first", " desc nulls first", " nulls last", " desc nulls last"])
    order = ", ".join(name + data.draw(ends) for name in data.draw(st.permutations(names)))
    fields = ", ".join(names)
    where = f" where {condition}" if condition else ""
    having = f" having {condition}" if condition else ""
    ending = f" order by {order}{limit}"
    theirs = sqlite_rows(rows, f"select distinct {fields} from x{where}{ending}")
    text = f"select {fields} from /x{having} distinct{ending}"
    ours = our_rows(text, json_of(rows, sparse=False), names)
    assert alike(ours, theirs), (ours, theirs)


KEYS = ("a", "b", "s", "t", "f", "(a % 2)", "coalesce(t, 'none')", "(a > 0)")
COUNTED = st.sampled_from(["count(*)", "count(a)", "count(s)"])
AGGREGATES = COUNTED | st.tuples(
    st.sampled_from(["sum", "min", "max", "avg", "count"]), NUMERIC
).map(lambda t: f"{t[0]}({t[1]})")
TEXT_AGGREGATES = st.sampled_from(["min(s)", "max(t)", "min(coalesce(s, t))"])
OF_GROUPS = combined(
    st.one_of(
        comparisons(AGGREGATES, NUMBER_CONSTANTS),
        comparisons(TEXT_AGGREGATES, TEXT_CONSTANTS),
        st.tuples(AGGREGATES, SIGNS, AGGREGATES).map(" ".join),
        st.sampled_from(["n > 1", "n = 1 or v is null", "k0 is not null and n > 0"]),
    )
)


@given(
    ROWS,
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    st.lists(AGGREGATES | TEXT_AGGREGATES, min_size=1, max_size=3),
    st.none() | CONDITIONS,
    st.none() | OF_GROUPS,
    orders(AGGREGATES | st.sampled_from(["n", "(n + count(a))", "k0"]), 2),
    LIMITS,
)
def test_groups(
    rows: list[Any], keys: list[str], values: list[str], condition: str | None,
    of_groups: str | None, order: list[str], limit: str,
) -> None:  # fmt: skip
    shown = [f"{key} as k{number}" for number, key in enumerate(keys)]
    shown += [f"{value} as v{number or ''}" for number, value in enumerate(values)]
    fields = ", ".join(("count(*) as n", *shown))
    names = [field.rpartition(" as ")[2] for field in ("count(*) as n", *shown)]
    by_keys = [f"k{number} nulls first" for number in range(len(keys))]
    ending = f" order by {', '.join([*order, *by_keys])}{limit}"
    grouping = f" group by {', '.join(keys)}"
    sql = f"select {fields} from x" + (f" where {condition}" if condition else "") + grouping
    sql += (f" having {of_groups}" if of_groups else "") + ending
    parts = [part for part in (condition, of_groups) if part]
    having = f" having {' and '.join(parts)}" if parts else ""
    ours = our_rows(
        f"select {fields} from /x{having}{grouping}{ending}", json_of(rows, True), names
    )
    theirs = sqlite_rows(rows, sql)
    assert alike(ours, theirs), (ours, theirs)


@given(ROWS, st.lists(AGGREGATES | TEXT_AGGREGATES, min_size=1, max_size=4), st.none() | CONDITIONS)
def test_one_group_of_all(rows: list[Any], values: list[str], condition: str | None) -> None:
    fields = ", ".join(f"{value} as v{number}" for number, value in enumerate(values))
    names = [f"v{number}" for number in range(len(values))]
    where = f" where {condition}" if condition else ""
    having = f" having {condition}" if condition else ""
    theirs = sqlite_rows(rows, f"select {fields} from x{where}")
    text = f"select {fields} from /x{having} group by ()"
    ours = our_rows(text, json_of(rows, True), names)
    assert alike(ours, theirs), (ours, theirs)

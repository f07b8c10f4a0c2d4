"""Push-down changes no answer: the same query with it, without it, and with an upstream that
minds nothing of what it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import currently_in_test_context, event, example, given
from hypothesis import strategies as st

from apiql.engine import Engine, Query
from apiql.errors import QueryRefused
from apiql.ir.explain import as_text
from apiql.ir.works import Fetch
from apiql.runtime.json_values import encode
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.properties.pushed_upstreams import UPSTREAMS, Refused, Row

MEMBERS = {"no": "integer", "price": "number?", "status": "text", "note": "text?",
           "name": "ordered text", "sold": "boolean?", "tags": "any"}  # fmt: skip
EVERYTHING = ["limit", "offset", "order", "filter", "fields"]
MORE: dict[str, dict[str, Any]] = {
    "jsonapi": {"names": {"fields": "fields[items]"}},
    "google": {"can": ["limit", "fields"], "members": {**MEMBERS, "next": "any"}},
}
AT = {"odata": "value", "jsonapi": "data", "google": "items"}
HOSTILE = "ab'\"(),&#.\\*%_ +;=:?é中😀[]{}$-"


@dataclass
class Table:
    """The layer of an engine: one of the upstreams over the rows of the example at hand."""

    style: str
    rows: list[Row] = field(default_factory=list)
    deaf: bool = False
    targets: list[str] = field(default_factory=list)

    async def __call__(self, call: Call) -> Reply:
        """Answers like the upstream, or as if nothing was asked."""
        self.targets.append(call.target)
        query = urlsplit(call.target).query
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        try:
            found = UPSTREAMS[self.style](self.rows, [] if self.deaf else pairs)
        except Refused as refused:
            return Reply(400, (("content-type", "text/plain"),), str(refused).encode())
        return Reply(200, (("content-type", "application/json"),), encode(found))


def settings_of(style: str, push: bool) -> Settings:
    """One source `items`, with and without what it can do itself."""
    declared = {"style": style, "can": EVERYTHING, "members": MEMBERS, "key": "no",
                "max_limit": 5, **MORE.get(style, {})}  # fmt: skip
    source = {"path": "/items", **({"push": declared} if push else {})}
    upstream = {"url": "http://up.test", "sources": {"items": source}}
    return Settings.model_validate({"upstreams": {"default": upstream}})


TABLES = {style: Table(style) for style in UPSTREAMS}
PUSHING = {style: Engine(settings_of(style, True), TABLES[style]) for style in UPSTREAMS}
PLAIN = {style: Engine(settings_of(style, False), TABLES[style]) for style in UPSTREAMS}


# -- what is generated ----------------------------------------------------------------------------

TEXTS = st.one_of(st.sampled_from(["a", "new", "", "a,b", "50%", "null", "eq.a", "') or ('"]),
                  st.text(HOSTILE, max_size=4))  # fmt: skip
PRICES = st.one_of(st.integers(-3, 4), st.integers(-9, 9).map(lambda n: Decimal(n) / 4))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"price": st.none() | PRICES, "status": TEXTS, "note": st.none() | TEXTS, "name": TEXTS,
         "sold": st.sampled_from([None, True, False]), "tags": st.lists(TEXTS, max_size=1),
         "ghost": TEXTS}
    ),
    max_size=8,
)  # fmt: skip


def literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return (
        {True: "true", False: "false", None: "null"}[value]
        if value in (True, False, None) and (value is None or isinstance(value, bool))
        else str(value)
    )


OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    "no": st.integers(-1, 8) | st.sampled_from([2**31, -(2**31)]), "price": PRICES,
    "status": TEXTS, "note": TEXTS, "name": TEXTS, "sold": st.booleans(), "ghost": TEXTS,
}  # fmt: skip
ANYTHING = st.one_of(PRICES, TEXTS, st.booleans(), st.none(),
                     st.sampled_from([2**31, 10**20, Decimal("0.1234567890123456")]))  # fmt: skip


@st.composite
def constants(draw: st.DrawFn, name: str, params: dict[str, Any]) -> str:
    """A constant for a member, mostly of its kind, sometimes by a parameter."""
    value = draw(OF_KIND[name] if draw(st.integers(0, 7)) else ANYTHING)
    if draw(st.integers(0, 2)):
        return literal(value)
    params[f"p{len(params)}"] = value
    return f"$p{len(params) - 1}"


@st.composite
def comparisons(draw: st.DrawFn, before: str, params: dict[str, Any]) -> str:
    """One comparison."""
    name = draw(st.sampled_from(list(OF_KIND)))
    at, maybe_not = before + name, draw(st.sampled_from(["", "", "not "]))
    one = constants(name, params)
    match draw(st.sampled_from(["=", "=", "!=", "<", ">=", "in", "null", "like", "between", "b"])):
        case "in":
            items = [draw(one) for _ in range(draw(st.integers(1, 3)))]
            return f"{at} {maybe_not}in ({', '.join(items)})"
        case "null":
            return f"{at} is {maybe_not}null"
        case "like":
            pattern = draw(st.text("ab%_*\\'%", max_size=4))
            return f"{before}{draw(st.sampled_from(['status', 'note']))} {maybe_not}like " + (
                literal(pattern))  # fmt: skip
        case "between":
            return f"{at} {maybe_not}between {draw(one)} and {draw(one)}"
        case "b":
            return f"{maybe_not}{before}sold"
        case sign:
            sides = [at, draw(one)]
            return f" {sign} ".join(sides if draw(st.booleans()) else sides[::-1])


@st.composite
def conditions(draw: st.DrawFn, before: str, params: dict[str, Any], depth: int = 2) -> str:
    """`and`, `or` and `not` of comparisons."""
    if depth == 0 or draw(st.booleans()):
        return draw(comparisons(before, params))
    parts = [draw(conditions(before, params, depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    joined = f" {draw(st.sampled_from(['and', 'and', 'or']))} ".join(f"({p})" for p in parts)
    return f"not ({joined})" if draw(st.integers(0, 4)) == 0 else joined


@st.composite
def clauses(draw: st.DrawFn, before: str, params: dict[str, Any]) -> str:
    """The row clauses of a select."""
    found = []
    if draw(st.integers(0, 3)):
        found.append(f"having {draw(conditions(before, params))}")
    if draw(st.booleans()):
        ends = st.sampled_from(["", " desc", " nulls first", " desc nulls first"])
        names = draw(st.lists(st.sampled_from(["no", "price", "name", "sold"]), min_size=1,
                              max_size=3, unique=True))  # fmt: skip
        found.append("order by " + ", ".join(f"{before}{name}{draw(ends)}" for name in names))
    if draw(st.integers(0, 9)) == 0:
        found.append("distinct")
    if draw(st.booleans()):
        found.append(" ".join(["limit", draw(counts(params)), *draw(offsets(params))]))
    return " ".join(found)


@st.composite
def counts(draw: st.DrawFn, params: dict[str, Any]) -> str:
    number = draw(st.integers(0, 7))
    if draw(st.booleans()):
        return str(number)
    params[f"p{len(params)}"] = number
    return f"$p{len(params) - 1}"


@st.composite
def offsets(draw: st.DrawFn, params: dict[str, Any]) -> list[str]:
    return ["offset", draw(counts(params))] if draw(st.booleans()) else []


PROJECTIONS = ["*", "{0}no", "{0}no, {0}price", "{0}name, {0}status", "*, ({0}note)", "{0}ghost",
               "{0}no, {0}tags", "{0}price * 2 as twice, {0}no", "count({0}tags) as n"]  # fmt: skip


@st.composite
def queries(draw: st.DrawFn, style: str) -> tuple[str, dict[str, Any]]:
    """A query of one style's source, and its parameters."""
    params: dict[str, Any] = {}
    before = "attributes." if style == "jsonapi" else ""
    shown = draw(st.sampled_from(PROJECTIONS)).format(before)
    at = f" rows {AT[style]}" if style in AT else ""
    return f"select {shown} from items{at} {draw(clauses(before, params))}", params


# -- the law --------------------------------------------------------------------------------------


def outcome(engine: Engine, query: str, params: Mapping[str, Any]) -> Any:
    """What an answer says: its data and what went wrong."""
    try:
        found = asyncio.run(engine.answer(Query(query, params)))
    except QueryRefused as refused:
        return [problem.message for problem in refused.problems]
    return found.status, found.data, [(e["code"], e["message"]) for e in found.errors]


def pushed_clauses(engine: Engine, query: str) -> list[str]:
    work = engine.plan(query).tasks[0].work
    assert isinstance(work, Fetch)
    return [pushed.clause for pushed in work.pushed]


def hold(style: str, rows: list[Row], query: str, params: Mapping[str, Any], sparse: bool) -> None:
    """The law, for one query over one table."""
    numbered = [{"no": number, **row} for number, row in enumerate(rows)]
    if sparse:
        numbered = [{n: v for n, v in row.items() if v is not None} for row in numbered]
    table = TABLES[style]
    table.rows, table.deaf = numbered, False
    table.targets.clear()
    with_push = outcome(PUSHING[style], query, params)
    without = outcome(PLAIN[style], query, params)
    assert with_push == without, table.targets
    if isinstance(without, list):
        return
    if currently_in_test_context():
        for clause in pushed_clauses(PUSHING[style], query):
            event(clause)
    if not any("offset" in name or "skip" in name for name in parameters(table.targets[0])):
        table.deaf = True
        assert outcome(PUSHING[style], query, params) == without


def parameters(target: str) -> list[str]:
    return [name for name, _ in parse_qsl(urlsplit(target).query, keep_blank_values=True)]


@pytest.mark.parametrize("style", UPSTREAMS)
@given(st.data(), ROWS, st.booleans())
def test_the_answer_is_the_same(
    style: str, data: st.DataObject, rows: list[Row], sparse: bool
) -> None:
    query, params = data.draw(queries(style))
    hold(style, rows, query, params, sparse)


SHAPES = ["{0}{1} = {2}", "{0}{1} != {2}", "{0}{1} < {2}", "not {0}{1} <= {2}",
          "{0}{1} not in ({2})", "{0}{1} in ({2}, {2})", "{0}{1} is not null", "{0}{1} is null",
          "not (not {0}{1} = {2} and {0}no > 1)", "{0}{1} not between {2} and {2}",
          "{2} > {0}{1}", "{0}note not like 'a%'", "{0}note like '%a'", "not {0}sold"]  # fmt: skip


@pytest.mark.parametrize("style", ["postgrest", "odata", "param", "jsonapi"])
@given(st.data(), st.sampled_from(SHAPES), st.sampled_from(list(OF_KIND)), ROWS)
def test_no_row_too_many_and_none_too_few(
    style: str, data: st.DataObject, shape: str, name: str, rows: list[Row]
) -> None:
    """What is filtered there is filtered to the row: the limit behind it would show it."""
    before = "attributes." if style == "jsonapi" else ""
    params: dict[str, Any] = {}
    condition = shape.format(before, name, data.draw(constants(name, params)))
    at = f" rows {AT[style]}" if style in AT else ""
    limit = data.draw(st.integers(1, 3))
    query = f"select {before}no from items{at} having {condition} limit {limit}"
    hold(style, rows, query, params, sparse=False)


EQUAL_ROWS: list[Row] = [
    {"price": price, "status": "", "note": None, "name": name, "sold": sold, "tags": []}
    for price, name, sold in [(2, "b", None), (None, "a", True), (1, "b", True), (None, "b", False)]
]


@pytest.mark.parametrize("style", ["postgrest", "odata", "param", "jsonapi", "google"])
@given(st.data(), ROWS, st.integers(0, 3))
def test_the_window_is_the_same(
    style: str, data: st.DataObject, some: list[Row], often: int
) -> None:
    """Over an order with nulls and ties, or none, and over rows of which some are equal."""
    rows, distinct = [*some, *EQUAL_ROWS], often == 0
    before = "attributes." if style == "jsonapi" else ""
    ends = st.sampled_from(["", " desc", " nulls first", " desc nulls first"])
    names = data.draw(st.lists(st.sampled_from(["price", "sold", "name", "no"]), max_size=2))
    order = ", ".join(f"{before}{name}{data.draw(ends)}" for name in names)
    clauses = f"order by {order}" if order else ""
    params: dict[str, Any] = {}
    count = data.draw(st.integers(1, 3).map(str) | counts(params))
    window = f"limit {count} {' '.join(data.draw(offsets(params)))}"
    at = f" rows {AT[style]}" if style in AT else ""
    shown = f"{before}{'sold' if distinct else 'no'}"
    query = f"select {shown} from items{at} {clauses} {'distinct' if distinct else ''} {window}"
    hold(style, rows, query, params, sparse=False)


NOTES = ["b", "*a", "\\a", "a%", "a_b", "axb", "", "a", None, "ba"]
PLAIN_ROW: Row = {"price": 1, "status": "b", "note": None, "name": "", "sold": None, "tags": []}


@pytest.mark.parametrize("style", ["postgrest", "odata"])
@given(st.text("ab%_*\\%", max_size=4), st.sampled_from(["", "not "]), st.integers(1, 2))
@example("*%", "", 1)
@example("\\%", "", 1)
@example("a%", "not ", 2)
def test_a_pattern_is_the_same_there(style: str, pattern: str, no: str, limit: int) -> None:
    at = f" rows {AT[style]}" if style in AT else ""
    query = f"select no from items{at} having note {no}like '{pattern}' limit {limit}"
    hold(style, [{**PLAIN_ROW, "note": note} for note in NOTES], query, {}, sparse=False)


@pytest.mark.parametrize("price", [1, "1", None, 10**20])
@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("skip", [0, 1, 2**31])
def test_what_is_not_skipped_there_is_skipped_here(price: Any, count: int, skip: int) -> None:
    query = "select no from items having price = $p or no > 0 limit $n offset $m"
    rows = [PLAIN_ROW] * 4
    hold("postgrest", rows, query, {"p": price, "n": count, "m": skip}, sparse=False)


HOLDING = ["{0}status = $v", "{0}status != $v", "{0}status in ($v, 'b')",
           "{0}status = $v or {0}sold", "not ({0}status = $v and {0}sold)", "{0}name >= $v",
           "{0}name < $v or {0}note = $v"]  # fmt: skip
FOREIGN = [
    "a,b",
    "x') or ('1' eq '1",
    'x",no.gt.0)',
    "a&limit=1#b",
    "x\r\nb",
    "a\0",
    "\ud800",
    "ü\u0301",
]


@pytest.mark.parametrize("style", ["postgrest", "odata", "param", "jsonapi"])
@given(
    st.sampled_from(HOLDING),
    st.sampled_from(FOREIGN) | st.text(HOSTILE, max_size=12),
    ROWS,
    st.integers(1, 4),
)
def test_a_value_stays_a_value(
    style: str, condition: str, value: str, rows: list[Row], limit: int
) -> None:
    """Whatever a parameter holds: it neither ends its place nor means anything else there."""
    clean = value.encode("utf-8", "replace").decode()
    table = [*rows, {**PLAIN_ROW, "status": clean, "name": clean, "note": clean}]
    before = "attributes." if style == "jsonapi" else ""
    at = f" rows {AT[style]}" if style in AT else ""
    query = f"select {before}no from items{at} having {condition.format(before)} limit {limit}"
    hold(style, table, query, {"v": value}, sparse=False)


@pytest.mark.parametrize(("style", "query", "clauses"), [
    ("postgrest", "having price > 1 and not (sold or note like 'a%') order by price limit 2 "
                  "offset 1", ["fields", "having", "order by", "offset", "limit"]),
    ("odata", "rows value having price > $p or status in ('a', $p) order by no desc limit 2",
     ["fields", "having", "order by", "limit"]),
    ("jsonapi", "rows data having attributes.status = 'a' order by attributes.name desc limit 1",
     ["having", "order by", "limit"]),
    ("param", "having status = 'a' and sold order by name limit 1 offset 1",
     ["fields", "having", "order by", "offset", "limit"]),
    ("google", "rows items limit 2", ["fields", "limit"]),
])  # fmt: skip
def test_what_can_be_sent_is_sent(style: str, query: str, clauses: list[str]) -> None:
    """Else the law would hold by doing nothing."""
    assert pushed_clauses(PUSHING[style], f"select no from items {query}") == clauses


def test_what_refuses_a_row_here_sees_them_all() -> None:
    """A row that is filtered out there could not be refused here."""
    rows = [{**PLAIN_ROW, "price": 1, "ghost": "a"}, {**PLAIN_ROW, "price": 3, "ghost": 2}]
    query = "select no from items having price > 2 and ghost > 1 limit 1"
    hold("postgrest", rows, query, {}, sparse=False)


def test_long_values_stay_here() -> None:
    """A URL is only so long; a constant is known to be, a parameter shows it."""
    constant = f"select no from items having status = '{'a' * 5000}' limit 1"
    assert pushed_clauses(PUSHING["postgrest"], constant) == ["fields"]
    row = {**PLAIN_ROW, "status": "é" * 50}
    by_parameter = "select no from items having status = $v limit 1"
    hold("postgrest", [row], by_parameter, {"v": "é" * 50}, sparse=False)
    assert parameters(TABLES["postgrest"].targets[0]) == ["select"]
    hold("postgrest", [row], by_parameter, {"v": "é" * 40}, sparse=False)
    assert parameters(TABLES["postgrest"].targets[0]) == ["select", "status", "limit"]


def test_what_would_not_show_is_told_in_quotes() -> None:
    """A letter that turns the line round, say."""
    plan = PUSHING["postgrest"].plan("explain select no from items having status = 'a\u202eb'")
    assert '  query status = "eq.a\\u202eb"\n' in as_text(plan)

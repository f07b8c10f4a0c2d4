"""Fan-out beside a naive one: results in step with any nested list, each element called once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import assume, given
from hypothesis import strategies as st

from apiql.engine import Engine, Query
from apiql.errors import Code
from apiql.runtime.assemble import Answer
from apiql.runtime.gathering import MOST_FAILURES
from apiql.settings import Settings
from apiql.sources.call import Call, Reply
from tests.properties.engines import JSON, Upstream

URL = "http://127.0.0.1:9"
BULK = {"path": "/bulk", "param": "ids", "key": "id", "rows": "data"}
SOURCES = {"plain": {"path": "/plain/{id}"}}

LEAVES = st.none() | st.integers(0, 6) | st.sampled_from("abcd")
NESTED = st.lists(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=12))
BROKEN = st.sets(st.integers(0, 6) | st.sampled_from("abcd"), max_size=5)


UPSTREAM = Upstream()


@lru_cache
def engine_of(most: int) -> Engine:
    """An engine with a source called one by one and one that answers for several at once."""
    several = {"path": "/plain/{id}", "bulk": {**BULK, "max": most}}
    default = {"url": URL, "sources": {**SOURCES, "several": several}}
    return Engine(Settings.model_validate({"upstreams": {"default": default}}), UPSTREAM)


def run(text: str, params: dict[str, Any], script: Callable[[Call], Reply], most: int = 1) -> Ran:
    """What a query answers, and the targets it called."""
    UPSTREAM.calls.clear()
    UPSTREAM.script = script
    found = asyncio.run(engine_of(most).answer(Query(text, params)))
    return Ran(found, [call.target for call in UPSTREAM.calls])


class Ran:
    """An answer and the calls it took."""

    def __init__(self, answer: Answer, calls: list[str]) -> None:
        assert answer.data is not None
        self.status = answer.status
        self.data: Any = json.loads(answer.data)
        self.errors = answer.errors
        self.calls = calls


def reply(value: Any) -> Reply:
    """A good answer."""
    return Reply(200, JSON, json.dumps(value).encode())


def broken_for(broken: set[Any]) -> Callable[[Call], Reply]:
    """An upstream that answers with what was asked for, and with 500 for some of it."""
    texts = set(map(str, broken))

    def answer(call: Call) -> Reply:
        last = urlsplit(call.target).path.rpartition("/")[2]
        return Reply(500, (), b"") if last in texts else reply({"v": last})

    return answer


# -- the naive fan-out --------------------------------------------------------------------------


def mapped(nested: Any, leaf: Callable[[Any], Any]) -> Any:
    """Every leaf of nested lists by itself; null stays null."""
    if isinstance(nested, list):
        return [mapped(item, leaf) for item in nested]
    return None if nested is None else leaf(nested)


def leaves_of(nested: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The leaves that are not null, each with its indexes."""
    if isinstance(nested, list):
        for index, item in enumerate(nested):
            yield from leaves_of(item, (*path, index))
    elif nested is not None:
        yield path, nested


def told(found: Ran, name: str, code: Code) -> list[tuple[int, ...]]:
    """The places of the errors of a select, those that are counted once for each."""
    places: list[tuple[int, ...]] = []
    for error in found.errors:
        if error["task"] == name and error["code"] == code:
            places += [tuple(error["path"][1:])] * error.get("count", 1)
    return places


def check_errors(found: Ran, name: str, code: Code, lost: list[tuple[int, ...]]) -> None:
    """One error for each place, in order; beyond the most, a number of them."""
    places = told(found, name, code)
    assert len(places) == len(lost)
    assert places[:MOST_FAILURES] == lost[:MOST_FAILURES]


# -- properties ---------------------------------------------------------------------------------


@given(nested=NESTED, broken=BROKEN)
def test_results_are_in_step_with_their_elements(nested: list[Any], broken: set[Any]) -> None:
    """Nested as they are, null where one is null or failed; each distinct element called once."""
    found = run("select * from plain as a where id in $ids", {"ids": nested}, broken_for(broken))
    wanted = mapped(nested, lambda leaf: None if leaf in broken else {"v": str(leaf)})
    assert found.data == {"a": wanted}
    leaves = list(leaves_of(nested))
    assert Counter(found.calls) == Counter({f"/plain/{leaf}" for _, leaf in leaves})
    lost = [path for path, leaf in leaves if leaf in broken]
    check_errors(found, "a", Code.UPSTREAM_STATUS, lost)
    all_lost = lost and len(lost) == len(leaves)
    assert found.status == (502 if all_lost else 294 if lost else 200)


@given(nested=NESTED, broken=BROKEN, worse=BROKEN)
def test_what_is_lost_stays_lost(nested: list[Any], broken: set[Any], worse: set[Any]) -> None:
    """What reads a fan-out is called for what came, and tells of what did not."""
    text = "select * from plain as a where id in t; select * from /b/{id} as b where id in a.v"
    by_name = {"plain": broken_for(broken), "b": broken_for(worse)}

    def script(call: Call) -> Reply:
        first = call.target.split("/")[1]
        return reply(nested) if first == "t" else by_name[first](call)

    found = run(f"{text}; select * from /t as t", {}, script)
    leaves = list(leaves_of(nested))
    came = [(path, leaf) for path, leaf in leaves if leaf not in broken]
    lost = [path for path, leaf in leaves if leaf in broken]
    calls = {"/t"} | {f"/plain/{leaf}" for _, leaf in leaves} | {f"/b/{leaf}" for _, leaf in came}
    assert Counter(found.calls) == Counter(calls)
    check_errors(found, "a", Code.UPSTREAM_STATUS, lost)
    if lost and not came:
        assert found.data["b"] is None
        return
    gone = broken | {leaf for leaf in worse if leaf not in broken}
    named = mapped(nested, lambda leaf: None if leaf in gone else {"v": str(leaf)})
    assert found.data["b"] == named
    if len(lost) + sum(leaf in worse for _, leaf in came) <= MOST_FAILURES:
        check_errors(found, "b", Code.DEPENDENCY_FAILED, lost)


@given(first=NESTED, second=NESTED, broken=BROKEN)
def test_a_cross_product(first: list[Any], second: list[Any], broken: set[Any]) -> None:
    """Each element of the first list with all of the second, each pair called once."""
    script = broken_for(broken)
    text = "select * from /x/{x}/{y} as a where x in $first and y in $second"
    first, second = first[:3], second[:3]
    found = run(text, {"first": first, "second": second}, script)
    answered = mapped(second, lambda leaf: None if leaf in broken else {"v": str(leaf)})
    assert found.data == {"a": mapped(first, lambda leaf: answered)}
    pairs = {(x, y) for _, x in leaves_of(first) for _, y in leaves_of(second)}
    assert Counter(found.calls) == Counter(f"/x/{x}/{y}" for x, y in pairs)


@given(nested=NESTED, broken=BROKEN)
def test_zip_of_equal_lists(nested: list[Any], broken: set[Any]) -> None:
    """Lists of one shape advance together, each pair called once."""
    other = mapped(nested, lambda leaf: f"{leaf}x")
    text = "select * from /x/{x}/{y} as a where (x, y) in zip($first, $second)"
    found = run(text, {"first": other, "second": nested}, broken_for(broken))
    wanted = mapped(nested, lambda leaf: None if leaf in broken else {"v": str(leaf)})
    assert found.data == {"a": wanted}
    pairs = {f"/x/{leaf}x/{leaf}" for _, leaf in leaves_of(nested)}
    assert Counter(found.calls) == Counter(pairs)


@given(nested=NESTED)
def test_a_write_for_every_element(nested: list[Any]) -> None:
    """Equal ones too, so each counts against the limit of elements."""
    assume(len(list(leaves_of(nested))) <= Settings().limits.fanout)
    text = "select * post from /hits/{id} as a where id in $ids"
    found = run(text, {"ids": nested}, broken_for(set()))
    assert found.data == {"a": mapped(nested, lambda leaf: {"v": str(leaf)})}
    assert Counter(found.calls) == Counter(f"/hits/{leaf}" for _, leaf in leaves_of(nested))


@given(nested=NESTED, unknown=BROKEN, most=st.integers(1, 5), turned=st.booleans())
def test_in_bulk_as_one_by_one(
    nested: list[Any], unknown: set[Any], most: int, turned: bool
) -> None:
    """Rows come back to their elements in whatever order; an element without a row is null."""

    def script(call: Call) -> Reply:
        asked = parse_qs(urlsplit(call.target).query)["ids"][0].split(",")
        assert len(asked) <= most
        rows = [{"id": one, "v": one} for one in asked if one not in map(str, unknown)]
        return reply({"data": rows[::-1] if turned else rows})

    found = run("select v from several as a where id in $ids", {"ids": nested}, script, most)
    wanted = mapped(nested, lambda leaf: None if leaf in unknown else {"v": str(leaf)})
    assert found.data == {"a": wanted}
    assert found.errors == ()
    distinct = {leaf for _, leaf in leaves_of(nested)}
    assert len(found.calls) == -(-len(distinct) // most)


@given(nested=NESTED, most=st.integers(1, 5))
def test_a_batch_without_a_key(nested: list[Any], most: int) -> None:
    """The distinct elements in the order in which they come, several in a call."""

    def script(call: Call) -> Reply:
        return reply(parse_qs(urlsplit(call.target).query)["ids"][0].split(","))

    text = f"select * from /a as a where ids in $ids batch {most} as csv"
    found = run(text, {"ids": nested}, script)
    distinct = dict.fromkeys(str(leaf) for _, leaf in leaves_of(nested))
    assert found.data == {"a": list(distinct)}
    assert len(found.calls) == -(-len(distinct) // most)

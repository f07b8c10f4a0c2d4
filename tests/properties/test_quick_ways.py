"""The quick ways of a fan-out beside the general ones: the same cells, texts, rows and bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, cast
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apiql.engine import Query
from apiql.errors import ValueRefused
from apiql.runtime import cells as cells_file
from apiql.runtime import embed as embed_file
from apiql.runtime import matching as matching_file
from apiql.runtime.assemble import Answer
from apiql.runtime.cells import Cells, FanLimits, cells_of
from apiql.runtime.embed import embedded
from apiql.runtime.encode import quoted
from apiql.runtime.insertion import Insertion, Nest, TooLarge, by_position, json_list, whole
from apiql.runtime.join import by_key
from apiql.runtime.json_values import plain_text, usual_texts
from apiql.runtime.outcome import MISSING, Unmet
from apiql.sources.call import Call, Reply
from tests.properties.engines import JSON
from tests.properties.test_fanout import UPSTREAM, engine_of

BIG = 10**18
INTEGERS = st.integers(-3, 6) | st.sampled_from([BIG - 1, BIG, -BIG, 2**61, 2**64, 10**30])
TEXTS = st.sampled_from(["1", "01", "1.0", "", "a", "a,b", "é", "%", "-0"])
OTHERS = st.sampled_from([None, True, False, Decimal("1.0"), Decimal("1"), MISSING])
FLAT = st.one_of(
    st.lists(INTEGERS, max_size=9),
    st.lists(TEXTS, max_size=9),
    st.lists(st.integers(0, 3) | st.sampled_from(["1", "2"]), max_size=9),
    st.lists(INTEGERS | TEXTS | OTHERS, max_size=9),
)
ELEMENTS = FLAT | st.lists(FLAT, max_size=3)
MOST = 10**6
Embedded = tuple[bytes, list[str]]


@contextmanager
def without(module: Any, name: str) -> Iterator[None]:
    """A quick way that always leaves it to the general one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, lambda *given: None)
        yield


# -- elements -----------------------------------------------------------------------------------


def cells_or_why_not(elements: Any, merge: bool, limits: FanLimits) -> Cells | str:
    """The cells of one list, or what is said instead."""
    try:
        return cells_of([[elements]], merge, limits, "is missing")
    except Unmet as unmet:
        return unmet.failure.message


@given(ELEMENTS, st.booleans(), st.integers(-1, 1), st.integers(-1, 9))
def test_cells(elements: Any, merge: bool, distinct: int, places: int) -> None:
    """Also where they just go over a limit; only this way knows that they are alike."""
    different = len({repr(element) for element in elements} if merge else elements)
    limits = FanLimits(different + distinct, len(elements) + places)
    quick = cells_or_why_not(elements, merge, limits)
    if isinstance(quick, Cells) and quick.alike:
        kinds = {type(element) for element in elements}
        assert kinds <= {str} or kinds <= {int}
    with without(cells_file, "_usual_cells"):
        assert quick == cells_or_why_not(elements, merge, limits)


@given(FLAT)
def test_texts(values: list[Any]) -> None:
    found = usual_texts(values)
    assert found is None or list(found) == list(map(plain_text, values))


@given(st.text("ab1,.%/é ", max_size=6) | st.text(max_size=4))
@example("1,2,3")
@example("1,é")
def test_percent_encoding(text: str) -> None:
    try:
        assert quoted(text) == quote(text, safe="")
    except ValueRefused:
        assert any("\ud800" <= char <= "\udfff" for char in text)


# -- rows of a batch ----------------------------------------------------------------------------

KEYS = st.sampled_from(
    ["1", "2", "3", '"1"', '"2"', '"01"', "1.0", "2e0", "-0.0", "0", "null", "true", "[1]", "{}",
     '"\\u0031"', str(BIG), str(10**30), f'"{10**30}"', "9" * 401]
)  # fmt: skip
MEMBERS = st.sampled_from(['"v":1.50', '"v":null', '"v":{"w":[1,"\\u00e9"]}', '"x":1', '"v":"é"'])
ROWS = st.one_of(
    st.tuples(KEYS, MEMBERS).map(lambda row: f'{{"id":{row[0]},{row[1]}}}'),
    st.tuples(KEYS, KEYS, MEMBERS).map(lambda row: f'{{"id":{row[0]},{row[2]},"id":{row[1]}}}'),
    st.integers(1, 6).map(lambda key: f'{{"id":{key},"v":"{key}"}}'),
    st.sampled_from(["null", "[]", "{}", "7", '[{"id":1}]']),
)
TIDY = st.lists(
    st.tuples(st.integers(1, 4) | st.sampled_from(['"1"', '"2"', '"01"']), MEMBERS).map(
        lambda row: f'{{"id":{row[0]},{row[1]}}}'
    ),
    max_size=5,
)
ANY = st.sampled_from([Decimal("1.5"), Decimal("2.0"), True, None, BIG])
ASKED = st.one_of(
    st.lists(st.integers(1, 5), max_size=5),
    st.lists(TEXTS, max_size=5),
    st.lists(st.integers(0, 6) | TEXTS | ANY, max_size=6),
)
BODIES = TIDY | st.lists(ROWS, max_size=6)
TEXT = "select {v} from several as a where id in $ids; select * from /b/{{x}} as b where x in a.v"


@given(ASKED, BODIES, st.sampled_from(["v", "v, id", "*", "id + 1 as v"]),
       st.integers(1, 4), st.booleans())  # fmt: skip
@example(["1", "3"], ['{"id":1,"v":1}', '{"id":2,"v":2}'], "v", 2, False)
@example([1, 2], ['{"id":"2","v":1}', '{"id":"1","v":2}'], "v", 2, False)
def test_rows_of_a_batch(
    asked: list[Any], rows: list[str], shape: str, most: int, large: bool
) -> None:
    """Also where a body is decoded by paths, and with results that others read."""
    filling = f',{{"id":"zz","v":"{"x" * 3000}"}}' if large else ""
    body = f'{{"data":[{",".join(rows)}{filling if rows else ""}]}}'

    def script(call: Call) -> Reply:
        given = body if call.target.startswith("/bulk") else "{}"
        return Reply(200, JSON, given.encode())

    def answered() -> tuple[Answer, list[str]]:
        UPSTREAM.calls.clear()
        UPSTREAM.script = script
        query = Query(TEXT.format(v=shape), {"ids": asked})
        found = asyncio.run(engine_of(most).answer(query))
        return found, sorted(call.target for call in UPSTREAM.calls)

    quick = answered()
    with without(matching_file, "_values"):
        assert quick == answered()
    with without(matching_file, "_picked"):
        assert quick == answered()


# -- what comes into a list ---------------------------------------------------------------------

SPELLINGS = st.sampled_from(
    ['{"a":1}', "{}", "{ }", '{ "a" : 1 }', '{"x":{"y":1}}', '{"\\u0078":{"z":1}}', '{"b":"x"}',
     '{"b":"\\"x\\""}', '{"b":{"x":2}}', '{"a":1,"a":2}', "null", "7", '"x"', "[]", '[{"a":1}]',
     '{"":0}', '{"größe":1}']
)  # fmt: skip
LISTS = st.lists(SPELLINGS, max_size=5) | st.lists(SPELLINGS.filter(lambda s: s[0] == "{"))
LEAVES = st.sampled_from([b"null", b"1", b'{"y":2}', b"[]", b'""'])


@given(LISTS, st.data(), st.sampled_from(["x", "größe", 'q"']), st.integers(-1, 1))
def test_what_comes_in_by_position(
    items: list[str], data: st.DataObject, name: str, more: int
) -> None:
    count = len(items)
    nest = data.draw(
        st.lists(LEAVES, min_size=count, max_size=count)
        | LEAVES
        | st.lists(st.lists(LEAVES, max_size=2), min_size=count, max_size=count)
    )
    check_embed(items, by_position("in", (name,), cast(Nest, nest)), more)


@given(LISTS, st.data(), st.booleans())
def test_what_comes_in_by_key(items: list[str], data: st.DataObject, many: bool) -> None:
    one = st.sampled_from([1, 2, "1", "2", Decimal("1.0"), None, True, 10**30, [1, "2"], MISSING])
    keys = data.draw(st.lists(one, min_size=len(items), max_size=len(items)) | one)
    rows = data.draw(st.lists(st.tuples(one, st.sampled_from([b'{"r":1}', b'{"r":2}']))))
    check_embed(items, by_key("in", ("x",), keys, rows, many=many, inner=False), 0)


def check_embed(items: list[str], coming: Insertion, more: int) -> None:
    """The quick way makes what the walk makes, but for white space and what is said twice; also
    where just so many bytes more are allowed than it takes.
    """
    target = f"[{','.join(items)}]"
    quick = embedded_or_too_large(target, coming, MOST)
    assert quick is not None
    most = len(quick[0]) + more
    bounded = embedded_or_too_large(target, coming, most)
    assert bounded in (None, quick)
    with without(embed_file._Walk, "_appended"):
        slow = embedded_or_too_large(target, coming, MOST)
        slowly_bounded = embedded_or_too_large(target, coming, most)
    if not {" ", "\\"} & set(target) and '"a":1,"a"' not in target:
        assert (quick, bounded) == (slow, slowly_bounded)
    assert quick == slow or parsed(quick) == parsed(slow)


def embedded_or_too_large(target: str, coming: Insertion, most: int) -> Embedded | None:
    """The bytes, and what did not fit."""
    try:
        found, misfits = embedded(target.encode(), [coming], most)
    except TooLarge:
        return None
    return cast(bytes, found), [*map(str, misfits)]


def parsed(found: Embedded | None) -> Any:
    """The same with the JSON as values, their digits as they are."""
    assert found is not None
    return json.loads(found[0], parse_int=str, parse_float=str), found[1]


@given(st.lists(st.sampled_from([b"1", b"null", b'"abc"']), max_size=8), st.integers(1, 40))
def test_a_list_of_pieces(pieces: list[bytes], most: int) -> None:
    def made(make: Any) -> bytes | None:
        try:
            found: bytes = make()
        except TooLarge:
            return None
        return found

    assert made(lambda: whole(list(pieces), most)) == made(lambda: json_list(pieces, most))

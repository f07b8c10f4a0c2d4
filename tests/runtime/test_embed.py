"""What comes into a result, by position and by key, on JSON as it is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from apiql.runtime.decode import Undecodable, as_value
from apiql.runtime.embed import embedded
from apiql.runtime.insertion import (
    Insertion,
    Misfit,
    Nest,
    NotAnObject,
    TooLarge,
    Unequal,
    by_position,
    whole,
)
from apiql.runtime.join import by_key, opened, rows_of
from apiql.runtime.walk import by_names

MOST = 1_000_000


def placed(target: Nest, path: str, value: Nest) -> Nest:
    """The target with a result at its places, all of which fits."""
    found, misfits = embedded(target, [by_position("x", tuple(path.split(".")), value)], MOST)
    assert misfits == ()
    return found


def joined(
    target: bytes, path: str, rows: bytes, on: str, many: bool = False, inner: bool = False
) -> Nest:
    """The target with the rows of a result at their places; `on` as the language writes it."""
    own, key = (tuple(side.split(".")) for side in on.split(" = "))
    found, misfits = embedded(target, [keyed(target, path, rows, own, key, many, inner)], MOST)
    assert misfits == ()
    return found


def keyed(
    target: bytes,
    path: str,
    rows: bytes,
    own: tuple[str, ...],
    key: tuple[str, ...],
    many: bool = False,
    inner: bool = False,
    name: str = "x",
) -> Insertion:
    """An insertion by key, its keys read from both sides."""
    found = rows_of(rows, by_names(as_value(rows), own))
    keys = by_names(as_value(target), key)
    return by_key(name, tuple(path.split(".")), keys, found, many=many, inner=inner)


def misfit(target: Nest, path: str, value: Nest) -> tuple[Nest, Misfit]:
    """What is made of a result that does not fit, and what is said of it."""
    found, misfits = embedded(target, [by_position("x", tuple(path.split(".")), value)], MOST)
    (one,) = misfits
    return found, one


def test_a_result_stands_at_a_new_member() -> None:
    assert placed(b'{"id": 1}', "user", b'{"n": 1.50}') == b'{"id":1,"user":{"n": 1.50}}'


def test_a_member_that_is_there_under_another_spelling_is_found() -> None:
    target = b'[{"\\u0078": {"a": 1}}, {"b": "x"}]'
    wanted = b'[{"x":{"a":1,"c":2}},{"b":"x","x":3}]'
    assert placed(target, "x", [b'{"c":2}', b"3"]) == wanted


def test_what_no_path_names_keeps_its_bytes_and_order() -> None:
    target = b'{"z": [1.0,  {"k" : 1e5}], "a": "\\u00f6", "items": {"y": 1E+2}}'
    wanted = b'{"z":[1.0,  {"k" : 1e5}],"a":"\\u00f6","items":{"y":1E+2,"x":7}}'
    assert placed(target, "items.x", b"7") == wanted


@pytest.mark.parametrize(
    ("target", "value", "wanted"),
    [
        (b"[{},{}]", [b"1", b"2"], b'[{"a":{"b":1}},{"a":{"b":2}}]'),
        (b'[{"a":{}}]', [b"1"], b'[{"a":{"b":1}}]'),
        (b'{"a":[{},{}]}', [b"1", b"2"], b'{"a":[{"b":1},{"b":2}]}'),
        (b'[{"a":[{},{}]},{"a":[]}]', [[b"1", b"2"], []], b'[{"a":[{"b":1},{"b":2}]},{"a":[]}]'),
        (b'{"a":[[{}],[{},{}]]}', [[b"1"], [b"2", b"3"]], b'{"a":[[{"b":1}],[{"b":2},{"b":3}]]}'),
        (b"[]", [], b"[]"),
    ],
)
def test_lists_and_levels_are_walked_in_step(target: bytes, value: Nest, wanted: bytes) -> None:
    assert placed(target, "a.b", value) == wanted


@pytest.mark.parametrize(
    ("target", "value", "wanted"),
    [
        (b"{}", [b"1", b"2"], b'{"a":[1,2]}'),
        (b"[{},{}]", [[b"1"], []], b'[{"a":[1]},{"a":[]}]'),
        (b"{}", [[b"1"], b"null"], b'{"a":[[1],null]}'),
    ],
)
def test_levels_left_over_are_the_value(target: bytes, value: Nest, wanted: bytes) -> None:
    assert placed(target, "a", value) == wanted


def test_lists_left_over_repeat_it() -> None:
    assert placed(b"[{},{}]", "a", b"1") == b'[{"a":1},{"a":1}]'
    target = b'[{"l":[{},{}]},{"l":[{}]}]'
    wanted = b'[{"l":[{"a":1},{"a":1}]},{"l":[{"a":2}]}]'
    assert placed(target, "l.a", [b"1", b"2"]) == wanted


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (b"null", b"null"),
        (b'{"a":null}', b'{"a":null}'),
        (b'[{"a":null},null,{}]', b'[{"a":null},null,{"a":{"b":{"c":1}}}]'),
        (b'{"a":{"b":[null,{}]}}', b'{"a":{"b":[null,{"c":1}]}}'),
    ],
)
def test_null_stays_null_and_what_is_missing_is_made(target: bytes, wanted: bytes) -> None:
    assert placed(target, "a.b.c", b"1") == wanted


@pytest.mark.parametrize(
    ("there", "value", "wanted"),
    [
        (b'{"id":1,"age":2}', b'{"age":3,"n":4}', b'{"id":1,"age":3,"n":4}'),
        (b'{"id":1}', b"null", b"null"),
        (b'{"id":1}', b"[]", b"[]"),
        (b"null", b'{"n":1}', b'{"n":1}'),
        (b"5", b'{"n":1}', b'{"n":1}'),
        (b"[1,2,3]", [b"1", b"2"], b"[1,2]"),
        (b'[{"id":1}]', b'{"n":1}', b'{"n":1}'),
    ],
)
def test_objects_merge_and_all_else_replaces(there: bytes, value: Nest, wanted: bytes) -> None:
    assert placed(b'{"a":' + there + b"}", "a", value) == b'{"a":' + wanted + b"}"


@pytest.mark.parametrize(
    ("target", "value", "at", "lengths"),
    [
        (b"[{},{}]", [b"1"], (), (2, 1)),
        (b"[{},{}]", [], (), (2, 0)),
        (b'[{"a":[]},{"a":[{},{}]}]', [[], [b"1", b"2", b"3"]], (1,), (2, 3)),
        ([b"[{}]", b"[{},{}]"], [[b"1"], [b"1"]], (1,), (2, 1)),
        ([b"{}", b"{}"], [b"1", b"2", b"3"], (), (2, 3)),
    ],
)
def test_unequal_lengths(
    target: Nest, value: Nest, at: tuple[int, ...], lengths: tuple[int, int]
) -> None:
    found, wrong = misfit(target, "a.b", value)
    assert isinstance(wrong, Unequal)
    assert (wrong.name, wrong.at, wrong.there, wrong.coming) == ("x", at, *lengths)
    assert found == placed(target, "a.b", b"null")


def test_a_misfit_says_where() -> None:
    _, wrong = misfit(b'{"a":[{"l":[{}]}]}', "a.l.x", [[b"1", b"2"]])
    assert str(wrong) == "lists of unequal length at a[0].l: 1 there, 2 coming in"
    _, wrong = misfit(b"[{}]", "x", [])
    assert str(wrong) == "lists of unequal length at the top: 1 there, 0 coming in"
    _, wrong = misfit(b'[{"l":"x"}]', "l.x", b"1")
    assert str(wrong) == "an object is wanted at [0].l, there is a text"


@pytest.mark.parametrize(
    ("scalar", "kind"),
    [(b"5", "a number"), (b"-1", "a number"), (b'"x"', "a text"), (b"true", "a boolean")],
)
def test_a_scalar_where_an_object_is_wanted(scalar: bytes, kind: str) -> None:
    target = b'[{"a":{}},{"a":' + scalar + b"}]"
    found, wrong = misfit(target, "a.b", [b"1", b"2"])
    assert isinstance(wrong, NotAnObject)
    assert (wrong.name, wrong.at, wrong.kind) == ("x", (1,), kind)
    assert found == b'[{"a":{"b":null}},{"a":' + scalar + b"}]"


def test_a_scalar_into_which_nothing_goes_stays() -> None:
    assert placed(b'[{},"x",null]', "a", [b"1", b"null", b"2"]) == b'[{"a":1},"x",null]'


def test_what_does_not_fit_leaves_the_others() -> None:
    target = b"[{},{}]"
    bad, good = by_position("bad", ("a",), [b"1"]), by_position("good", ("b",), [b"1", b"2"])
    found, misfits = embedded(target, [bad, good], MOST)
    assert found == b'[{"a":null,"b":1},{"a":null,"b":2}]'
    assert [one.name for one in misfits] == ["bad"]


def test_all_that_does_not_fit_is_told() -> None:
    bad, worse = by_position("bad", ("a",), [b"1"]), by_position("worse", ("b",), [])
    _, misfits = embedded(b"[{},{}]", [bad, worse], MOST)
    assert [one.name for one in misfits] == ["bad", "worse"]


def test_the_shorter_path_comes_first() -> None:
    deep = by_position("deep", ("a", "b"), b"1")
    wide = by_position("wide", ("a",), b'{"b":{"c":2},"d":3}')
    assert embedded(b"{}", [deep, wide], MOST) == (b'{"a":{"b":1,"d":3}}', ())


def test_nothing_that_comes_leaves_the_bytes() -> None:
    assert embedded(b' {"a" : 1} ', [], MOST) == (b' {"a" : 1} ', ())


def test_levels_of_the_target_stay_levels() -> None:
    target: Nest = [b'{"id":1}', [b'[{"id":2}]', b"null"]]
    wanted = [b'{"id":1,"a":7}', [b'[{"id":2,"a":8}]', b"null"]]
    assert placed(target, "a", [b"7", [[b"8"], b"9"]]) == wanted


@pytest.mark.parametrize(
    ("on", "rows", "wanted"),
    [
        ("id", b'[{"id":1,"n":"a"}]', b'{"id":1,"n":"a"}'),
        ("id", b'[{"id":1.0}]', b'{"id":1.0}'),
        ("id", b'[{"id":"1"}]', b'{"id":"1"}'),
        ("id", b'[{"id":10e-1}]', b'{"id":10e-1}'),
        ("id", b'[{"id":"01"},{"id":"1.0"},{"id":" 1"},{"id":true},{"id":null}]', b"null"),
        ("id", b'[{"id":{"id":1}},{}]', b"null"),
        ("id", b'[null,{"id":1}]', b'{"id":1}'),
        ("id", b'{"id":1}', b'{"id":1}'),
        ("id", b"null", b"null"),
        ("id", b"[]", b"null"),
        ("id", b'[[{"id":2}],[{"id":1}]]', b'{"id":1}'),
        ("id", b'[{"id":1,"n":1},{"id":"1","n":2}]', b'{"id":1,"n":1}'),
        ("l.id", b'[{"l":[{"id":3},{"id":1}]}]', b'{"l":[{"id":3},{"id":1}]}'),
    ],
)
def test_to_one(on: str, rows: bytes, wanted: bytes) -> None:
    assert joined(b'[{"k":1}]', "a", rows, f"{on} = k") == b'[{"k":1,"a":' + wanted + b"}]"


@pytest.mark.parametrize("key", [b"null", b"{}", b'{"id":1}', b"[]", b"[null]", b"[[]]"])
def test_what_matches_nothing(key: bytes) -> None:
    rows = b'[{"id":null},{"id":{}},{"id":1},{},{"id":[]}]'
    target = b'[{"k":' + key + b"}]"
    assert joined(target, "a", rows, "id = k") == target[:-2] + b',"a":null}]'
    assert joined(target, "a", rows, "id = k", many=True) == target[:-2] + b',"a":[]}]'
    assert joined(b"[{}]", "a", rows, "id = k") == b'[{"a":null}]'


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("true", "true", True),
        ("true", "1", False),
        ("true", '"true"', False),
        ("false", "0", False),
        ("0", "-0.0", True),
        ("0", '"0"', True),
        ("1.50", "1.5", True),
        ("1.50", '"1.5"', True),
        ("1.5", '"1.50"', False),
        ("100", '"100"', True),
        ("1e2", '"100"', True),
        ("-3", '"-3"', True),
        ("12345678901234567890123", '"12345678901234567890123"', True),
        ("9007199254740993", "9007199254740992", False),
        ("1e500", "10e499", True),
        ("1e500", '"1e500"', False),
        ('"a"', '"A"', False),
        ('"1.10"', '"1.1"', False),
        ('""', '""', True),
    ],
)
def test_keys_that_are_equal(one: str, other: str, equal: bool) -> None:
    for left, right in ((one, other), (other, one)):
        rows = f'[{{"id":{right},"hit":0}}]'.encode()
        found = joined(f'[{{"k":{left}}}]'.encode(), "a", rows, "id = k", inner=True)
        assert (found != b"[]") == equal


ROWS = b'[{"id":1,"n":"a"},{"id":2,"n":"b"},{"id":1,"n":"c"},{"id":3,"n":"d"}]'


def test_to_many() -> None:
    target = b'[{"k":1},{"k":9},{"k":"3"}]'
    wanted = [["a", "c"], [], ["d"]]
    assert names(joined(target, "a", ROWS, "id = k", many=True)) == wanted


def names(found: Nest) -> list[list[str]]:
    """The names of the rows in each element."""
    assert isinstance(found, bytes)
    return [[row["n"] for row in item["a"]] for item in json.loads(found)]


def test_a_list_as_the_key_stands_for_its_elements() -> None:
    target = b'[{"k":[3,9,1]},{"k":[1,[2],"1"]}]'
    assert names(joined(target, "a", ROWS, "id = k", many=True)) == [
        ["d", "a", "c"],
        ["a", "c", "b"],
    ]
    one = joined(target, "a", ROWS, "id = k")
    assert isinstance(one, bytes)
    assert [item["a"]["n"] for item in json.loads(one)] == ["d", "a"]


def test_a_row_with_a_list_as_its_key_is_found_by_each_element() -> None:
    rows = b'[{"ids":[1,2],"n":"a"},{"ids":[2,2],"n":"b"}]'
    target = b'[{"k":1},{"k":2},{"k":[2,1]}]'
    wanted = [["a"], ["a", "b"], ["a", "b"]]
    assert names(joined(target, "a", rows, "ids = k", many=True)) == wanted


def test_keys_nested_as_the_target_is() -> None:
    target = b'{"l":[{"m":[{"k":1},{"k":2}]},{"m":[{"k":3}]},{"m":null}]}'
    found = joined(target, "l.m.a", ROWS, "id = l.m.k")
    wanted = (
        b'{"l":[{"m":[{"k":1,"a":{"id":1,"n":"a"}},{"k":2,"a":{"id":2,"n":"b"}}]},'
        b'{"m":[{"k":3,"a":{"id":3,"n":"d"}}]},{"m":null}]}'
    )
    assert found == wanted


def test_a_key_above_the_list_counts_for_all_in_it() -> None:
    found = joined(b'[{"k":2,"l":[{},{}]}]', "l.a", b'[{"id":2}]', "id = k")
    assert found == b'[{"k":2,"l":[{"a":{"id":2}},{"a":{"id":2}}]}]'


def test_a_key_from_a_list_below_stands_for_its_elements() -> None:
    found = joined(b'[{"l":[{"k":3},{"k":2}]}]', "a", ROWS, "id = l.k", many=True)
    assert names(found) == [["d", "b"]]


@pytest.mark.parametrize(
    ("target", "path", "on", "wanted"),
    [
        (b'[{"k":1},{"k":9},{"k":2}]', "a", "id = k", '[{"k":1},{"k":2}]'),
        (b'[{"k":9}]', "a", "id = k", "[]"),
        (b'[{"k":1},null,{}]', "a", "id = k", '[{"k":1}]'),
        (b'[{"k":1},"x"]', "a", "id = k", '[{"k":1}]'),
        (b'{"k":1}', "a", "id = k", '{"k":1}'),
        (b'{"k":9}', "a", "id = k", "null"),
        (b"null", "a", "id = k", "null"),
        (b'{"l":[{"k":9},{"k":2}]}', "l.a", "id = l.k", '{"l":[{"k":2}]}'),
        (b'[{"l":[{"k":9}]},{"l":[]}]', "l.a", "id = l.k", '[{"l":[]},{"l":[]}]'),
        (b'[{"k":1,"a":null},{"k":9,"a":null}]', "a.b", "id = k", '[{"k":1,"a":null}]'),
        (b'[{"k":1,"a":5},{"k":9,"a":5}]', "a", "id = k", '[{"k":1}]'),
        (b'[{"l":{"k":9}},{"l":{"k":1}}]', "l.a", "id = l.k", '[{"l":{"k":1}}]'),
    ],
)
def test_inner_drops_rows_without_a_match(target: bytes, path: str, on: str, wanted: str) -> None:
    for many in (False, True):
        found = joined(target, path, ROWS, on, many, inner=True)
        assert isinstance(found, bytes)
        assert bare(json.loads(found)) == bare(json.loads(wanted))


def bare(value: Any) -> Any:
    """A value without what was embedded at `a`."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: bare(item) for name, item in value.items() if name != "a" or item is None}


def test_two_inner_joins_and_a_fan_out_stay_in_step() -> None:
    target = b'[{"k":1,"m":1},{"k":9,"m":2},{"k":2,"m":9},{"k":3,"m":3}]'
    one = keyed(target, "a", b'[{"id":1},{"id":2},{"id":3}]', ("id",), ("k",), inner=True)
    two = keyed(target, "b", b'[{"id":1},{"id":2},{"id":3}]', ("id",), ("m",), inner=True, name="y")
    three = by_position("z", ("c",), [b"10", b"20", b"30", b"40"])
    for going in ([one, two, three], [three, two, one]):
        found, misfits = embedded(target, going, MOST)
        assert misfits == ()
        assert isinstance(found, bytes)
        assert [(row["k"], row["c"]) for row in json.loads(found)] == [(1, 10), (3, 40)]


def test_a_dropped_element_of_a_fan_out_is_null() -> None:
    result = b'[{"k":1},{"k":9}]'
    going = [keyed(result, "a", ROWS, ("id",), ("k",), inner=True)]
    assert embedded([b'{"k":1}', b'{"k":9}'], going, MOST)[0] == [
        b'{"k":1,"a":{"id":1,"n":"a"}}',
        b"null",
    ]


def test_rows_stay_in_step_with_their_keys_when_some_were_dropped() -> None:
    result = b'[{"id":9,"k":9},{"id":1,"k":1}]'
    going = [keyed(result, "a", ROWS, ("id",), ("k",), inner=True)]
    found, _ = embedded(opened(result), going, MOST)
    ((key, _),) = rows_of(found, [9, 1])
    assert key == 1


def test_rows_of_a_fan_out_are_one_list() -> None:
    result: Nest = [[b'[{"a":1}, {"a":2}]', b"null"], b'{"a": 3}', b"[[],[null]]"]
    keys = [[[1, 2], None], 3, [[], [None]]]
    rows = [(1, b'{"a":1}'), (2, b'{"a":2}'), (3, b'{"a": 3}')]
    assert rows_of(result, keys) == rows
    assert rows_of(opened(result), keys) == rows


@pytest.mark.parametrize(
    ("result", "keys", "at", "kind"),
    [
        (b"5", None, (), "a number"),
        (b'[{},"x"]', [None, None], (1,), "a text"),
        ([b"null", b"[[true]]"], [None, [[None]]], (1, 0, 0), "a boolean"),
    ],
)
def test_a_scalar_is_no_row(result: Nest, keys: Any, at: tuple[int, ...], kind: str) -> None:
    with pytest.raises(NotAnObject) as caught:
        rows_of(result, keys)
    assert (caught.value.at, caught.value.kind) == (at, kind)


def test_a_match_where_no_object_is() -> None:
    target = b'[{"k":1,"a":"x"},{"k":9,"a":"y"}]'
    going = keyed(target, "a.b", ROWS, ("id",), ("k",), many=True)
    found, (wrong,) = embedded(target, [going], MOST)
    assert isinstance(wrong, NotAnObject)
    assert wrong.at == (0,)
    assert found == target


Build = Callable[[int], Nest]
ROW = b'{"id":1}'
SIZED: list[Build] = [
    lambda most: embedded(b"[{},{},{}]", [by_position("x", ("a",), b'"' + b"y" * 50)], most)[0],
    lambda most: embedded(b"{}", [by_position("x", ("a",), [b"1", [b"2", b"3"]])], most)[0],
    lambda most: embedded(b'{"a":{"b":[{}]}}', [by_position("x", ("a", "b", "c"), b"1")], most)[0],
    lambda most: embedded([b"{}", [b"{}"]], [by_position("x", ("a",), b"123")], most)[0],
    lambda most: embedded(
        b"[{}]", [by_key("x", ("a",), [1], [(1, ROW)] * 9, many=True, inner=False)], most
    )[0],
]


@pytest.mark.parametrize("build", SIZED)
def test_nothing_grows_larger_than_it_may(build: Build) -> None:
    size = total(build(MOST))
    assert total(build(size)) == size
    with pytest.raises(TooLarge):
        build(size - 1)


def total(found: Nest) -> int:
    """The bytes of all leaves."""
    return len(found) if isinstance(found, bytes) else sum(total(item) for item in found)


def test_an_explosion_is_given_up_at_once() -> None:
    target, big = b"[" + b"{}," * 50_000 + b"{}]", b'"' + b"x" * 1_000_000 + b'"'
    rows = [(1, ROW)] * 2_000
    keys = [1] * 50_001
    start = time.thread_time()
    for going in (
        by_position("x", ("a",), big),
        by_key("x", ("a",), keys, rows, many=True, inner=False),
    ):
        with pytest.raises(TooLarge):
            embedded(target, [going], 4_000_000)
    assert time.thread_time() - start < 5


def test_a_result_as_json() -> None:
    assert whole([[b"1", b"2"], [], b"null"], 99) == b"[[1,2],[],null]"
    assert whole(b"[1]", 1) == b"[1]"
    with pytest.raises(TooLarge):
        whole([b"1", b"2"], 4)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 3_000 + b"]" * 3_000, b'[{"a":1]'])
def test_what_is_no_json_is_told_as_such(body: bytes) -> None:
    with pytest.raises(Undecodable):
        embedded(body, [by_position("x", ("a",), b"1")], MOST)

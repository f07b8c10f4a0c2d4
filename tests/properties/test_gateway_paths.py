"""Paths into JSON as gateways have them: what is set is found, and nothing else changes."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from apiql.frontends.endpoints.aggregate import Kept, aggregated
from apiql.frontends.endpoints.json_edit import places, put, without
from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import NoPath, Path, path_of
from apiql.frontends.endpoints.json_value import MISSING
from apiql.frontends.endpoints.message import Body
from apiql.frontends.endpoints.wildcards import matches

names = st.sampled_from(["a", "b", "c.d", "0", "1", "-1", "x*", "#", "é", "@this", ":k", "a|b"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "", "7"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
texts = st.text('ab01.#()=*?|\\:@"-', max_size=12)


def escaped(name: str) -> str:
    """The name as a step that means nothing but it."""
    return "".join("\\" + c if c in ".*?|\\#@:" else c for c in name)


@st.composite
def ways(draw: st.DrawFn) -> tuple[Any, tuple[str | int, ...]]:
    """A value and the way to a part of it."""
    value = draw(values)
    part: Any = value
    way: list[str | int] = []
    while isinstance(part, list | dict) and part and draw(st.booleans()):
        keys: list[Any] = list(range(len(part))) if isinstance(part, list) else list(part)
        key = draw(st.sampled_from(keys))
        way.append(key)
        part = part[key]
    assume(way)
    return value, tuple(way)


def plain(value: Any, way: tuple[str | int, ...]) -> Any:
    for key in way:
        value = value[key]
    return value


def without_plainly(value: Any, way: tuple[str | int, ...]) -> Any:
    found = copy.deepcopy(value)
    del plain(found, way[:-1])[way[-1]]
    return found


@given(ways())
def test_what_stands_there_is_found(case: tuple[Any, tuple[str | int, ...]]) -> None:
    value, way = case
    path = path_of(".".join(escaped(str(key)) for key in way))
    assert path.is_simple
    assert finder(path)(value) == plain(value, way)
    assert places(value, path) == (way,)


@given(ways(), values)
def test_what_is_set_is_found_and_the_rest_stays(
    case: tuple[Any, tuple[str | int, ...]], new: Any
) -> None:
    value, way = case
    before = copy.deepcopy(value)
    path = path_of(".".join(escaped(str(key)) for key in way))
    made = put(value, path, new)
    assert value == before
    assert finder(path)(made) == new
    assert put(made, path, plain(value, way)) == value


@given(ways())
def test_what_is_deleted_is_gone(case: tuple[Any, tuple[str | int, ...]]) -> None:
    value, way = case
    before = copy.deepcopy(value)
    path = path_of(".".join(escaped(str(key)) for key in way))
    assert without(value, path) == without_plainly(value, way)
    assert value == before


def path_or_refusal(text: str) -> Path | NoPath:
    try:
        return path_of(text)
    except NoPath as refused:
        return refused


@given(texts, values, values)
def test_any_text_is_a_path_or_refused(text: str, value: Any, new: Any) -> None:
    path = path_or_refusal(text)
    if isinstance(path, NoPath):
        assert 0 <= path.at <= len(text)
        return
    before = copy.deepcopy(value)
    found = finder(path)(value)
    made = put(value, path, new)
    without(value, path)
    assert value == before
    json.dumps(made)
    if found is MISSING and not path.is_simple:
        assert made == value


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)), max_size=4))
def test_no_member_is_lost(bodies: list[dict[str, int]]) -> None:
    made = aggregated(Kept(200, Body(json.dumps(body).encode()), "x") for body in bodies)
    for name in "abcd":
        found = [body[name] for body in bodies if name in body]
        nested: Any = MISSING
        for value in found:
            nested = value if nested is MISSING else [nested, value]
        assert made.get(name, MISSING) == nested


dotted = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "0", "c"]), min_size=1, max_size=3).map(".".join),
    st.sampled_from([1, [2], {"a": 3}, {"b": {"a": 4}}, None]),
    max_size=4,
)


@given(st.lists(dotted, max_size=4))
def test_the_quick_way_of_dotted_names_is_the_general_one(bodies: list[dict[str, Any]]) -> None:
    """With a letter escaped that means nothing, a name goes the general way."""
    slow = [{n.replace("a", "\\a").replace("b", "\\b"): v for n, v in b.items()} for b in bodies]
    kept = [Kept(200, Body(json.dumps(body).encode()), "x") for body in bodies]
    general = [Kept(200, Body(json.dumps(body).encode()), "x") for body in slow]
    before = [each.body and copy.deepcopy(each.body.value) for each in kept]
    assert json.dumps(aggregated(kept)) == json.dumps(aggregated(general))
    assert [each.body and each.body.value for each in kept] == before


@given(st.text("ab*", max_size=8), st.text("ab*?\\", max_size=6))
def test_wildcards(text: str, pattern: str) -> None:
    assert matches(text, pattern) == slowly(text, pattern)


def slowly(text: str, pattern: str) -> bool:
    """The same by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slowly(text[at:], pattern[1:]) for at in range(len(text) + 1))
    if pattern[0] == "\\" and len(pattern) > 1:
        return text[:1] == pattern[1] and slowly(text[1:], pattern[2:])
    return bool(text) and pattern[0] in ("?", text[0]) and slowly(text[1:], pattern[1:])

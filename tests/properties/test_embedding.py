"""Bringing results together: the walk over bytes agrees with a plain one over decoded values.

The plain one takes the insertions one after the other, shorter paths first, and drops what inner
ones leave without a match when all are done.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from apiql.ir.embedding import with_embedded
from apiql.ir.projection import Kept, Named, Projection
from apiql.ir.values import Literal
from apiql.runtime.decode import as_value
from apiql.runtime.embed import embedded
from apiql.runtime.insertion import Insertion, Nest, Unequal, by_position, whole
from apiql.runtime.join import by_key, opened, rows_of
from apiql.runtime.outcome import MISSING
from apiql.runtime.shape import _kept_tree
from apiql.runtime.walk import by_names
from tests.harness import exact_json
from tests.harness.exact_json import Digits
from tests.properties.json_texts import PATHS, VALUES, written

MOST = 10**9
Path = tuple[str, ...]

KEYS = st.sampled_from(
    [None, True, False, Digits("1"), Digits("1.0"), "1", "01", Digits("2"), "2", Digits("0"),
     Digits("-0.0"), Digits("1e1"), "10", {"a": "1"}, [Digits("1"), "2"], [[], ["1"], None]]
)  # fmt: skip


def _level(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = {"a": inner, "b": inner, "k": KEYS}
    return st.one_of(st.lists(inner, max_size=3), st.fixed_dictionaries({}, optional=members))


TARGETS: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, "x", {}, {"a": {"a": "old", "b": "old"}}])
    | KEYS.map(lambda key: {"k": key}),
    _level,
    max_leaves=12,
)
SHORT = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3).map(tuple)


class Wrong(Exception):
    """What comes in does not fit."""


@dataclass
class Coming:
    """An insertion as the plain walk takes it: `find` gives (whether there is something, what)."""

    path: Path
    nest: Any
    find: Callable[[Any], tuple[bool, Any]]
    inner: bool = False


@dataclass
class Leaf:
    """The result of one call, in a nest of lists."""

    value: Any


def plainly(target: Any, coming: list[Coming]) -> Any:
    """The target with all that comes into it."""
    dropped: list[tuple[Any, ...]] = []
    found = deepcopy(target)
    for one in sorted(coming, key=lambda c: len(c.path)):
        found = put(found, one.path, one.nest, one, (), None, dropped)
    return None if None in dropped else left(found, (), dropped)


def put(
    value: Any, path: Path, nest: Any, one: Coming, at: tuple[Any, ...], row: Any, gone: list[Any]
) -> Any:
    """One insertion, the places of rows without a match noted in `gone`; `row` is the last list
    element the way leads through.
    """
    if isinstance(value, list):
        parts = nest if isinstance(nest, list) else [nest] * len(value)
        if len(parts) != len(value):
            raise Wrong
        pairs = enumerate(zip(value, parts, strict=True))
        return [put(v, path, n, one, (*at, i), (*at, i), gone) for i, (v, n) in pairs]
    if not isinstance(value, dict) or len(path) == 1:
        there, coming = one.find(nest)
        if one.inner and not there:
            gone.append(row)
            return value
        if value is not None and not isinstance(value, dict):
            if there:
                raise Wrong
            return value
        if value is None:
            return value
        old = value.get(path[0])
        if isinstance(old, dict) and isinstance(coming, dict):
            coming = old | coming
        return {**value, path[0]: coming}
    name, *rest = path
    inside = put(value.get(name, {}), tuple(rest), nest, one, (*at, name), row, gone)
    return {**value, name: inside}


def left(value: Any, at: tuple[Any, ...], gone: list[Any]) -> Any:
    """What is left without the rows that go."""
    if isinstance(value, list):
        kept = ((i, item) for i, item in enumerate(value) if (*at, i) not in gone)
        return [left(item, (*at, i), gone) for i, item in kept]
    if isinstance(value, dict):
        return {name: left(item, (*at, name), gone) for name, item in value.items()}
    return value


def position_of(nest: Any) -> tuple[bool, Any]:
    """What is left of a nest by position, and whether it is more than null."""
    found = plain(nest)
    return found is not None, found


def plain(nest: Any) -> Any:
    """A nest as a JSON value."""
    return [plain(item) for item in nest] if isinstance(nest, list) else nest.value


def in_bytes(nest: Any) -> Nest:
    """A nest as the product holds it."""
    return [in_bytes(item) for item in nest] if isinstance(nest, list) else written(nest.value)


@st.composite
def nests(draw: Any, value: Any, path: Path) -> Any:
    """A nest that mostly fits a target: its lists, fewer, more, or of another length."""
    if isinstance(value, list):
        if draw(st.integers(0, 7)) == 0:
            return Leaf(draw(VALUES))
        length = len(value) + (
            draw(st.sampled_from([-1, 1])) if draw(st.integers(0, 9)) == 0 else 0
        )
        padded = [*value, None][: max(length, 0)]
        return [draw(nests(item, path)) for item in padded]
    if path and isinstance(value, dict):
        return draw(nests(value.get(path[0]) if len(path) > 1 else None, path[1:]))
    if draw(st.integers(0, 5)) == 0:
        return [Leaf(item) for item in draw(st.lists(VALUES, max_size=2))]
    return Leaf(draw(st.one_of(VALUES, st.sampled_from([None, {"a": "new"}]))))


def parsed(data: Nest) -> Any:
    """What the product made, for comparison."""
    return exact_json.parse(whole(data, MOST))


@given(TARGETS, SHORT, st.booleans(), st.data())
def test_by_position(target: Any, path: Path, spaced: bool, data: st.DataObject) -> None:
    nest = data.draw(nests(target, path))
    coming = by_position("x", path, in_bytes(nest))
    found, misfits = embedded(written(target, spaced), [coming], MOST)
    try:
        wanted = plainly(target, [Coming(path, nest, position_of)])
    except Wrong:
        assert len(misfits) == 1
        wanted = plainly(target, [Coming(path, Leaf(None), position_of)])
    else:
        assert not misfits
    assert exact_json.same(parsed(found), members(wanted), ordered=True)


def members(value: Any) -> Any:
    """A value as `exact_json` reads it."""
    return exact_json.parse(written(value))


def key_texts(value: Any) -> list[tuple[str, Any]]:
    """The keys a value stands for, numbers as their shortest text."""
    match value:
        case list():
            return [key for item in value for key in key_texts(item)]
        case bool():
            return [("boolean", value)]
        case Digits(text):
            number = Decimal(text)
            return [("text", f"{number.normalize():f}" if number else "0")]
        case str():
            return [("text", value)]
        case _:
            return []


def at(value: Any, path: Path) -> Any:
    """What stands at a path; lists are entered, in them what is missing is null."""
    if isinstance(value, list) and path:
        return [at(item, path) for item in value]
    if not path:
        return value
    return at(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def by_keys(rows: list[dict[str, Any]], many: bool) -> Callable[[Any], tuple[bool, Any]]:
    """A join by looking at each row."""

    def find(keys: Any) -> tuple[bool, Any]:
        matches: list[dict[str, Any]] = []
        for key in key_texts(keys):
            matches += [r for r in rows if key in key_texts(r.get("k")) and not among(r, matches)]
        if many:
            return bool(matches), matches
        return bool(matches), matches[0] if matches else None

    return find


def among(row: Any, matches: list[Any]) -> bool:
    return any(row is other for other in matches)


ROWS = st.lists(
    st.fixed_dictionaries(
        {"n": st.integers(0, 9).map(lambda n: Digits(str(n)))}, optional={"k": KEYS}
    ),
    max_size=5,
)


def keyed(
    name: str, target: Any, path: Path, key: Path, rows: list[Any], many: bool, inner: bool
) -> tuple[Insertion, Coming]:
    """A join as the product takes it, its keys read with the product's own reader, and plainly."""
    body, own = written(target), written(rows)
    theirs = by_names(as_value(body), key)
    found = rows_of(own, by_names(as_value(own), ("k",)))
    coming = by_key(name, path, theirs, found, many=many, inner=inner)
    keys = None if theirs is MISSING else at(target, key)
    return coming, Coming(path, keys, by_keys(rows, many), inner)


@given(TARGETS, SHORT, st.none() | SHORT, ROWS, st.booleans(), st.booleans())
def test_by_key(
    target: Any, path: Path, elsewhere: Path | None, rows: list[Any], many: bool, inner: bool
) -> None:
    key = (*(elsewhere or path)[:-1], "k")
    coming, other = keyed("x", target, path, key, rows, many, inner)
    found, misfits = embedded(written(target), [coming], MOST)
    try:
        wanted = plainly(target, [other])
    except Wrong:
        assert len(misfits) == 1
        return
    assert not misfits
    assert exact_json.same(parsed(found), members(wanted), ordered=True)


@given(TARGETS, st.lists(st.tuples(SHORT, st.booleans(), st.booleans()), min_size=2, max_size=4),
       ROWS, st.data())  # fmt: skip
def test_several_together(
    target: Any, kinds: list[tuple[Path, bool, bool]], rows: list[Any], data: st.DataObject
) -> None:
    coming: list[Insertion] = []
    others: list[Coming] = []
    for number, (path, by_keys_, inner) in enumerate(kinds):
        if by_keys_:
            one, other = keyed(str(number), target, path, (*path[:-1], "k"), rows, inner, inner)
        else:
            nest = data.draw(nests(target, path))
            one = by_position(str(number), path, in_bytes(nest))
            other = Coming(path, nest, position_of)
        coming.append(one)
        others.append(other)
    try:
        wanted = plainly(target, others)
    except Wrong:
        assume(False)
    found, misfits = embedded(written(target), coming, MOST)
    assert not misfits
    assert exact_json.same(parsed(found), members(wanted), ordered=False)


@given(TARGETS, SHORT, ROWS)
def test_levels_of_a_fan_out_are_walked_as_lists_are(
    target: Any, path: Path, rows: list[Any]
) -> None:
    coming, _ = keyed("x", target, path, (*path[:-1], "k"), rows, True, False)
    body = written(target)
    as_lists, misfits = embedded(body, [coming], MOST)
    as_levels, others = embedded(opened(body), [coming], MOST)
    assert parsed(as_lists) == parsed(as_levels)
    assert [one.at for one in misfits] == [one.at for one in others]


@given(VALUES, SHORT)
def test_a_list_of_another_length_is_told(value: Any, path: Path) -> None:
    target = written([{}, {}])
    _, (wrong,) = embedded(target, [by_position("x", path, [written(value)])], MOST)
    assert isinstance(wrong, Unequal)


FIELDS = st.one_of(PATHS.map(Kept), st.sampled_from("ab").map(lambda n: Named(n, Literal(1))))
PROJECTIONS = st.builds(
    Projection,
    st.booleans(),
    st.lists(PATHS, max_size=2).map(tuple),
    st.lists(FIELDS, max_size=3).map(tuple),
)


@given(PROJECTIONS, PATHS)
def test_what_comes_in_is_listed_once(projection: Projection, path: Path) -> None:
    once = with_embedded(projection, path)
    assert with_embedded(once, path) == once
    assert once.fields[: len(projection.fields)] == projection.fields
    assert once.excluded == projection.excluded


@given(st.lists(PATHS, min_size=1, max_size=3), PATHS)
def test_the_way_to_what_comes_in_is_kept(paths: list[Path], path: Path) -> None:
    only = Projection(False, (), tuple(Kept(each) for each in paths))
    below: Any = _kept_tree(with_embedded(only, path))
    for name in path:
        assert name in below
        below = below[name]
        if below is None:
            return

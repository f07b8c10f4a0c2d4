"""Projections: two ways through the code and a plain reference agree, digit by digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.plugins import Moment
from apiql.runtime.decode import as_raw, path_tree
from apiql.runtime.scope import Scope
from apiql.runtime.shape import _kept
from tests.harness import exact_json
from tests.harness.exact_json import Digits
from tests.properties.engines import ENGINE
from tests.properties.json_texts import PATHS, VALUES, written

Path = tuple[str, ...]
Tree = dict[str, Any]
SOME_PATHS = st.lists(PATHS, min_size=1, max_size=4)
SCOPE = Scope({}, Moment(0, lambda bits: 0))


def shaped(projection: str, body: bytes) -> Any:
    """What the compiled plan makes of a body."""
    (step,) = ENGINE.executable(f"select {projection} from /x").steps
    return exact_json.parse(step.shapes[0](body, SCOPE))


def naive_tree(paths: list[Path]) -> Tree:
    """Names with the names below them; None where everything is wanted."""
    tree: Tree = {}
    for path in paths:
        at: Any = tree
        for name in path[:-1]:
            at = at.setdefault(name, {})
            if at is None:
                break
        if at is not None:
            at[path[-1]] = None
    return tree


def only(value: Any, tree: Tree) -> Any:
    """What of a value the paths name."""
    if isinstance(value, list):
        return [only(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: value[name] if below is None else only(value[name], below)
        for name, below in tree.items()
        if name in value
    }


def without(value: Any, tree: Tree) -> Any:
    """All of a value but what the paths name."""
    if isinstance(value, list):
        return [without(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item if name not in tree else without(item, tree[name])
        for name, item in value.items()
        if tree.get(name, {}) is not None
    }


def at(value: Any, path: Path) -> Any:
    """What stands at a path, null where nothing does; lists are entered."""
    if not path:
        return value
    if isinstance(value, list):
        return [at(item, path) for item in value]
    return at(value.get(path[0]), path[1:]) if isinstance(value, dict) else None


def each(value: Any, change: Any) -> Any:
    """A change of each object, in lists of any depth."""
    if isinstance(value, list):
        return [each(item, change) for item in value]
    return change(value) if isinstance(value, dict) else value


def same(one: Any, other: Any) -> bool:
    """Whether values are alike, the order of members and every digit included."""
    return bool(ordered(one) == ordered(other))


def ordered(value: Any) -> Any:
    """A value in which objects are lists of pairs, and a number is its digits and exponent."""
    match value:
        case dict():
            return ("object", [(name, ordered(item)) for name, item in value.items()])
        case list():
            return [ordered(item) for item in value]
        case Digits(text):
            return Decimal(text).as_tuple()
        case _:
            return (type(value).__name__, value)


def exactly(one: Any, other: Any) -> bool:
    """Whether values are alike to the letter of their numbers: 1e5 is not 1E+5."""
    return same(one, other) and repr(one) == repr(other)


def texts(paths: list[Path]) -> str:
    """Paths as a projection writes them."""
    return ", ".join(".".join(path) for path in paths)


@given(VALUES, SOME_PATHS, st.booleans())
def test_kept(value: Any, paths: list[Path], spaced: bool) -> None:
    body = written(value, spaced)
    wanted = only(exact_json.parse(body), naive_tree(paths))
    assert exactly(shaped(texts(paths), body), wanted)
    general = exact_json.parse(_kept(as_raw(body), path_tree(paths)))
    assert exactly(general, wanted)


@given(VALUES, SOME_PATHS, st.booleans())
def test_excluded(value: Any, paths: list[Path], spaced: bool) -> None:
    body = written(value, spaced)
    wanted = without(exact_json.parse(body), naive_tree(paths))
    assert exactly(shaped(f"*, ({texts(paths)})", body), wanted)


@given(VALUES, PATHS, PATHS)
def test_named(value: Any, path: Path, other: Path) -> None:
    body = written(value)

    def change(found: Any) -> Any:
        return {"one": at(found, path), "two": at(found, other)}

    wanted = each(exact_json.parse(body), change)
    projection = f"{'.'.join(path)} as one, {'.'.join(other)} as two"
    assert same(shaped(projection, body), wanted)


@given(VALUES, SOME_PATHS, PATHS)
def test_everything_but_and_named(value: Any, paths: list[Path], path: Path) -> None:
    body = written(value)

    def change(found: Any) -> Any:
        return without(found, naive_tree(paths)) | {"one": at(found, path)}

    wanted = each(exact_json.parse(body), change)
    assert same(shaped(f"*, ({texts(paths)}), {'.'.join(path)} as one", body), wanted)


@given(VALUES, SOME_PATHS, PATHS)
def test_kept_and_named(value: Any, paths: list[Path], path: Path) -> None:
    body = written(value)

    def change(found: Any) -> Any:
        return only(found, naive_tree(paths)) | {"one": at(found, path)}

    wanted = each(exact_json.parse(body), change)
    assert same(shaped(f"{texts(paths)}, {'.'.join(path)} as one", body), wanted)


@given(VALUES, st.booleans())
def test_star_is_the_body(value: Any, spaced: bool) -> None:
    body = written(value, spaced)
    assert exactly(shaped("*", body), exact_json.parse(body))

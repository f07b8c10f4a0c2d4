"""References: the compiled reader sees what a plain walk through the body sees."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.runtime.decode import SMALL, compile_reader
from apiql.runtime.outcome import MISSING
from tests.properties.json_texts import PATHS, VALUES, written

Path = tuple[str, ...]


def naive(value: Any, path: Path) -> Any:
    """What stands at a path; entering a list gives the list of its elements' values."""
    if not path:
        return value
    if isinstance(value, list):
        found = [naive(item, path) for item in value]
        return [None if item is MISSING else item for item in found]
    if isinstance(value, dict) and path[0] in value:
        return naive(value[path[0]], path[1:])
    return MISSING


def told_apart(value: Any) -> Any:
    """A value in which 1, 1.0, 1.00 and true are different."""
    match value:
        case list():
            return [told_apart(item) for item in value]
        case dict():
            return {name: told_apart(item) for name, item in value.items()}
        case _:
            return (type(value).__name__, str(value))


@pytest.mark.parametrize("padding", [0, SMALL + 1])
@given(VALUES, st.lists(PATHS, min_size=1, max_size=4, unique=True), st.booleans())
def test_paths(padding: int, value: Any, paths: list[Path], spaced: bool) -> None:
    body = written(value, spaced) + b" " * padding
    decoded = json.loads(body, parse_float=Decimal)
    found = compile_reader(tuple((path, False) for path in paths))(body)
    assert told_apart(list(found)) == told_apart([naive(decoded, path) for path in paths])


@given(VALUES, PATHS)
def test_the_whole_and_a_part(value: Any, path: Path) -> None:
    body = written(value)
    decoded = json.loads(body, parse_float=Decimal)
    found = compile_reader((((), False), (path, False)))(body)
    assert told_apart(list(found)) == told_apart([decoded, naive(decoded, path)])


@given(VALUES, st.lists(PATHS, min_size=1, max_size=3, unique=True))
def test_wide_objects(value: Any, paths: list[Path]) -> None:
    """Large bodies whose size is in members that nobody reads."""
    unread = {f"n{number}": "x" * 50 for number in range(60)}
    rows = [{**unread, "a": value}, {"b": value, **unread}]
    body = written(rows)
    assert len(body) > SMALL
    decoded = json.loads(body, parse_float=Decimal)
    found = compile_reader(tuple((path, False) for path in paths))(body)
    assert told_apart(list(found)) == told_apart([naive(decoded, path) for path in paths])

"""JSON with places: where parts stand, and how messages show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apiql.errors import Location
from apiql.json_nodes import (
    SHOWN,
    Lines,
    Members,
    a_kind,
    letter,
    meant,
    part_at,
    plain,
    quoted,
    shown,
    spot,
)
from apiql.json_text import read_json

TEXT = '{"a": [1, {"b c": true}], "a": [2], "n": null}'


def test_of_a_name_that_stands_twice_the_last_counts() -> None:
    root = read_json(TEXT)
    assert isinstance(root.value, Members)
    assert plain(root) == {"a": [2], "n": None}
    assert spot(root, ("a", 0)).value == TEXT.index("2")
    assert root.value.last("x") is None


def test_a_part_has_the_place_of_its_name_and_of_its_value() -> None:
    text = '{"x": [1, {"b c": true}]}'
    root = read_json(text)
    found = spot(root, ("x", 1, "b c"))
    assert found.path == '$.x[1]["b c"]'
    assert (text[found.key :], text[found.value :]) == ('"b c": true}]}', "true}]}")
    found = spot(root, ("x", 0))
    assert found.key == found.value == text.index("1")


@pytest.mark.parametrize("keys", [("x", 2), ("x", "b"), ("y",), ("x", 0, 0), (0,)])
def test_what_is_not_there_is_the_nearest_around_it(keys: tuple[str | int, ...]) -> None:
    root = read_json('{"x": [1, 2]}')
    found, part = part_at(root, keys)
    around = 0 if keys[0] != "x" else 7 if keys[1:] == (0, 0) else 6
    assert (found.value, part.start) == (around, around)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "null", "null"), (True, "a boolean", "true"), (False, "a boolean", "false"),
        (1, "a number", "1"), (Decimal("1.50"), "a number", "1.50"), ("a", "a text", '"a"'),
        ({}, "an object", "an object"), ([], "a list", "a list"), ((), "a list", "a list"),
        (Members(), "an object", "an object"), ('a"b', "a text", "'a\"b'"),
        ("a\nb", "a text", '"a?b"'), ("x" * 60, "a text", f'"{"x" * 60}"'),
        ("x" * 61, "a text", f'"{"x" * 59}…"'), (10**59, "a number", f"1{'0' * 59}"),
        (10**60, "a number", f"1{'0' * 58}…"),
    ],
)  # fmt: skip
def test_values_in_messages(value: Any, kind: str, text: str) -> None:
    assert (a_kind(value), shown(value)) == (kind, text)
    assert len(quoted("y" * 10_000)) == SHOWN + 2


def test_a_mistaken_word_is_compared_in_any_case() -> None:
    assert meant("TMIEOUT", ["timeout", "retry"]) == "timeout"
    assert meant("zzzzzzzz", ["timeout"]) is None


def test_lines_end_as_files_end_them() -> None:
    text = "a\r\nb\rc\nd"
    lines = Lines(text)
    assert [lines.location(text.index(c)).line for c in "abcd"] == [1, 2, 3, 4]
    assert lines.location(text.index("c")) == Location(3, 1)
    for at in range(len(text)):
        assert lines.offset(lines.location(at)) == at
    assert lines.offset(Location(99, 1)) == text.index("d")


@pytest.mark.parametrize(
    ("index", "found"), [(0, "a"), (1, "\\n"), (2, "\\u00e9"), (3, "\\ud83d"), (4, "b"), (9, '"a')]
)
def test_a_letter_of_a_text_is_found_behind_what_is_escaped(index: int, found: str) -> None:
    text = r'["a\n\u00e9\ud83d\ude00b", "more letters than there are"]'
    assert text[letter(text, 1, index) :].startswith(found)

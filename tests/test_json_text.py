"""The reader of JSON with places: what it takes, what it refuses and where, in how much time."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.errors import Location
from apiql.json_nodes import (
    Keys,
    Lines,
    Members,
    Node,
    letter,
    plain,
    spot,
)
from apiql.json_text import (
    MOST_DIGITS,
    NESTING,
    NoJson,
    NoText,
    decoded,
    read_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (" [ ] ", []),
        ('{"a": [1, {"b": null}], "a b": true}', {"a": [1, {"b": None}], "a b": True}),
        ("12345678901234567890123", 12345678901234567890123),
        ("-0", 0),
        ("1.50", Decimal("1.50")),
        ("1e3", Decimal("1e3")),
        ('"\\u00e9\\ud83d\\ude00\\n\\/"', "é😀\n/"),
        ('"手机"', "手机"),
    ],
)
def test_what_is_json_is_read_with_all_its_digits(text: str, value: Any) -> None:
    found = plain(read_json(text))
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "wrong", "path"),
    [
        ("", 1, 1, "found the end of the file", ""),
        ("\n {", 2, 3, "found the end of the file", ""),
        ('{"a": 1,}', 1, 9, "a comma too many", ""),
        ("[1,\r\n]", 2, 1, "a comma too many", ""),
        ("[1,\r\r\n \n]", 4, 1, "a comma too many", ""),
        ("[,1]", 1, 2, 'found ","', ".[0]"),
        ("[1 2]", 1, 4, 'found "2"', ""),
        ('{"a"}', 1, 5, 'found "}"', ""),
        ("{'a': 1}", 1, 2, 'found "\'"', ""),
        ("{a: 1}", 1, 2, 'found "a"', ""),
        ('{"a": {"b c": [0, tru]}}', 1, 19, 'found "tru"', '.a["b c"][1]'),
        ('{"a": NaN}', 1, 7, 'found "NaN"', ".a"),
        ("[01]", 1, 2, "this is no number", ".[0]"),
        ("[1.]", 1, 2, "this is no number", ".[0]"),
        ("[+1]", 1, 2, 'found "+1"', ".[0]"),
        ("[-]", 1, 2, "this is no number", ".[0]"),
        ('["a', 1, 2, "a text does not end", ".[0]"),
        ('["a\nb"]', 1, 4, "a line break or control character in a text", ".[0]"),
        ('["a\\x"]', 1, 4, '"\\x" is no escape', ".[0]"),
        ('["\\ud800"]', 1, 2, "a text has half of a surrogate pair", ".[0]"),
        ("{} // end", 1, 4, '"/" stands behind the value', ""),
        ('{\n  # key\n  "a": 1}', 2, 3, "JSON has no comments", ""),
        ("{} {}", 1, 4, '"{" stands behind the value', ""),
        ("\ufeff{}", 1, 1, "a byte order mark stands first", ""),
        ("1" * (MOST_DIGITS + 1), 1, 1, "a number has more than 400 digits", ""),
        ("1e99999999999999999999", 1, 1, "the number is out of range", ""),
    ],
)
def test_what_is_no_json_is_refused_where_it_ends_to_be_some(
    text: str, line: int, column: int, wrong: str, path: str
) -> None:
    with pytest.raises(NoJson) as refused:
        read_json(text)
    assert Lines(text).location(refused.value.at) == Location(line, column)
    assert refused.value.wrong == wrong
    assert refused.value.path == path.replace(".[", "[")
    assert refused.value.expected


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_brackets_nest_so_deep_and_no_deeper(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    read_json(opening * (NESTING - 1) + "[]" + closing * (NESTING - 1))
    with pytest.raises(NoJson, match="nest too deeply"):
        read_json(opening * (NESTING * 1000))


@pytest.mark.parametrize("part", ['"', '"\\', "[", '{"', "1", "\\", '"a', " ", ",", '["\\u00'])
def test_a_megabyte_of_anything_is_read_or_refused_at_once(part: str) -> None:
    text = part * (1_000_000 // len(part))
    for written in (f"[{text}", f'{{"{text}', f'["{text}'):
        with pytest.raises(NoJson) as refused:
            read_json(written)
        assert len(refused.value.wrong) < 200


def test_bytes_that_are_no_utf_8_are_refused_where_they_stand() -> None:
    with pytest.raises(NoText) as refused:
        decoded('{"a":\n "é'.encode() + b'\xff"}')
    assert Lines(refused.value.before).location(len(refused.value.before)) == Location(2, 4)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_others_write_is_read_and_each_part_found_again(
    value: Any, indent: Any, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    root = read_json(text)
    assert plain(root) == value
    lines = Lines(text)
    for keys, node in parts(root, ()):
        found = spot(root, keys)
        assert found.value == node.start
        at = lines.location(node.start)
        assert lines.offset(at) == node.start
        end = json.JSONDecoder().raw_decode(text, node.start)
        assert end[0] == plain(node)


def parts(node: Node, keys: Keys) -> Any:
    """Every part with its keys."""
    yield keys, node
    if isinstance(node.value, Members):
        for member in node.value:
            yield from parts(member.node, (*keys, member.name))
    elif isinstance(node.value, tuple):
        for at, element in enumerate(node.value):
            yield from parts(element, (*keys, at))


@given(st.text(min_size=1), st.booleans())
def test_the_letters_of_a_text_are_found_whatever_is_escaped(value: str, ascii_only: bool) -> None:
    text = "  " + json.dumps(value, ensure_ascii=ascii_only)
    offsets = [letter(text, 2, index) for index in range(len(value) + 1)]
    ends = [*offsets[1:], len(text)]
    read = [json.loads(f'"{text[a:b]}"') for a, b in zip(offsets[:-1], ends, strict=False)]
    assert "".join(read) == value
    assert text[offsets[-1]] == '"'


@st.composite
def nearly_json(draw: st.DrawFn) -> bytes:
    """JSON with one place changed."""
    data = json.dumps(draw(VALUES)).encode()
    at = draw(st.integers(0, len(data)))
    part = draw(
        st.sampled_from([b"", b",", b'"', b"\\", b"[", b"}", b"0", b"-", b"e", b" ", b"\x00"])
    )
    return data[:at] + part + data[at + draw(st.integers(0, 2)) :]


DECODER = msgspec.json.Decoder(float_hook=Decimal)


@settings(max_examples=500)
@given(st.binary() | st.text().map(str.encode) | nearly_json())
def test_any_bytes_are_taken_or_refused_as_the_decoder_of_answers_does(data: bytes) -> None:
    try:
        mine: Any = plain(read_json(decoded(data)))
    except (NoJson, NoText):
        mine = NoJson
    try:
        other = DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        other = NoJson
    assert mine == other

"""JSON values: what is read, what is written, and that nothing is lost between."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiql.errors import ValueRefused
from apiql.runtime.json_values import (
    decode,
    encode,
    identity,
    kind,
    number_of,
    number_text,
    plain_text,
)
from apiql.runtime.operators import same

D = Decimal

READ = [
    (b"null", None),
    (b"true", True),
    (b"15", 15),
    (b"-0", 0),
    (b"18446744073709551616", 2**64),
    (b"9" * 400, 10**400 - 1),
    (b"1.50", D("1.50")),
    (b"1e3", D("1E+3")),
    (b"1e999999999", D("1E+999999999")),
    (
        b"0.1234567890123456789012345678901234567890",
        D("0.1234567890123456789012345678901234567890"),
    ),
    (b'"\\ud83d\\ude00"', "😀"),
    (b' [1, {"a": [] }] ', [1, {"a": []}]),
    (b'"' + b"1" * 500 + b'"', "1" * 500),
    (b'{"b":1,"a":2}', {"b": 1, "a": 2}),
]


@pytest.mark.parametrize(("data", "value"), READ)
def test_reads(data: bytes, value: object) -> None:
    for source in (data, msgspec.Raw(data)):
        read = decode(source)
        assert read == value
        assert type(read) is type(value)


NOT_READ = [
    (b"", "broken"),
    (b"NaN", "broken"),
    (b"[Infinity]", "broken"),
    (b"01", "broken"),
    (b"1 2", "broken"),
    (b"{'a': 1}", "broken"),
    (b'"\\ud800"', "broken"),
    (b'"\xff"', "not UTF-8"),
    (b"\xef\xbb\xbf1", "broken"),
    (b"9" * 401, "more than 400 digits"),
    (b"-" + b"9" * 5000, "out of range"),
    (b"[1, " + b"1" * 401 + b"]", "more than 400 digits"),
    (b'{"a": ' + b"1" * 250 + b"." + b"1" * 250 + b"}", "more than 400 digits"),
    (b"1e99999999999999999999999", "out of range"),
    (b"[" * 100_000, "nested too deeply"),
]


@pytest.mark.parametrize(("data", "reason"), NOT_READ, ids=range(len(NOT_READ)))
def test_refuses_to_read(data: bytes, reason: str) -> None:
    with pytest.raises(ValueRefused, match=reason):
        decode(data)


WRITTEN = [
    ({"b": D("1.50"), "a": [None, True, 10**50]}, '{"b":1.50,"a":[null,true,1' + "0" * 50 + "]}"),
    (D("1e400"), "1E+400"),
    ({"raw": msgspec.Raw(b'{"x" :  1.000}')}, '{"raw":{"x" :  1.000}}'),
    ("é\n😀", '"é\\n😀"'),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_writes(value: object, text: str) -> None:
    assert encode(value).decode() == text


def test_refuses_to_write() -> None:
    with pytest.raises(ValueRefused, match="surrogate"):
        encode(["\ud800"])
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ValueRefused, match="deeply"):
        encode(deep)
    with pytest.raises(ValueRefused, match="deeply"):
        identity(deep)


def _json_values() -> st.SearchStrategy[object]:
    decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda d: "." in str(d) or "E" in str(d)
    )
    scalars = st.none() | st.booleans() | st.integers() | decimals | st.text()
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=15,
    )


@settings(max_examples=150, deadline=None)
@given(_json_values())
def test_what_is_written_is_read_again(value: object) -> None:
    data = encode(value)
    assert repr(decode(data)) == repr(value)
    assert encode(decode(data)) == data
    json.loads(data, parse_float=Decimal)


@settings(max_examples=150, deadline=None)
@given(_json_values(), _json_values())
def test_identity_is_equality(left: object, right: object) -> None:
    assert (identity(left) == identity(right)) == same(left, right)
    assert identity(left) == identity(decode(encode(left)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.text('[]{}",:0123456789.eE-truefalsnN\\ud8 ').map(str.encode))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        encode(decode(data))
    except ValueRefused:
        pass


def test_a_long_body_is_checked_fast() -> None:
    body = b"[" + b",".join([b"1" * 400] * 5000) + b"]"
    assert len(decode(body)) == 5000


NUMBER_TEXTS = [
    (15, "15"),
    (-(10**30), "-1" + "0" * 30),
    (D("1E+3"), "1000"),
    (D("1.50"), "1.50"),
    (D("1E-7"), "0.0000001"),
    (D("-2.5e-3"), "-0.0025"),
    (D("0E+999999"), "0"),
    (D("-0.0"), "-0.0"),
    (D("1E+399"), "1" + "0" * 399),
    (10**400 - 1, "9" * 400),
]


@pytest.mark.parametrize(("value", "text"), NUMBER_TEXTS)
def test_numbers_as_text(value: int | Decimal, text: str) -> None:
    assert number_text(value) == text
    assert plain_text(value) == text


@pytest.mark.parametrize(
    "value", [10**400, -(10**4200), D("1E+400"), D("1E-400"), D("1e999999999"), D("NaN")]
)
def test_numbers_too_long_for_a_text(value: int | Decimal) -> None:
    with pytest.raises(ValueRefused):
        number_text(value)


SPELT = [
    ("12.50", D("12.50")),
    (" -3 ", -3),
    ("+7", 7),
    ("007", 7),
    (".5", D("0.5")),
    ("1e3", D("1E+3")),
    ("", None),
    ("-", None),
    ("1,5", None),
    ("0x10", None),
    ("NaN", None),
    ("Infinity", None),
    ("1_000", None),
    ("٣", None),
]


@pytest.mark.parametrize(("text", "value"), SPELT)
def test_numbers_in_texts(text: str, value: object) -> None:
    found = number_of(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("text", ["1" * 401, "1e" + "9" * 30, "1" * 100_000])
def test_texts_that_spell_no_number_to_hold(text: str) -> None:
    with pytest.raises(ValueRefused):
        number_of(text)


def test_plain_text() -> None:
    assert [plain_text(value) for value in (True, False, "é&")] == ["true", "false", "é&"]
    unwritten: list[Any] = [None, [], {}]
    for value in unwritten:
        with pytest.raises(ValueRefused, match="plain text"):
            plain_text(value)


def test_kinds() -> None:
    values: list[Any] = [None, True, 1, D("1.5"), "a", [], {}]
    words = ["null", "boolean", "number", "number", "text", "list", "object"]
    assert [kind(value) for value in values] == words

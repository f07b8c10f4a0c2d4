"""Ends that answers tell of themselves, and dates as HTTP writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.sources.call import Reply
from apiql.sources.dates import moment_of
from apiql.sources.expiry import LONGEST_TOLD, told_lifetime

WALL = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def left(value: Any) -> float | None:
    """What is left by a member of the body."""
    return told_lifetime(Reply(200, (), json.dumps({"e": value}).encode()), ("body", "e"), WALL)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3600, 3600.0),
        (0.5, 0.5),
        ("3600", 3600.0),
        (" 90.5 ", 90.5),
        (86401, LONGEST_TOLD),
        (30 * 86400, LONGEST_TOLD),
        (int(WALL) + 60, 60.0),
        (str(int(WALL) + 60), 60.0),
        (int(WALL * 1000) + 60_000, 60.0),
        (int(WALL) + 10**8, LONGEST_TOLD),
        ("2023-11-14T22:14:20Z", 60.0),
        ("2023-11-14T23:14:20+01:00", 60.0),
        ("2023-11-14T22:14:20", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
    ],
)
def test_ends(value: Any, seconds: float) -> None:
    assert left(value) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    [
        0, -1, -3600, "-5", "", "soon", "1h", None, True, False, [], {}, [3600], 10**9 - 1, 10**11,
        10**30, 1e300, "9" * 30, "1e3", "nan", "inf", int(WALL) - 1, "2023-11-14T22:13:19Z",
        "Mon, 14 Nov 2022 22:13:20 GMT", "0001-01-01T00:00:00+23:59",
    ],
)  # fmt: skip
def test_what_is_no_end(value: Any) -> None:
    assert left(value) is None


@pytest.mark.parametrize(
    "body", [b"", b"<a>", b'{"e": NaN}', b'{"e": Infinity}', b"[1]", b"[" * 9999]
)
def test_bodies_without_one(body: bytes) -> None:
    assert told_lifetime(Reply(200, (), body), ("body", "e"), WALL) is None


def test_ends_stand_deeper_and_in_headers() -> None:
    reply = Reply(200, (("x-token-expires", "60"),), b'{"data": {"ttl": 9}}')
    assert told_lifetime(reply, ("body", "data", "ttl"), WALL) == 9
    assert told_lifetime(reply, ("body", "data"), WALL) is None
    assert told_lifetime(reply, ("body", "data", "ttl", "x"), WALL) is None
    assert told_lifetime(reply, ("header", "X-Token-Expires"), WALL) == 60
    assert told_lifetime(reply, ("header", "X-Other"), WALL) is None


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_value_is_read_and_never_lasts_longer_than_a_day(value: Any) -> None:
    found = left(value)
    assert found is None or 0 < found <= LONGEST_TOLD


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "tUE, 14 nov 2023 22:13:20 gmt",
        "Tuesday, 14-Nov-23 22:13:20 GMT",
        "Tue Nov 14 22:13:20 2023",
    ],
)
def test_dates_of_three_forms(text: str) -> None:
    assert moment_of(text) == WALL


@pytest.mark.parametrize(
    ("text", "year"),
    [("Friday, 01-Jan-38 00:00:00 GMT", 2038), ("Friday, 01-Jan-99 00:00:00 GMT", 1999)],
)
def test_years_of_two_digits(text: str, year: int) -> None:
    assert moment_of(text) == moment_of(f"Fri, 01 Jan {year} 00:00:00 GMT")


def test_a_leap_second_is_the_one_before_it() -> None:
    assert moment_of("Sat, 31 Dec 2016 23:59:60 GMT") == moment_of("Sat, 31 Dec 2016 23:59:59 GMT")


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "Tue, 14 Nov 2023 22:13:20", "Tue, 14 Nov 2023 22:13:20 UTC",
        "Tue, 32 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 25:13:20 GMT",
        "Tue, 14 Nov 0000 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 GMT ", 
        "Tue, 1\u0664 Nov 2023 22:13:20 GMT",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert moment_of(text) is None

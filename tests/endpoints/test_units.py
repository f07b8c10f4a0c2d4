"""Durations and sizes, as Go has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.endpoints.units import duration_of, duration_text, size_of, size_text

S = 10**9


@pytest.mark.parametrize(
    ("text", "duration", "printed"),
    [
        ("10s", 10 * S, "10s"),
        ("5m", 300 * S, "5m0s"),
        ("1h30m", 5400 * S, "1h30m0s"),
        ("1.5h", 5400 * S, "1h30m0s"),
        ("15.5ms", 15_500_000, "15.5ms"),
        ("29.4s", 29_400_000_000, "29.4s"),
        ("1us", 1_000, "1µs"),
        ("2µs", 2_000, "2µs"),
        ("7ns", 7, "7ns"),
        ("0", 0, "0s"),
        ("-1.5s", -1_500_000_000, "-1.5s"),
        (".5s", 500_000_000, "500ms"),
        ("1.s", S, "1s"),
        ("100h", 360_000 * S, "100h0m0s"),
        ("1h0.000000001s", 3600 * S + 1, "1h0m0.000000001s"),
    ],
)
def test_a_duration(text: str, duration: int, printed: str) -> None:
    assert duration_of(text) == duration
    assert duration_text(duration) == printed


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", ".s", "5 s", "1d", "-", "5m m", "9999999h", "1e3s", "٣s", "1s" * 30],
)
def test_no_duration(text: str) -> None:
    assert duration_of(text) is None


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_what_is_printed_is_read_again(duration: int) -> None:
    assert duration_of(duration_text(duration)) == duration


@pytest.mark.parametrize(
    ("text", "size", "printed"),
    [
        ("1B", 1, "1.0B"),
        ("512", 512, "512.0B"),
        ("50KB", 51_200, "50.0KB"),
        ("1MB", 1 << 20, "1.0MB"),
        ("3 mb", 3 << 20, "3.0MB"),
        ("1.5GB", 1_610_612_736, "1.5GB"),
        ("1YB", 1 << 80, "1.0YB"),
        ("1023B", 1023, "1023.0B"),
    ],
)
def test_a_size(text: str, size: int, printed: str) -> None:
    assert size_of(text) == size
    assert size_text(size) == printed


@pytest.mark.parametrize("text", ["", "MB", "1.MB", "-1MB", "1 KiB", "1  MB", "1" * 50, "٣MB"])
def test_no_size(text: str) -> None:
    assert size_of(text) is None

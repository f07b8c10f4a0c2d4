"""Times by Go's layouts: read as recorded, written as Go writes them."""

from __future__ import annotations

from typing import Any

import pytest

from apiql.errors import ValueRefused
from apiql.gotemplate import Data, compile_template, v2_functions
from apiql.gotemplate.layout_writing import written
from apiql.gotemplate.layouts import parsed
from tests.gotemplate.corpus import RECORDED, rendered

AT = 1_652_196_921
"""2022-05-10 15:35:21 UTC, a Tuesday."""


@pytest.mark.parametrize("case", RECORDED["times"], ids=lambda c: f"{c['layout']}|{c['value']}")
def test_as_recorded(case: dict[str, Any]) -> None:
    if "err" in case:
        with pytest.raises(ValueRefused) as refusal:
            parsed(case["layout"], case["value"])
        assert refusal.value.message == case["err"]
    else:
        assert parsed(case["layout"], case["value"]) == case["unix"]


@pytest.mark.parametrize(
    ("layout", "value", "unix"),
    [
        ("2006 002", "2022 130", 1_652_140_800),
        ("2006-01-02 __2", "2022-01-01 130", 1_652_140_800),
        ("2006-01-02 15:04:05.000", "2022-05-10 15:35:21.123", AT),
        ("2006-01-02 15:04:05.999", "2022-05-10 15:35:21", AT),
        ("Monday, January _2 2006 3:04:05 pm", "tuesday, may 10 2022 3:35:21 pm", AT),
        ("2006-01-02 03PM", "2022-05-10 12AM", 1_652_140_800),
        ("2006-01-02 15:04:05 MST", "2022-05-10 23:35:21 GMT+8", AT),
        ("2006-01-02 15:04:05 -07", "2022-05-10 23:35:21 +08", AT),
        ("06-1-2", "69-1-1", -31_536_000),
        ("2006-01-02", "2024-02-29", 1_709_164_800),
        ("2006-01-02", "2000-02-29", 951_782_400),
    ],
)
def test_more_tokens(layout: str, value: str, unix: int) -> None:
    assert parsed(layout, value) == unix


@pytest.mark.parametrize(
    ("layout", "value", "essence"),
    [
        ("2006-01-02", "2022-05-10x", 'extra text: "x"'),
        ("15:04", "24:00", "hour out of range"),
        ("2006-01-02", "1900-02-29", "day out of range"),
        ("2006 002", "2022 366", "day-of-year out of range"),
        ("Jan", "Foo", 'cannot parse "Foo" as "Jan"'),
        ("2006年", "2022月", r'cannot parse "\xe6\x9c\x88" as "\xe5\xb9\xb4"'),
        ("2006" * 300, "1", "more than 1024 characters"),
    ],
)
def test_what_does_not_fit(layout: str, value: str, essence: str) -> None:
    with pytest.raises(ValueRefused) as refusal:
        parsed(layout, value)
    assert essence in refusal.value.message


@pytest.mark.parametrize(
    ("layout", "offset", "text"),
    [
        ("2006-01-02 15:04:05", 8 * 3600, "2022-05-10 23:35:21"),
        ("Mon, 02 Jan 2006 15:04:05 MST", 0, "Tue, 10 May 2022 15:35:21 UTC"),
        (
            "Monday January 2 06 3:4:5.000 pm -07:00 Z07:00 002",
            0,
            "Tuesday May 10 22 3:35:21.500 pm +00:00 Z 130",
        ),
        ("2006-01-02T15:04:05Z07:00", -5400, "2022-05-10T14:05:21-01:30"),
    ],
)
def test_writing(layout: str, offset: int, text: str) -> None:
    assert written(layout, AT + 0.5, offset) == text


def test_midnight_is_twelve() -> None:
    assert written("3:04PM 03 15", 1_652_140_800) == "12:00AM 12 00"
    assert written("3:04PM 03 15", 1_652_140_800 + 43_200) == "12:00PM 12 12"


def test_the_functions_of_both_generations() -> None:
    assert rendered("{{utc}}").text == str(AT)
    template = compile_template("{{utc_ms}} {{timestamp}} {{md5}}", v2_functions(lambda: AT + 0.5))
    assert template.render(Data({})).text == f"{AT}500 2022-05-10 23:35:21 "

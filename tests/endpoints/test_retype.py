"""Texts that become numbers, truths, moments or JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apiql.frontends.endpoints.retype import moment, retyped


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-12", -12),
        ("1.50", Decimal("1.50")),
        ("12345678901234567890123", 12345678901234567890123),
        ("0", 0),
        ("t", True),
        ("TRUE", True),
        ("False", False),
        ("f", False),
        ("yes", "yes"),
        ("tRUE", "tRUE"),
        ("", ""),
        ("007", "007"),
        ("+5", "+5"),
        ("1_000", "1_000"),
        ("NaN", "NaN"),
        ("1" * 500, "1" * 500),
        ("null", None),
        ('{"a": [1]}', {"a": [1]}),
        ("[1, 2]", [1, 2]),
        ('"quoted"', "quoted"),
        ("{broken", "{broken"),
        ("[" * 5000, "[" * 5000),
        ("a text", "a text"),
        ("2024-04-09T12:31:35.900Z", "2024-04-09T12:31:35.9Z"),
    ],
)
def test_a_text_becomes_what_it_spells(text: str, value: Any) -> None:
    found = retyped(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-04-09T12:31:35Z", "2024-04-09T12:31:35Z"),
        ("2024-04-09T12:31:35.000+00:00", "2024-04-09T12:31:35Z"),
        ("2024-04-09T12:31:35.120-03:00", "2024-04-09T12:31:35.12-03:00"),
        ("Tue, 23 Apr 2024 11:37:26 GMT", "2024-04-23T11:37:26Z"),
        ("Tue, 23 Apr 2024 11:37:26 -0300", "2024-04-23T11:37:26-03:00"),
        ("2024-04-09", None),
        ("2024-13-09T12:31:35Z", None),
        ("12:31", None),
    ],
)
def test_a_moment(text: str, written: str | None) -> None:
    assert moment(text) == written

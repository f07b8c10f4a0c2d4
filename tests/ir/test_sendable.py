"""Constants in a query string: what is written, how, and what is not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apiql.ir.push import Form, Hole, Kind, SentText
from apiql.ir.sendable import filled, fits_a_url, sendable, written
from apiql.ir.values import Literal, ParamRoot, Ref


@pytest.mark.parametrize(("value", "kind", "text"), [
    (5, Kind.INTEGER, "5"), (-(2**31) + 1, Kind.INTEGER, "-2147483647"),
    (2**31, Kind.INTEGER, None), (Decimal("5.0"), Kind.INTEGER, None), (True, Kind.INTEGER, None),
    (5, Kind.NUMBER, "5"), (Decimal("1.50"), Kind.NUMBER, "1.50"),
    (Decimal("1E3"), Kind.NUMBER, "1000"), (Decimal("-0.0"), Kind.NUMBER, "0"),
    (10**15, Kind.NUMBER, None), (Decimal("0.1234567890123456"), Kind.NUMBER, None),
    (Decimal("1E-99"), Kind.NUMBER, None), (False, Kind.NUMBER, None), ("5", Kind.NUMBER, None),
    (True, Kind.BOOLEAN, "true"), (False, Kind.BOOLEAN, "false"), (1, Kind.BOOLEAN, None),
    ("true", Kind.BOOLEAN, None), (5, Kind.TEXT, None), (None, Kind.TEXT, None),
    ([], Kind.TEXT, None), ("a", Kind.ANY, None), (5, Kind.ANY, None),
])  # fmt: skip
def test_a_constant_of_a_kind(value: Any, kind: Kind, text: str | None) -> None:
    assert written(value, kind, Form.WHOLE) == text


@pytest.mark.parametrize(("value", "texts"), [
    ("a b", ("a b", '"a b"', "'a b'", "a b")),
    ("", ("", '""', "''", None)),
    ("it's", ("it's", '"it\'s"', "'it''s'", "it's")),
    ('a"\\', ('a"\\', '"a\\"\\\\"', "'a\"\\'", 'a"\\')),
    ("a,b)", ("a,b)", '"a,b)"', "'a,b)'", None)),
    (" a", (" a", '" a"', "' a'", None)),
    ("a*", ("a*", '"a*"', "'a*'", None)),
    ("a\nb", (None, None, None, None)),
    ("a\0", (None, None, None, None)),
    ("\ud800", (None, None, None, None)),
    ("é😀", ("é😀", '"é😀"', "'é😀'", "é😀")),
])  # fmt: skip
def test_a_text_in_each_form(value: str, texts: tuple[str | None, ...]) -> None:
    assert tuple(written(value, Kind.TEXT, form) for form in Form) == texts


def test_constants_are_written_ahead_and_parameters_in_a_run() -> None:
    hole = Hole(Ref(ParamRoot("v")), Kind.TEXT)
    pieces = ("a eq ", Hole(Literal("x'"), Kind.TEXT), " or b eq ", hole)
    found = sendable(pieces, Form.ODATA)
    assert found == SentText(("a eq 'x''' or b eq ", hole), Form.ODATA)
    assert isinstance(found, SentText)
    assert filled(found, lambda value: "y") == "a eq 'x''' or b eq 'y'"
    assert filled(found, lambda value: 5) is None
    assert sendable(pieces[:2], Form.ODATA) == "a eq 'x'''"
    assert sendable(("a eq ", Hole(Literal(5), Kind.TEXT)), Form.ODATA) is None


def test_what_fits_a_url_fits_whatever_parameters_hold() -> None:
    hole = Hole(Ref(ParamRoot("v")), Kind.TEXT)
    text = SentText(("eq.", hole), Form.WHOLE)
    assert fits_a_url(["a" * 3700, text])
    assert not fits_a_url(["a" * 3800, text])
    assert not fits_a_url(["é" * 700])
    assert filled(text, lambda value: "a" * 250) == "eq." + "a" * 250
    assert filled(text, lambda value: "a" * 251) is None

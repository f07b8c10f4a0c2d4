"""JSON as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.endpoints.xml_text import DEEPEST, xml_of, xml_of_text

LIST = """<object>
  <object>
    <a>1</a>
  </object>
  <object>2</object>
</object>"""
NAMES = """<object>
  <_>3</_>
  <_1>2</_1>
  <a_b>1</a_b>
</object>"""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "<object/>"),
        ({"a": ""}, "<object>\n  <a/>\n</object>"),
        ({"b": Decimal("1.50"), "a": True}, "<object>\n  <a>true</a>\n  <b>1.50</b>\n</object>"),
        (
            {"l": [1, {"x": 2}, []]},
            "<object>\n  <l>1</l>\n  <l>\n    <x>2</x>\n  </l>\n  <l/>\n</object>",
        ),
        ([{"a": 1}, 2], LIST),
        ({"-id": 7, "#text": "t"}, '<object id="7">t</object>'),
        ({"-id": '"', "a": 1}, "<object id='\"'>\n  <a>1</a>\n</object>"),
        ({"a b": 1, "1": 2, "": 3}, NAMES),
        ({"a": "<&\x00"}, "<object>\n  <a>&lt;&amp;\ufffd</a>\n</object>"),
        (None, "<object/>"),
        ({"l": [[1, [2]], [[]]]}, "<object>\n  <l>1</l>\n  <l>2</l>\n  <l/>\n</object>"),
        (5, "<object>5</object>"),
        ({"-a": "\x00<"}, '<object a="\ufffd&lt;"/>'),
        ({"-": 1}, "<object>\n  <_->1</_->\n</object>"),
    ],
)
def test_a_value(value: Any, expected: str) -> None:
    assert xml_of(value) == expected


def test_what_stands_very_deep_is_json() -> None:
    value: Any = 1
    for _ in range(300):
        value = {"a": [value]}
    text = xml_of(value)
    assert text.count("<a>") == DEEPEST
    assert '<a>[{"a":[{"a":[' in text


names = st.text("ab1é語-:. <&", max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner),
    max_leaves=10,
)


@given(values)
def test_it_is_xml(value: Any) -> None:
    assert ElementTree.fromstring(xml_of(value)).tag == "object"


@given(st.text())
def test_a_text_is_xml(text: str) -> None:
    assert ElementTree.fromstring(xml_of_text(text)).tag == "string"

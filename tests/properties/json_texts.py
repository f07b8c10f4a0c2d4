"""JSON as bytes, with digits, orders and nestings that careless readers lose."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.harness.exact_json import Digits

NAMES = ["a", "b", "c", "größe", "d"]
NUMBERS = ["0", "1", "-7", "1.50", "12345678901234567890123", "0.1000000000000000000000001",
           "1e5", "2.50E-3", "9007199254740993", "-0.0"]  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS).map(Digits), TEXTS, st.just("x" * 40)
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.lists(
        st.tuples(st.sampled_from(NAMES), inner), max_size=5, unique_by=lambda pair: pair[0]
    )
    return st.one_of(st.lists(inner, max_size=4), objects.map(dict))


VALUES = st.recursive(SCALARS, _nested, max_leaves=25)
"""JSON values whose numbers are `Digits`."""

OBJECTS = _nested(VALUES)
"""The same, lists and objects alone."""


def written(value: Any, spaced: bool = False) -> bytes:
    """A value as JSON, its numbers as they are."""
    comma, colon = (" ,\n", " :\t") if spaced else (",", ":")
    match value:
        case Digits(text):
            return text.encode()
        case list():
            return b"[" + comma.encode().join(written(item, spaced) for item in value) + b"]"
        case dict():
            members = (
                json.dumps(name, ensure_ascii=spaced).encode() + colon.encode() + written(v, spaced)
                for name, v in value.items()
            )
            return b"{" + comma.encode().join(members) + b"}"
        case _:
            return json.dumps(value, ensure_ascii=spaced).encode()


BODIES = st.builds(written, VALUES, st.booleans())
PATHS = st.lists(st.sampled_from(NAMES[:4]), min_size=1, max_size=3).map(tuple)
"""Paths of names, as projections and references have them."""

"""Whatever a text holds, it is one value or one comment of TOML."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.importers.toml_text import comment, key, value

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.one_of(texts, st.booleans(), st.integers(-(2**62), 2**62)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=8,
)


@given(texts, values)
def test_what_is_written_is_read_again(name: str, given_value: Any) -> None:
    assert tomllib.loads(f"{key(name)} = {value(given_value)}") == {name: given_value}


@given(texts)
def test_a_comment_is_one_line_that_says_nothing(text: str) -> None:
    assert tomllib.loads(f"{comment(text)}\na = 1") == {"a": 1}
    assert len(comment(text).splitlines()) == 1


def test_a_comment_cannot_begin_a_table() -> None:
    assert comment("one\n[upstreams.evil]\r\x85two") == "# one [upstreams.evil]  two"

"""T19: a text within its limits takes the parser or the planner long, and with it all others."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import QueryRefused
from apiql.ir import explain
from tests.properties.engines import ENGINE
from tests.properties.grammar_texts import FIXED, WORDS, texts

MOST_BYTES = 60_000
LONGEST = 2.5
"""Ten times what any text takes on a machine at rest; it is the time of the thread that counts."""

TOKENS = sorted(
    {word for words in WORDS.values() for word in words if len(word) < 100}
    | set(FIXED.values())
    | {"'", '"', '\\"', "/*", "*/", "--", "\n", "\u0301", "\\", "/* ", "''"}
)
HEADS = ["", "select ", "select * from /a where x = ", "select * from /a ", "return ",
         "set a as ", "x; ", "use ", "explain ", "select * from /a having ",
         "select * from /a join "]  # fmt: skip
KNOWN = ["/* ", '\\"', 'x "\\', "/*'", "' /*", '"/*', "--/*", "/*--", "; /* ", '; "\\" ',
         " or ", "hidden", "select", "a.b[", "{\"a\":", "not -", "1e3 ",
         ";;", "\u0301", "/{a}"]  # fmt: skip


def seconds(text: str) -> float:
    """What it takes to plan a text, or to say why it cannot be planned."""
    begun = time.thread_time()
    try:
        explain.as_text(ENGINE.plan(text))
    except QueryRefused as refused:
        for problem in refused.problems:
            problem.entry()
    return time.thread_time() - begun


def repeated(head: str, unit: str, tail: str = "", size: int = MOST_BYTES) -> str:
    room = size - len(head.encode()) - len(tail.encode())
    return head + unit * max(1, room // len(unit.encode())) + tail


@pytest.mark.parametrize("unit", KNOWN)
@pytest.mark.parametrize("head", HEADS)
def test_no_repetition_takes_long(head: str, unit: str) -> None:
    assert seconds(repeated(head, unit)) < LONGEST
    assert seconds(repeated(head, unit, " from /a")) < LONGEST


def test_comments_that_are_never_closed_cost_in_proportion() -> None:
    """Each of them was once looked for through the whole text: 12 s for 64 KiB."""
    half, whole = (seconds(repeated("", "/* ", size=size)) for size in (30_000, 60_000))
    assert whole < 3 * half + 0.1


@given(
    st.sampled_from(HEADS),
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6),
    st.sampled_from(["", " "]),
    st.sampled_from(["", " from /a", ")" * 50]),
)
def test_repeated_words(head: str, words: list[str], between: str, tail: str) -> None:
    unit = between.join(words) + between
    assert seconds(repeated(head, unit, tail)) < LONGEST


@given(texts(), st.sampled_from(["; ", " ", ", ", " and ", " join "]))
def test_repeated_texts_of_the_grammar(text: str, between: str) -> None:
    try:
        unit = text + between
        unit.encode()
    except UnicodeEncodeError:
        return
    assert seconds(repeated("", unit)) < LONGEST

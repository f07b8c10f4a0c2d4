"""Any text either plans or is refused, with problems that can be shown, and in no time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import Code, QueryRefused
from apiql.ir import explain
from apiql.runtime.decode import to_json
from tests.properties.engines import ENGINE
from tests.properties.grammar_texts import LARK, broken_texts, texts

LONGEST = 1.0
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)


def plans_or_refuses(text: str) -> None:
    """A text plans or is refused as designed; all else is a fault."""
    start = time.thread_time()
    refused = refusal(text)
    assert time.thread_time() - start < LONGEST
    if refused is None:
        return
    assert refused.status in (400, 403, 422)
    assert refused.problems
    for problem in refused.problems:
        assert problem.code is not Code.INTERNAL
        assert all(place.line >= 1 and place.column >= 1 for place in problem.locations)
        if is_unicode(text):
            to_json(problem.entry())


def refusal(text: str) -> QueryRefused | None:
    """Why a text is refused; one that plans is explained in every form."""
    try:
        plan = ENGINE.plan(text)
    except QueryRefused as refused:
        return refused
    for form in (explain.as_text, explain.as_tree, explain.as_mermaid):
        assert form(plan)
    to_json(explain.as_json(plan))
    return None


def is_unicode(text: str) -> bool:
    """Whether a text has no half surrogate pairs (no request can carry one)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(texts())
def test_texts_of_the_grammar_are_read_by_it(text: str) -> None:
    LARK.parse(text)


@given(texts())
def test_texts_of_the_grammar(text: str) -> None:
    plans_or_refuses(text)


@given(broken_texts())
def test_texts_that_are_nearly_right(text: str) -> None:
    plans_or_refuses(text)


@given(ANYTHING)
def test_any_text(text: str) -> None:
    plans_or_refuses(text)


@given(ANYTHING)
def test_any_text_behind_a_select(text: str) -> None:
    plans_or_refuses(f"select * from /a where x = {text}")
    plans_or_refuses(f"select {text} from /a")
    if is_unicode(text):
        plans_or_refuses(f"select * from /{text}")
    plans_or_refuses(f"select * from http://{text}")


def test_half_a_surrogate_pair_in_a_path() -> None:
    plans_or_refuses("select * from /\ud800")


HEAVY = ["(", "[", "{", '{"a":', "not ", "-", "a.", "a[", "select * from /a;", "'", '"\\', "/*",
         "--\n", "a,", "*,", "md5(", "$a ", "1", "\u0301", "join ", "set a as /a;",
         "a or ", "/* ", "x; /* ", 'x; "\\" ']  # fmt: skip


@pytest.mark.parametrize("unit", HEAVY)
@pytest.mark.parametrize("before", ["", "select * from /a where x = ", "select "])
def test_repetition_costs_little(before: str, unit: str) -> None:
    plans_or_refuses(before + unit * ((60_000 - len(before)) // len(unit)))

"""Habits of other languages: each clue can be told, is told by a golden case, and costs little."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from time import process_time

import pytest

from apiql.frontends.text.clues import CLUES, SEEN, Clue

CASES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "cases").glob("*.md"))
)
HOSTILE = (
    "a" * SEEN,
    "a " * SEEN,
    "'" * SEEN,
    "a.b" * SEEN,
    "{" * SEEN,
    "set $a = " * SEEN,
    "1,-" * SEEN,
)


@pytest.mark.parametrize("clue", CLUES, ids=lambda clue: clue.hint[:40])
def test_a_clue_can_be_told(clue: Clue) -> None:
    groups = {*clue.before.groupindex, *clue.here.groupindex}
    assert {name for _, name, _, _ in Formatter().parse(clue.hint) if name is not None} <= groups


@pytest.mark.parametrize("clue", CLUES, ids=lambda clue: clue.hint[:40])
def test_a_clue_is_told_by_a_case(clue: Clue) -> None:
    """With whatever stands in its places."""
    parts = [re.escape(text) + (".*" if name is not None else "")
             for text, name, _, _ in Formatter().parse(clue.hint)]  # fmt: skip
    assert re.search("^" + "".join(parts) + "$", CASES, re.MULTILINE)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_clues_cost_little(text: str) -> None:
    began = process_time()
    for clue in CLUES:
        clue.here.match(text[:SEEN])
        clue.before.search(text[-SEEN:])
    assert process_time() - began < 0.5

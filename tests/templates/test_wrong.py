"""What is wrong with templates is told all at once, with place, expectation and suggestion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.documents.schema_text import GRAMMAR, changed
from apiql.frontends.call_templates.schemas import NAME, main, schemas
from apiql.grammar_files import grammar_text
from tests.definitions.json_schema import is_valid
from tests.harness.case_file import FENCE
from tests.templates.loading import load_text

WRONG = Path(__file__).with_name("wrong.md")


def cases() -> dict[str, dict[str, str]]:
    """The blocks of each heading, by their words."""
    found: dict[str, dict[str, str]] = {}
    word, lines, title = "", list[str](), ""
    for line in WRONG.read_text("utf-8").split("\n"):
        fence = FENCE.fullmatch(line)
        if line.startswith("## ") and not word:
            title = line[3:]
            found[title] = {}
        elif fence and word:
            found[title][word], word = "\n".join(lines), ""
        elif fence:
            word, lines = fence[2], []
        else:
            lines.append(line)
    return found


CASES = cases()


@pytest.mark.parametrize("title", CASES)
def test_what_is_wrong(title: str) -> None:
    case = CASES[title]
    found = load_text(case["json"], "t", case.get("toml", ""))
    told = [str(each) for each in found.problems] + [f"warning {each}" for each in found.warnings]
    assert "\n".join(told) == case["text"]
    assert found.problems or found.found


KEYS = st.sampled_from(
    ["Output", "Resources", "Url", "Method", "Input", "Header", "Timeout", "Arguments", "a", "b"]
)
TEXTS = st.sampled_from(
    ["<<a.b>>", "<<b>>", "/a?x=<<b.c>>", "GET", "<<a..b>>", "http://x.test/<<a>>", "{a}", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
RESOURCES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    VALUES | st.fixed_dictionaries({"Url": TEXTS | VALUES}, optional={
        "Input": VALUES, "Header": st.dictionaries(st.text(max_size=4), TEXTS | VALUES),
        "Method": VALUES, "Timeout": VALUES,
    }),
)  # fmt: skip
TEMPLATES = st.fixed_dictionaries(
    {"Output": VALUES | st.dictionaries(KEYS, VALUES), "Resources": VALUES | RESOURCES},
    optional={"Arguments": VALUES | st.lists(TEXTS)},
)


@given(TEMPLATES | VALUES)
def test_any_json_is_templates_or_has_problems(value: Any) -> None:
    found = load_text(json.dumps(value))
    assert bool(found.problems) or bool(found.found) or value == {"$schema": ""}
    for each in (*found.problems, *found.warnings):
        (place,) = each.problem.locations
        assert place.line == 1
        assert each.problem.message.startswith("$") or "limit" in each.problem.message


def test_the_schema_that_is_shipped_is_that_of_the_models() -> None:
    assert list(changed(GRAMMAR, schemas())) == [], "run: make schemas"
    assert main([]) == 0
    assert grammar_text(NAME) == schemas()[NAME]


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ({"Output": {}}, True),
        ({"a": {"Output": {"x": 1}}, "$schema": "x"}, True),
        ({"Output": {}, "Resources": {"a": {"Url": "/a", "Timeout": 1}}}, True),
        ({"Output": {}, "Resources": {"a": {"Url": "/a", "Header": {"X": 1}}}}, False),
        ({"Output": {}, "Resources": {"a": {}}}, False),
        ({"Output": []}, False),
        ({"Output": {}, "More": 1}, False),
        ({"a": {"Resources": {}}}, False),
    ],
)
def test_what_the_schema_accepts_is_what_is_loaded(value: Any, right: bool) -> None:
    assert is_valid(value, json.loads(schemas()[NAME])) == right
    assert bool(load_text(json.dumps(value)).found) == right

"""Configurations of gateways with anything anywhere: they are read, or told to be wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apiql.frontends.endpoints.folder import read_gateway
from apiql.frontends.endpoints.problems import Severity
from tests.endpoints.reading import DATA, VALUES

MODIFIERS = {
    "header": [{"context": "REQUEST", "action": "SET", "key": "X-A", "value": "#request.body.a"}],
    "param": [{"context": "REQUEST", "action": "REN", "key": "key", "value": "id"}],
    "query": [{"context": "RESPONSE", "action": "DEL", "key": "q"}],
    "body": [{"context": "RESPONSE", "action": "ADD", "key": "a.#(b==1).c", "value": "$NONE"}],
}
SEED: dict[str, Any] = json.loads(
    (DATA / "configs" / "readme_8efe98b_full_example.json").read_text("utf-8")
)
SEED["endpoints"][0]["backends"].append(
    {"hosts": ["http://a.test"], "path": "/", "method": "GET", "modifiers": MODIFIERS}
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 700) | st.text("a/:$#.1sM", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("apt", max_size=3), inner),
    max_leaves=4,
)


def ways(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all parts of a value."""
    found = [way] if way else []
    match value:
        case dict():
            keys = list(value)
        case list():
            keys = list(range(len(value)))
        case _:
            keys = []
    return found + [inner for key in keys for inner in ways(value[key], (*way, key))]


WAYS = ways(SEED)


@st.composite
def mistaken(draw: st.DrawFn) -> Any:
    """The seed with some of its parts left out, renamed, or something else."""
    config: Any = copy.deepcopy(SEED)
    for way in draw(st.lists(st.sampled_from(WAYS), min_size=1, max_size=4)):
        around: Any = config
        for key in way[:-1]:
            inside = isinstance(around, list) and isinstance(key, int) and key < len(around)
            around = around[key] if inside or (isinstance(around, dict) and key in around) else {}
        if isinstance(around, dict):
            old = around.pop(way[-1], None)
            name = draw(st.sampled_from([way[-1], f"{way[-1]}s", "", None]))
            if isinstance(name, str):
                around[name] = draw(st.just(old) | anything)
        elif isinstance(around, list) and around:
            around[-1] = draw(anything)
    return config


@given(mistaken(), st.booleans())
def test_a_mistaken_configuration_is_told_or_served(config: Any, with_values: bool) -> None:
    text = json.dumps(config, indent=1)
    found, problems = read_gateway(text, "f", VALUES if with_values else {})
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert (found is None) == bool(errors)
    lines = text.count("\n") + 1
    assert all(problem.at is None or 1 <= problem.at.line <= lines for problem in problems)
    assert all(str(problem) for problem in problems)


@given(st.text('{}[]":,$aA1\\ \n', max_size=40))
def test_any_text_is_told_or_served(text: str) -> None:
    found, problems = read_gateway(text, "f", {"A": '"', "a": "[1,\n", "AA": "{}"})
    assert found is None
    assert problems

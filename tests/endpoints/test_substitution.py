"""`$NAME` in texts, and places that stay those of the text as written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.errors import Location
from apiql.frontends.endpoints.problems import EndpointProblem
from apiql.frontends.endpoints.source import source_of, spot_of
from apiql.frontends.endpoints.substitution import substituted

VALUES = {"A": "1", "AB": "two", "EMPTY": "", "LINES": "x\ny", "SELF": "$A", "Ä": "no"}


def test_names_become_values() -> None:
    made = substituted("$A $AB $ABC $EMPTY $NONE $LINES a$A. $SELF $Ä $", VALUES)
    assert made.text == "1 two $ABC $EMPTY $NONE x\ny a1. $A $Ä $"


def test_a_value_stands_outside_of_texts_too() -> None:
    source = source_of('{"port": $A, "list": [$A,$A]}', "f", VALUES)
    assert not isinstance(source, EndpointProblem)
    assert spot_of(source.root, ("port",)).value == 1


def test_places_are_those_of_the_text_as_written() -> None:
    text = '{"a": "$LONG",\n "b": ["$A", {"c": $LINES}], "d": 0}'
    source = source_of(text, "f", {"LONG": "x" * 50, "A": "", "LINES": "[\n\n1,\n2]"})
    assert not isinstance(source, EndpointProblem)

    def place(*keys: str | int) -> Location:
        return source.place(spot_of(source.root, keys).at)

    assert place("a") == Location(1, 7)
    assert place("b", 0) == Location(2, 8)
    assert place("b", 1, "c") == place("b", 1, "c", 1) == Location(2, 20)
    assert place("d") == Location(2, 35)


def test_broken_json_is_told_where_it_is_written() -> None:
    problem = source_of('{"a": "$LONG", "b" 1}', "f", {"LONG": "x" * 50})
    assert isinstance(problem, EndpointProblem)
    assert problem.at == Location(1, 20)


@pytest.mark.parametrize(
    ("text", "wrong", "expected"),
    [
        ('{"a": $S}', "this is no JSON", "a value: an object"),
        ('{"a": x$S}', "this is no JSON", "a value: an object"),
        ('{"$S" 1}', 'this is no JSON: found "1"', None),
        ('{"a" $S}', "this is no JSON", 'a colon behind "a"'),
        ('{"a": 1} $S', "this is no JSON", "the end of the file"),
        ('{"a": "\\$S"}', "this is no JSON", "one of"),
    ],
)
def test_broken_json_shows_no_value_of_the_environment(
    text: str, wrong: str, expected: str | None
) -> None:
    problem = source_of(text, "f", {"S": "hunter2"})
    assert isinstance(problem, EndpointProblem)
    assert problem.wrong == wrong
    assert (problem.expected or "").startswith(expected or "")
    assert (problem.expected is None) == (expected is None)


@given(st.lists(st.sampled_from([*'{}[]":,1\\ x', "$S"]), max_size=12))
def test_whatever_is_broken_shows_none(parts: list[str]) -> None:
    problem = source_of("".join(parts), "f", {"S": "hunter2"})
    assert not isinstance(problem, EndpointProblem) or "hunter" not in str(problem)


def test_half_a_letter_is_refused() -> None:
    assert isinstance(source_of('{"a": "\\ud800"}', "f", {}), EndpointProblem)
    assert isinstance(source_of("\ufeff{}", "f", {}), EndpointProblem)


@given(st.lists(st.sampled_from(["$A", "$AB", "$LINES", "$NONE", "x", "\n", " "]), max_size=20))
def test_every_letter_comes_from_where_it_was_written(parts: list[str]) -> None:
    text = "".join(parts)
    made = substituted(text, VALUES)
    origins = [made.origin(at) for at in range(len(made.text) + 1)]
    assert origins == sorted(origins)
    assert origins[-1] == len(text)
    for at, origin in zip(range(len(made.text)), origins, strict=False):
        assert made.text[at] == text[origin] or text[origin] == "$"

"""Queries of paths: where they end, what their operator is, what they compare."""

from __future__ import annotations

import pytest

from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import NoPath, Query, path_of

BODY = {
    "l": [
        {"n": "a)b", "v": 1},
        {"n": 'c"d', "v": 2, "in": [{"k": "]"}, {"k": "x"}]},
        {"n": "e==f", "v": 3, "a>b": 5},
    ]
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ('l.#(n=="a)b").v', 1),
        (r'l.#(n=="c\"d").v', 2),
        ('l.#(n=="e==f").v', 3),
        ("l.#(n=e==f).v", 3),
        (r"l.#(a\>b==5).v", 3),
        ('l.#(in.#(k=="]")).v', 2),
        ('l.#(in.#(k="x").k=="x").v', 2),
        ('l.#(n%"c*").v', 2),
        ('l.#(n!%"c*")#.v', [1, 3]),
        ("l.#(v>=2)#.v", [2, 3]),
        ("l.#( v > 2 ).v", 3),
        ("l.#[v=2].v", 2),
        ("l.#(v=2)#|#", 1),
    ],
)
def test_what_a_query_finds(path: str, found: object) -> None:
    assert finder(path_of(path))(BODY) == found


@pytest.mark.parametrize(
    ("path", "wrong", "at"),
    [
        ("l.#(v==1)x", "a dot goes behind a query", 9),
        ("l.#(v==1", "a bracket is not closed", 3),
        ('l.#(v=="1)', "a bracket is not closed", 3),
        ("l.#(v[1)", "a bracket is not closed", 3),
        ("l.#(a..b==1)", "a step of the path is empty", 6),
        ("l.#(#(a..b))", "a step of the path is empty", 8),
    ],
)
def test_what_is_no_query_is_told_with_its_place(path: str, wrong: str, at: int) -> None:
    with pytest.raises(NoPath) as refused:
        path_of(path)
    assert (refused.value.wrong, refused.value.at) == (wrong, at)


def test_one_sign_is_equal_too() -> None:
    (step,) = path_of("#(a=1)").steps
    assert isinstance(step, Query)
    assert (step.operator, step.operand, step.is_all) == ("==", "1", False)

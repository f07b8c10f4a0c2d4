"""When a warning tells of fields named as columns are: only where it is certain, and cheaply."""

from __future__ import annotations

import pytest

from apiql.errors import Code
from tests.harness.case_file import read_cases
from tests.harness.run_case import actual_blocks

FENCE = "```"


def codes_of(query: str, body: str) -> list[str]:
    """The codes that are told beside the answer of `/a`."""
    return told(query, f"GET /a -> 200 {body}")


def told(query: str, *answers: str) -> list[str]:
    """The codes that are told beside these answers."""
    parts = [("apiql", query), ("upstream", "\n".join(answers)), ("json", "{}")]
    blocks = "\n\n".join(f"{FENCE}{word}\n{text}\n{FENCE}" for word, text in parts)
    (case,) = read_cases(f"# Title\n\n## The case\n\n{blocks}\n")
    answer = actual_blocks(case)["json"]
    return [code.value for code in Code if f'"{code.value}"' in answer]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("select u.name from /a as u", '{"name": 1}'),
        ("select u.name from /a as u", '{"name": "u"}'),
        ("select u.name from /a as u", '{"v": {"uu": 1}, "Name": 2}'),
        ("select *, (u.name) from /a as u", '[{"name": 1}]'),
        ("select u.name as n from /a as u", '{"name": 1}'),
        ("select upper(u.name) as n from /a as u", '{"name": "x"}'),
        ("select 名.x from /a as 名", '{"x": 1}'),
        ("select id from /a as u order by u.id", '[{"id": 1}]'),
        ("select count(u.id) as n from /a as u group by ()", '[{"id": 1}]'),
        ("select u.id from /a as u rows items", '{"items": [[{"id": 1}]]}'),
        ("select a - b as m from /a having m > 3", '[{"a": 1, "b": 2}]'),
        ("select a - b as m, m * 2 as n from /a", '{"a": 1, "b": 2}'),
        ("select a.b as m from /a having length(m) > 3", '[{"a": {"b": "x"}}]'),
        ("select u.id from /a as u rows items.more", '{"items": [{}, {"more": {"i_d": 1}}]}'),
    ],
)
def test_it_tells(query: str, body: str) -> None:
    assert codes_of(query, body) == ["UNKNOWN_NAME"]


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("select u.name from /a as u", '{"u": {"name": 1}}'),
        ("select u.name from /a as u", '{"u" : null}'),
        ("select u.name from /a as u", '[{"name": 1}, {"u": 1}]'),
        ("select u.name from /a as u", '{"v": [{"u": {}}]}'),
        ("select u.name from /a as u", "[]"),
        ("select u.name from /a as u", "null"),
        ("select u from /a as u", '{"name": 1}'),
        ("select a - b as m from /a having m > 3", '[{"a": 1, "b": 2, "m": 0}]'),
        ("select a - b as m from /a order by m", '[{"a": 1, "b": 2}]'),
        ("select coalesce(m, 1) as m from /a having m is null", '[{"a": 1}]'),
        ("select m + 1 as m from /a", '{"a": 1}'),
        ("select a, count(*) as m from /a group by a having m > 0", '[{"a": 1}]'),
        ("select u.name from /a as u", '{"id": 1}'),
        ("select u.id from /a as u rows items", '{"items": [], "total": 0}'),
        ("select u.id from /a as u rows items", '{"items": [1, [2]], "total": 0}'),
        ("select u[0] as v from /a as u", '{"name": 1}'),
        ("select 名.x from /a as 名", '{"\\u540d": {"x": 1}, "x": 2}'),
        ("select u.name from /a as u", '{"name": "' + "x" * 256 * 1024 + '"}'),
    ],
)
def test_it_is_silent(query: str, body: str) -> None:
    assert codes_of(query, body) == []


@pytest.mark.parametrize("bodies", [('{"u": {}}', '{"name": 1}'), ('{"name": 1}', '{"u": {}}')])
def test_one_answer_of_a_fan_out_that_has_the_name_is_enough(bodies: tuple[str, str]) -> None:
    answers = [f"GET /a/{number} -> 200 {body}" for number, body in enumerate(bodies, 1)]
    query = "select u.name from /a/{id} as u where id in [1, 2]"
    assert told(query, *answers) == []
    assert told(query, *(answer.replace('"u"', '"v"') for answer in answers)) == ["UNKNOWN_NAME"]


def test_an_answer_that_failed_has_no_rows() -> None:
    assert told("select u.name from /a as u", 'GET /a -> 500 {"name": 1}') == ["UPSTREAM_STATUS"]

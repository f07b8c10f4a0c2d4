"""A rights file: what it may say, and every way in which it can be wrong, with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiql.access.right_document import NESTING, read_right
from apiql.access.rights import Right, Word
from apiql.errors import Location
from apiql.ir.reach import Kind

S = frozenset[str]
GOOD: tuple[tuple[str, Right], ...] = (
    ('{"type": "source", "right": "public"}', Right(Word.PUBLIC)),
    ('{"type": "source", "right": "internal"}', Right(Word.INTERNAL)),
    ('{"Type": "source", "RIGHT": "known"}', Right(Word.KNOWN)),
    ('{"type": "source", "right": "blacklist", "list": [{"user": "003"}]}',
     Right(Word.BLACKLIST, S({"003"}))),
    ('{"type": "source", "right": "whitelist", "list": []}', Right(Word.WHITELIST)),
    ('\n{"list": [{"user": "a"}, {"scope": "b"}, {"User": "\\u7f8e"}],\t"type": "source",'
     ' "right": "whitelist"} ', Right(Word.WHITELIST, S({"a", "美"}), S({"b"}))),
)  # fmt: skip


@pytest.mark.parametrize(("text", "right"), GOOD)
def test_what_a_file_says(text: str, right: Right) -> None:
    assert read_right(text, Kind.SOURCE) == right


BAD = """
{"type": "source", "right": "open"}                      | 1:29 $.right: "open" is no right
{"type": "source", "right": "Public"}                    | 1:29 $.right: "Public" is no right
{"type": "source", "right": ["public"]}                  | 1:29 $.right: a list is no right
{"type": "source", "right": null}                        | 1:29 $.right: null is no right
{"type": "source"}                                       | 1:1 $: the member right is missing
{"right": "public"}                                      | 1:1 $: the member type is missing
{"type": "flow", "right": "public"}                      | 1:10 $.type: found "flow", but the file
{"type": 7, "right": "public"}                           | 1:10 $.type: found 7, but the file
{"type": "source", "rigth": "public", "right": "public"} | 1:20 $.rigth: there is no such member
{"type": "source", "right": "public", "Right": "public"} | 1:39 $.Right: this member stands twice
{"type": "source", "right": "whitelist"}                 | 1:1 $: the member list is missing
{"type": "source", "right": "blacklist", "list": []}     | 1:50 $.list: this list keeps nobody out
{"type": "source", "right": "public", "list": []}        | 1:47 $.list: a list says nothing
{"type": "source", "right": "whitelist", "list": {}}     | 1:50 $.list: expected a list, found an
{"type": "source", "right": "whitelist", "list": "a"}    | 1:50 $.list: expected a list, found "a"
{"type": "source", "right": "whitelist", "list": ["a"]}  | 1:51 $.list[0]: expected an object
{"type": "source", "right": "whitelist", "list": [{}]}   | 1:51 $.list[0]: an entry names a user
{"type": "source", "right": "whitelist", "list": [{"user": ""}]} | 1:60 $.list[0].user: found ""
{"type": "source", "right": "whitelist", "list": [{"user": 3}]}  | 1:60 $.list[0].user: found 3
{"type": "source", "right": "whitelist", "list": [{"name": "a"}]} | 1:52 $.list[0].name: there is
[]                                                       | 1:1 $: expected an object, found a list
                                                         | 1:1 this is no JSON: found the end
{"type": "source", "right": "public"} x                  | 1:39 this is no JSON: "x" stands
{"type": "source", "right": "public",}                   | 1:38 this is no JSON: a comma too many
{"type": "source" "right": "public"}                     | 1:19 this is no JSON: found '"'
{"type": "source, "right": "public"}                     | 1:20 this is no JSON: found "right"
{"type": 'source'}                                       | 1:10 this is no JSON: found "'"
{"type": "\\q"}                                          | 1:11 this is no JSON: "\\q" is no escape
{type: "source"}                                         | 1:2 this is no JSON: found "type"
"""


@pytest.mark.parametrize("line", BAD.strip("\n").splitlines())
def test_what_a_file_may_not_say(line: str) -> None:
    text, _, expected = line.partition("|")
    found = read_right(text.strip(), Kind.SOURCE)
    assert isinstance(found, tuple)
    told = [f"{p.locations[0].line}:{p.locations[0].column} {p.message}" for p in found]
    assert any(each.startswith(expected.strip()) for each in told), told


def hints(text: str) -> list[str | None]:
    found = read_right(text, Kind.SOURCE)
    assert isinstance(found, tuple)
    return [problem.hint for problem in found]


def test_a_problem_names_what_was_meant() -> None:
    assert hints('{"type": "source", "right": "Public"}') == ["did you mean public?"]
    assert hints('{"type": "source", "right": "whitlist", "list": []}') == [
        "did you mean whitelist?"
    ]
    both = '{"tpye": 1, "type": "source", "right": "whitelist", "list": [{"usr": "a"}]}'
    assert hints(both)[:2] == ["did you mean type?", "did you mean user?"]


def test_all_problems_of_a_file_at_once() -> None:
    text = '{"type": "flow",\n "rigth": 1,\n "list": [{"user": 1}, {"user": "a", "scope": "b"}]}'
    found = read_right(text, Kind.SOURCE)
    assert isinstance(found, tuple)
    assert {problem.locations[0] for problem in found} == {
        Location(1, 10), Location(2, 2), Location(1, 1), Location(3, 20), Location(3, 24),
    }  # fmt: skip


@pytest.mark.parametrize("inside", ["", "1"])
def test_what_is_nested_too_deep_is_refused(inside: str) -> None:
    def told(depth: int) -> str:
        found = read_right("[" * depth + inside + "]" * depth, Kind.SOURCE)
        assert isinstance(found, tuple)
        return found[0].message

    assert told(NESTING) == "$: expected an object, found a list"
    assert told(NESTING + 1) == "this is no JSON: the brackets nest too deeply"
    assert told(100_000) == told(NESTING + 1)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(VALUES)
def test_any_json_is_a_right_or_a_designed_problem(value: Any) -> None:
    for shown in (value, {"type": "source", "right": value, "list": value}):
        text = json.dumps(shown)
        found = read_right(text, Kind.SOURCE)
        assert isinstance(found, tuple)
        assert all(str(problem).encode() for problem in found)

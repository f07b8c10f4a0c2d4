"""The table of wrong configurations: every block of wrong.md, and all that is told about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiql.frontends.endpoints.folder import read_gateway
from apiql.frontends.endpoints.reading import MOST_PROBLEMS
from tests.doc_blocks import Block
from tests.told_below import Told


def told(block: Block) -> str:
    """All problems of a block's text, one below the other."""
    values = dict(word.split("=", 1) for word in block.words[1:])
    gateway, problems = read_gateway(block.body, "dev/.json", values)
    served = gateway is not None
    assert served == all(problem.severity == "warning" for problem in problems)
    return "".join(f"{problem}\n" for problem in problems)


TABLE = Told(Path(__file__).with_name("wrong.md"), told)
BLOCKS = TABLE.wrong


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_all_that_is_wrong_is_told(block: Block, request: pytest.FixtureRequest) -> None:
    TABLE.check(block, request)


def test_a_file_with_very_much_wrong_is_not_listed_to_its_end() -> None:
    text = f'{{"port": 1, "endpoints": [{", ".join(["{}"] * 100)}]}}'
    _, problems = read_gateway(text, "f", {})
    told = [problem for problem in problems if problem.at is None]
    assert len(problems) == MOST_PROBLEMS + 1
    assert [problem.wrong for problem in told] == [
        f"there is more wrong with this file than the {MOST_PROBLEMS} problems listed"
    ]


def test_no_value_of_the_environment_is_told() -> None:
    assert BLOCKS
    assert not [block for block in TABLE.told if "hunter2" in block.body]


SECRET = "Hunter2-is-it"
GATEWAY = """{"port": 1, "endpoints": [{"path": "/a", "method": "GET", "backends": [{
  "hosts": ["http://a.test"], "path": "/a", "method": "GET", "modifiers": {"header": [
    {"context": "REQUEST", "action": "SET", "key": "x-$A", "value": "1"},
    {"context": "REQUEST", "action": "SET", "key": "$A y", "value": "1"}
  ]}}]}], "$A": 1}"""


def test_no_value_of_the_environment_is_told_where_it_is_part_of_a_name() -> None:
    _, problems = read_gateway(GATEWAY, "f", {"A": SECRET})
    told = "".join(map(str, problems))
    assert SECRET.lower() not in told.lower()
    assert 'key: "x-$A" is another field than X-$A: names' in told
    assert '"$A y" is no name of a header field' in told
    assert '$["$A"]: there is no such member' in told or "$.$A: there is no such member" in told


@pytest.mark.parametrize("value", ["s", "modifiers"])
def test_words_are_told_whatever_the_environment_holds(value: str) -> None:
    _, problems = read_gateway(GATEWAY.replace('"$A": 1', '"modifierz": "$A"'), "f", {"A": value})
    assert "$.modifierz: there is no such member" in "".join(map(str, problems))
    assert "$.endpoints[0].backends[0].modifiers.header[1].key" in "".join(map(str, problems))

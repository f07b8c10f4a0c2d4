"""The table of wrong configurations: every block of wrong.md, and all that is told about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    assert '$["$A"]: there is no such member' in told


@pytest.mark.parametrize("value", ["s", "ere", "modifiers"])
def test_words_are_told_whatever_the_environment_holds(value: str) -> None:
    _, problems = read_gateway(GATEWAY.replace('"$A": 1', '"modifierz": "$A"'), "f", {"A": value})
    assert "$.modifierz: there is no such member" in "".join(map(str, problems))
    assert "$.endpoints[0].backends[0].modifiers.header[1].key" in "".join(map(str, problems))


def test_the_longest_value_is_the_one_that_is_meant() -> None:
    text = GATEWAY.replace('"$A": 1', '"$B": "$A"')
    _, problems = read_gateway(text, "f", {"A": SECRET[:7], "B": SECRET})
    assert '$["$B"]: there is no such member' in "".join(map(str, problems))


def told_of(backend: dict[str, Any], endpoint: dict[str, Any], value: str = "") -> str:
    """All that is wrong with an endpoint of one backend; `$A` stands bare, as a value may."""
    call = {"hosts": ["http://a.test"], "path": "/a", "method": "GET"} | backend
    written = {"path": "/a", "method": "GET", "backends": [call]} | endpoint
    text = json.dumps({"port": 1, "endpoints": [written]}).replace('"$A"', "$A")
    return "".join(f"{problem}\n" for problem in read_gateway(text, "f", {"A": value})[1])


def test_what_the_environment_made_is_told_by_its_name() -> None:
    for value in ('{"a": 1}', "[1]", '"x"'):
        assert ".timeout: found $A\n" in told_of({}, {"timeout": "$A"}, value)


def test_the_list_is_called_as_its_author_does() -> None:
    for name in ("beforeware", "beforewares", "afterware"):
        assert f"$.endpoints[0].{name}[0]: found 1\n" in told_of({}, {name: [1]})


def test_the_rest_of_what_is_wrong_is_looked_at_too() -> None:
    """Beside hosts that are none a modifier; beside a broken modifier no place that it makes."""
    key = {"context": "REQUEST", "action": "SET", "key": ":x", "value": "1"}
    found = told_of({"hosts": 1, "modifiers": {"param": [key]}}, {})
    assert ".hosts: found 1\n" in found
    assert '":x" is no name of a parameter' in found
    broken = {"action": "SET", "key": "x", "value": "1"}
    found = told_of({"path": "/:x", "modifiers": {"param": [broken]}}, {})
    assert '"context" is missing' in found
    assert "is no parameter of" not in found

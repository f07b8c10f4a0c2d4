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

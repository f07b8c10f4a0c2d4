"""The table of wrong definitions: every block of wrong.md, and all that is told about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.definitions.reading import read
from tests.doc_blocks import Block
from tests.told_below import Told


def told(block: Block) -> str:
    """All problems of a block's text, one below the other."""
    document, problems = read(block.body, *block.words[1:])
    served = document is not None
    assert served == all(problem.severity == "warning" for problem in problems)
    return "".join(f"{problem}\n" for problem in problems)


TABLE = Told(Path(__file__).with_name("wrong.md"), told)
BLOCKS = TABLE.wrong


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_all_that_is_wrong_is_told(block: Block, request: pytest.FixtureRequest) -> None:
    TABLE.check(block, request)


def test_no_private_value_is_told() -> None:
    assert not [block for block in TABLE.told if re.search("s3cret|12345", block.body)]

"""Tables of what is wrong: a block of JSON, and below it a block of all that is told about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doc_blocks import Block, blocks_of


@dataclass(frozen=True, slots=True)
class Told:
    """A table, and what tells all that is wrong with a block of it, a line for each problem."""

    file: Path
    tell: Callable[[Block], str]

    @property
    def wrong(self) -> list[Block]:
        """The blocks of JSON."""
        return [block for block in blocks_of(self.file) if block.kind == "json"]

    @property
    def told(self) -> list[Block]:
        """The blocks of what is told."""
        return [block for block in blocks_of(self.file) if block.kind == "text"]

    def check(self, block: Block, request: pytest.FixtureRequest) -> None:
        """That what is told stands below a block; with --update it is put there."""
        if request.config.getoption("--update"):
            self._rewrite(block)
            return
        below = next((other for other in self.told if block.touches(other)), None)
        assert below is not None, "the block has no text below it"
        assert self.tell(block) == below.body

    def _rewrite(self, block: Block) -> None:
        """Puts what is told below the block in the file as it is now."""
        text = self.file.read_text("utf-8")
        head = f"```{' '.join(block.words)}\n{block.body}```\n"
        below = re.compile(re.escape(head) + r"(\n```text\n.*?^```\n)?", re.S | re.M)
        found = f"{head}\n```text\n{self.tell(block)}```\n"
        assert below.search(text)
        self.file.write_text(below.sub(lambda _: found, text, count=1), "utf-8")

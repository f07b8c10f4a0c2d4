"""The fenced blocks of a Markdown page. Knows nothing of what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\|(.+)\|[ \t]*$", re.MULTILINE)
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words after its fence, its text, where it stands."""

    page: str
    line: int
    words: tuple[str, ...]
    body: str

    @property
    def kind(self) -> str:
        """The first word: apiql, json, toml, sh, text…"""
        return self.words[0] if self.words else ""

    def touches(self, other: Block) -> bool:
        """Whether the other stands right below, or with one line between."""
        return other.line - self.line - self.body.count("\n") in (2, 3)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Example:
    """A query with what is sent with it and what shall come of it."""

    query: Block
    params: Block | None
    answer: Block | None

    def __str__(self) -> str:
        return str(self.query)


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.name, text.count("\n", 0, found.start()) + 1,
              tuple(found["info"].split()), found["body"])
        for found in FENCE.finditer(text)
    ]  # fmt: skip


def examples_of(blocks: list[Block]) -> Iterator[Example]:
    """Each apiql block; what stands next to it, with one line between at most, belongs to it:
    `json params` before it, `json` or `text` after it.
    """
    for at, block in enumerate(blocks):
        if block.kind == "apiql":
            before, after = blocks[max(at - 1, 0) : at], blocks[at + 1 : at + 2]
            params = [b for b in before if b.words == ("json", "params") and b.touches(block)]
            told = [b for b in after if b.words in (("json",), ("text",)) and block.touches(b)]
            yield Example(block, *params or (None,), *told or (None,))


def rows_of(page: Path) -> list[list[str]]:
    """The rows of all tables of a page, without heads and rules; cells are stripped."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    rows = [[cell.strip().replace("\\|", "|") for cell in CELL.split(found[1])]
            for found in ROW.finditer(text)]  # fmt: skip
    rules = {i for i, row in enumerate(rows) if all(set(cell) <= set("-: ") for cell in row)}
    return [row for i, row in enumerate(rows) if i not in rules and i + 1 not in rules]

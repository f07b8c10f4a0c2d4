"""Markdown <-> golden cases: a `##` heading is a case, its fenced blocks are what it is made of.

Prose is for readers. Every block is optional but the request, `apiql` or `call`:

    apiql query/<name>          a stored query, `query/shop/cart@2`
    json template/<name>        a file of call templates, `template/shop/cart`
    call                        the name of a call template; its arguments are the params
    params                      JSON, the parameters of the request
    headers, cookies            of the caller, `Name: value` and `name=value`
    settings                    TOML, what the engine is configured with
    again                       the request is made again, a line for each time: what has passed
                                before it (`30s`, `500ms`); the answer is the last one's
    upstream                    the scripted exchanges (script.py)
    plan, mermaid               what `explain` shows
    waves                       the calls that were in flight together, a line each time some end
    json, status                the answer and its HTTP status
    stream                      the answer in pieces, as JSON lines
    analysis, gantt             what `explain analyze` shows
    error                       why the query was refused
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

GIVEN = ("apiql", "call", "params", "headers", "cookies", "settings", "again", "upstream")
STORED = "apiql query/"
TEMPLATE = "json template/"
EXPECTED = (
    "plan", "mermaid", "waves", "status", "json", "stream", "analysis", "gantt", "error"
)  # fmt: skip
FENCE = re.compile(r"(`{3,})(.*)")


class CaseFault(Exception):
    """A case that is not written as it should be, or that did not end as it says."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its word, its text, and its content's lines in the file (from 0)."""

    word: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Case:
    """One case; `line` is where its heading stands (from 1), `end` the line behind its last."""

    heading: str
    line: int
    end: int
    blocks: dict[str, Block] = field(default_factory=dict)

    def text(self, word: str) -> str | None:
        """The text of a block, None where the case has none."""
        block = self.blocks.get(word)
        return None if block is None else block.text

    @property
    def stored(self) -> dict[str, str]:
        """The texts of its stored queries by their names."""
        found = {word: block.text for word, block in self.blocks.items()}
        return {w.removeprefix(STORED): t for w, t in found.items() if w.startswith(STORED)}

    @property
    def templates(self) -> dict[str, str]:
        """The texts of its call templates by their names."""
        found = {word: block.text for word, block in self.blocks.items()}
        return {w.removeprefix(TEMPLATE): t for w, t in found.items() if w.startswith(TEMPLATE)}


def read_cases(text: str) -> list[Case]:
    """The cases of a file, in its order.

    Raises:
        CaseFault: an unknown block, two of a kind, a case without a request, two of one name.
    """
    lines = text.split("\n")
    cases: list[Case] = []
    at = 0
    while at < len(lines):
        fence = FENCE.fullmatch(lines[at])
        if fence:
            block = _block(lines, at, fence[1], fence[2].strip())
            if cases:
                _place(block, cases[-1])
            at = block.end
        elif lines[at].startswith("## "):
            cases.append(Case(lines[at][3:].strip(), at + 1, len(lines)))
        at += 1
    return _checked(cases)


def rewritten(text: str, changes: Iterable[tuple[Case, str, str]]) -> str:
    """The file with blocks of cases replaced (or, where a case has none of the word, added)."""
    lines = text.split("\n")
    spots: list[tuple[int, int, list[str]]] = []
    for case, word, content in changes:
        found = content.removesuffix("\n").split("\n")
        block = case.blocks.get(word)
        if block is not None:
            spots.append((block.start, block.end, found))
            continue
        end = max(b.end for b in case.blocks.values()) + 1
        spots.append((end, end, ["", f"```{word}", *found, "```"]))
    for start, stop, found in sorted(spots, key=lambda spot: spot[0], reverse=True):
        lines[start:stop] = found
    return "\n".join(lines)


def _block(lines: list[str], at: int, marks: str, word: str) -> Block:
    start = at + 1
    for end in range(start, len(lines)):
        if lines[end].rstrip() == marks:
            return Block(word, "\n".join(lines[start:end]), start, end)
    raise CaseFault(f"line {start}: a block that is never closed")


def _place(block: Block, case: Case) -> None:
    if not block.word:
        return
    if block.word not in (*GIVEN, *EXPECTED) and not block.word.startswith((STORED, TEMPLATE)):
        raise CaseFault(f"line {block.start}: blocks are {', '.join((*GIVEN, *EXPECTED))}")
    if block.word in case.blocks:
        raise CaseFault(f"line {block.start}: a second block `{block.word}` in `{case.heading}`")
    case.blocks[block.word] = block


def _checked(cases: list[Case]) -> list[Case]:
    seen: set[str] = set()
    for case in cases:
        if case.blocks.keys().isdisjoint(("apiql", "call")):
            raise CaseFault(f"line {case.line}: `{case.heading}` has no request")
        if case.heading in seen:
            raise CaseFault(f"line {case.line}: a second case `{case.heading}`")
        seen.add(case.heading)
    return cases

"""How the demo looks: colours and progress on a terminal, plain lines in a pipe or file."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from apiql.demo.waterfall import Row, lines_of

COLUMNS = 96
COMMENT = r"--.*"
WORDS = (
    "select|from|where|join|set|as|and|post|after|hidden|optional|timeout|integer|explain"
)  # fmt: skip
KEYWORD = rf"\b(?:{WORDS})\b"
LITERAL = r"'[^']*'|\b\d+(?:ms|s)?\b"
VARIABLE = r"\$\w+"


def console() -> Console:
    """Standard output. NO_COLOR is minded; letters that its encoding lacks are escaped."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def show_title(out: Console, text: str, told: str) -> None:
    """A heading and the sentence below it."""
    out.print()
    out.print(Text(text, "bold"))
    out.print(Text(told, "dim"))


def show_part(out: Console, name: str, body: Text) -> None:
    """A named part, indented."""
    out.print()
    out.print(Text(name, "cyan"))
    for line in body.split("\n"):
        out.print(Text("  ") + line if line.plain else "")


def query_text(text: str) -> Text:
    """A query with its words coloured."""
    shown = Text(text)
    shown.highlight_regex(VARIABLE, "yellow")
    shown.highlight_regex(re.compile(KEYWORD, re.IGNORECASE), "blue")
    shown.highlight_regex(LITERAL, "green")
    shown.highlight_regex(COMMENT, "dim")
    return shown


def folded(text: str) -> str:
    """Indented JSON with each list or object that fits there on one line."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines.append(line)
        if line.strip(" ,") in ("]", "}"):
            _fold_last(lines)
    return "\n".join(lines)


def _fold_last(lines: list[str]) -> None:
    """Folds the list or object that the last line closes; it has an opening line of its own."""
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    first = len(lines) - 2
    while len(lines[first]) - len(lines[first].lstrip()) > indent:
        first -= 1
    inner = " ".join(line.strip() for line in lines[first + 1 : -1])
    line = lines[first] + inner + lines[-1].strip()
    if len(line) <= COLUMNS:
        lines[first:] = [line]


def json_text(text: str) -> Text:
    """JSON with its kinds of value coloured."""
    return JSONHighlighter()(Text(text))


def waterfall_text(rows: Sequence[Row]) -> Text:
    """The calls as bars: green what went well, yellow what may fail, red what failed."""
    scale, *lines = lines_of(rows)
    styled = [Text(scale, "dim")]
    styled += [Text(line, _style(row)) for line, row in zip(lines, rows, strict=True)]
    return Text("\n").join(styled)


def _style(row: Row) -> str:
    if row.well:
        return "green"
    return "yellow" if row.warning else "red"

"""Where each key and value stands in a TOML text that `tomllib` has already accepted.

`tomllib` gives values without places. The text is known to be well formed, so this only follows
its outline: tables, keys, strings, brackets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\r]+|\#[^\n]*)
    | (?P<newline>\n)
    | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*')
    | (?P<mark>[\[\]{},=.])
    | (?P<bare>[^\s\[\]{},=.\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the file; both numbers count from 1, columns in characters."""

    line: int
    column: int


@dataclass(slots=True)
class Places:
    """Where keys and values begin; a table's value is where its name stands."""

    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: Place


def places_of(text: str) -> Places:
    """The places of a well-formed TOML text, by the path of names and list indexes."""
    found = Places()
    tokens = list(_tokens(text))
    at, table = 0, Path()
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "newline":
            at += 1
        elif token.text == "[":
            at, table = _table(tokens, at, found)
        else:
            at = _pair(tokens, at, table, found)
    return found


def _tokens(text: str) -> Iterator[_Token]:
    line, start = 1, 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, match[0], Place(line, match.start() - start + 1))
        if "\n" in match[0]:
            line += match[0].count("\n")
            start = match.start() + match[0].rindex("\n") + 1


def _table(tokens: list[_Token], at: int, found: Places) -> tuple[int, Path]:
    while tokens[at].text == "[":
        at += 1
    at, path = _key(tokens, at, (), found)
    while at < len(tokens) and tokens[at].text == "]":
        at += 1
    return at, path


def _key(tokens: list[_Token], at: int, table: Path, found: Places) -> tuple[int, Path]:
    path = table
    while tokens[at].text not in ("=", "]"):
        if tokens[at].text != ".":
            path += (_name(tokens[at]),)
            found.keys.setdefault(path, tokens[at].place)
        at += 1
    return at, path


def _name(token: _Token) -> str:
    return next(iter(tomllib.loads(f"{token.text} = 0"))) if token.kind == "text" else token.text


def _pair(tokens: list[_Token], at: int, table: Path, found: Places) -> int:
    at, path = _key(tokens, at, table, found)
    return _value(tokens, at + 1, path, found)


def _value(tokens: list[_Token], at: int, path: Path, found: Places) -> int:
    found.values[path] = tokens[at].place
    if tokens[at].text == "{":
        return _inline_table(tokens, at + 1, path, found)
    if tokens[at].text == "[":
        return _array(tokens, at + 1, path, found)
    while at < len(tokens) and tokens[at].text not in (",", "]", "}", "\n"):
        at += 1
    return at


def _inline_table(tokens: list[_Token], at: int, path: Path, found: Places) -> int:
    while tokens[at].text != "}":
        separator = tokens[at].text in (",", "\n")
        at = at + 1 if separator else _pair(tokens, at, path, found)
    return at + 1


def _array(tokens: list[_Token], at: int, path: Path, found: Places) -> int:
    index = 0
    while tokens[at].text != "]":
        if tokens[at].text in (",", "\n"):
            at += 1
            continue
        at = _value(tokens, at, (*path, index), found)
        index += 1
    return at + 1

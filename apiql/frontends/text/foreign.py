"""What people write who come from SQL and other languages, and what they should write here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from types import MappingProxyType
from unicodedata import normalize

from apiql.frontends.text.clues import CLUES, SEEN, Clue

WORDS: Mapping[str, str] = MappingProxyType({
    "insert": "APIQL writes with a select: `select * post from /path where name = 'x'`",
    "update": "APIQL writes with a select: `select * put from /path where name = 'x'`",
    "delete": "APIQL writes with a select: `select * delete from /path where id = 1`",
    "union": "separate selects with `;`: each is a member of the answer",
})  # fmt: skip
"""Statements of SQL that are none here."""
COMMENT = "a comment begins with --"
PARAMETER = "a parameter of the request is written $name"
CHOOSES = "`where` says what is sent, with `=`, `in` and `and`; `having` chooses rows"
NAMED = re.compile(
    r"\s*(?:,|;|\Z|(?:from|where|limit|join|order|group|having|rows|left|inner|into)\b)", re.I
)
COMPARES = frozenset({"<", ">", "<=", ">=", "<>", "!=", "is", "not", "like", "between"})
BINDS = {"EQ", "IN"}
CHARACTERS: Mapping[str, str] = MappingProxyType({
    "#": COMMENT,
    "`": 'a name with other letters than usual stands in "…"',
    "$": PARAMETER,
    "&": "`and` joins conditions",
    "|": "`or` joins conditions, concat(a, b) texts",
    "!": "`not` denies a condition, `!=` is unequal",
    "~": "`like` compares with a pattern: name like 'A%'",
})  # fmt: skip
"""What begins no word."""


def hint_for(text: str, offset: int, shown: str, accepted: Set[str]) -> str | None:
    """What to write in place of a word or a mark that stands at an offset, by the text around it
    and what could stand there; None where nobody comes from elsewhere.
    """
    word = shown.lower()
    if word in WORDS:
        return WORDS[word]
    before, here = text[max(0, offset - SEEN) : offset], text[offset : offset + SEEN]
    for clue in CLUES:
        hint = _fitting(clue, before, here, accepted)
        if hint is not None:
            return hint
    if word in COMPARES and accepted >= BINDS and "IS" not in accepted:
        return CHOOSES
    if word == "or" and "AND" in accepted:
        return CHOOSES
    if shown.startswith("//"):
        return COMMENT
    if shown in ("?", ":") and "STRING" in accepted:
        return PARAMETER
    return None


def name_hint(text: str, end: int, shown: str, accepted: Set[str]) -> str | None:
    """`as`, where SQL gives names without it: by what follows the word that ends at `end`."""
    is_name = "AS" in accepted and shown.isidentifier() and NAMED.match(text[end : end + SEEN])
    return f"a name is given with `as`: as {shown[:64]}" if is_name else None


def hint_for_character(text: str, offset: int) -> str | None:
    """What to write in place of a character that begins no word."""
    character = text[offset]
    known = CHARACTERS.get(character)
    if known is not None:
        return known
    plain = normalize("NFKC", character)
    return f"write {plain}" if plain != character and plain.isascii() else None


def _fitting(clue: Clue, before: str, here: str, accepted: Set[str]) -> str | None:
    if not clue.accepted <= accepted or clue.not_accepted & accepted:
        return None
    behind = clue.here.match(here)
    ahead = clue.before.search(before) if behind else None
    if behind is None or ahead is None:
        return None
    words = ahead.groupdict() | behind.groupdict()
    return clue.hint.format(**{name: word or "" for name, word in words.items()})

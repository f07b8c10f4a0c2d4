"""What people write who come from SQL and other languages, and what they should write here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType({
    "insert": "APIQL writes with a select: `select * post from /path where name = 'x'`",
    "update": "APIQL writes with a select: `select * put from /path where name = 'x'`",
    "delete": "APIQL writes with a select: `select * delete from /path where id = 1`",
    "union": "separate selects with `;`: each is a member of the answer",
})  # fmt: skip
"""Statements of SQL that are none here."""
BEHIND: Mapping[str, str] = MappingProxyType({
    "distinct": "`distinct` stands behind `from`: `select a from /x distinct`",
    "top": "`limit` stands behind `from`: `select a from /x limit 3`",
})  # fmt: skip
"""Words that SQL has directly behind `select`."""
COMMENT = "a comment begins with --"
PARAMETER = "a parameter of the request is written $name"
CHOOSES = "`where` says what is sent, with `=`, `in` and `and`; `having` chooses rows"
NO_SUBSELECT = (
    "a select is no value: give it a name and read that: "
    "`select id from /y as b; select a from /x where id in b.id`"
)
COMPARES = frozenset({"<", ">", "<=", ">=", "<>", "!=", "is", "not", "like", "between"})
BINDS = {"EQ", "IN"}
BEFORE = re.compile(r"(?:\bselect\s+(\w+)|\(\s*(select))\s*\Z", re.IGNORECASE)
CHARACTERS: Mapping[str, str] = MappingProxyType({
    "#": COMMENT,
    "`": 'a name with other letters than usual stands in "…"',
    "$": PARAMETER,
})  # fmt: skip
"""What begins no word."""


def hint_for(before: str, shown: str, accepted: Set[str]) -> str | None:
    """What to write in place of a word or a mark, by the text before it and what could stand there;
    None where nobody comes from elsewhere.
    """
    word = shown.lower()
    if word in WORDS:
        return WORDS[word]
    if word in COMPARES and accepted >= BINDS and "IS" not in accepted:
        return CHOOSES
    if word == "or" and "AND" in accepted:
        return CHOOSES
    if shown.startswith("//"):
        return COMMENT
    if shown in ("?", ":") and "STRING" in accepted:
        return PARAMETER
    if shown == "(" and "PATH" in accepted:
        return NO_SUBSELECT
    return _behind_select(before)


def _behind_select(before: str) -> str | None:
    found = BEFORE.search(before)
    if found is None:
        return None
    return NO_SUBSELECT if found[2] else BEHIND.get(found[1].lower())

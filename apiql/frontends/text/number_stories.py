"""What was meant by a word that begins with a digit and is no number, and how to write it."""

from __future__ import annotations

import re
from collections.abc import Set

from apiql.frontends.text.clues import SEEN, TIMES
from apiql.frontends.text.expressions import Span

HALF = re.compile(r"[\w.:/+-]*\Z")
REST = re.compile(r"[\w.:/+-]*")
APART = re.compile(r"\d\s+\Z")
ENDS = ".:/+-"


def number_story(text: str, offset: int, allowed: Set[str]) -> tuple[str, Span, str]:
    """What is wrong with the word that the digit at an offset stands in, where the word is, and
    what to write.
    """
    span = _word(text, offset)
    word = text[span.start : span.end]
    message = "a number is followed by letters or written in a way APIQL does not know"
    if "DURATION" in allowed:
        return "this is no time", span, TIMES
    if "NUMBER" not in allowed and "INT" not in allowed:
        apart = APART.search(text[max(0, offset - SEEN) : offset])
        hint = "the digits of a number stand together" if apart else "names start with a letter"
        return message, span, hint
    quoted = f"a text stands in quotes: '{word}'"
    digits = word.replace("_", "")
    if text[offset] == "0" and text[offset + 1 : offset + 2].isdecimal():
        message = "a number does not begin with 0"
    elif not digits.isdecimal():
        quoted += "; expected digits, a fraction and an exponent: 15, 2.5, 1e3"
    if digits.isdecimal():
        quoted += f"; the number is written {digits.lstrip('0') or '0'}"
    return message, span, quoted


def _word(text: str, offset: int) -> Span:
    """All that stands there without space; of what begins with no letter or digit the number."""
    before = HALF.search(text[max(0, offset - SEEN) : offset])
    after = REST.match(text[offset : offset + SEEN])
    start = offset - len(before[0] if before else "")
    end = offset + len((after[0] if after else "").rstrip(ENDS))
    begins = text[start].isalnum() and text[start - 1 : start] != "$"
    return Span(start if begins else offset, end)

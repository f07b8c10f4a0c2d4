"""Numbers that are one word, as in `2024-10-12`: arithmetic by the letter, a date to its author."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from apiql.frontends.text.tokens import Mistake, span_of

NUMBERS = frozenset({"NUMBER", "INT"})
SIGNS = frozenset({"MINUS", "DIVIDE"})
ARITHMETIC = frozenset({"PLUS", "MINUS", "STAR", "DIVIDE"})
LONGEST_SHOWN = 40


def refuse_glued(stream: Iterator[Token]) -> Iterator[Token]:
    """The same tokens; raises Mistake where numbers and nothing else make one word with `-`, or
    with two `/`. In a larger calculation (`$page*20-20`) they are what they look like.
    """
    word: list[Token] = []
    before = last = ""
    for token in stream:
        kind = token.type
        if word and word[-1].end_pos == token.start_pos and _goes_on(word[-1].type, kind):
            word.append(token)
        else:
            if len(word) > 1:
                _check(word, before, kind)
            word = [token] if kind in NUMBERS else []
            before = last
        last = kind
        yield token
    if len(word) > 1:
        _check(word, before, "")


def _goes_on(last: str, kind: str) -> bool:
    return kind in NUMBERS if last in SIGNS else kind in SIGNS


def _check(word: list[Token], before: str, after: str) -> None:
    signs = word[1::2]
    within = before in ARITHMETIC or after == "STAR" or len(word) % 2 == 0 or "%" in signs
    if within or signs == ["/"]:
        return
    text, apart = "".join(word), " ".join(word)
    message = f"`{text[:LONGEST_SHOWN]}` is a calculation, and looks like a text"
    hint = "a text stands in quotes, a calculation has spaces around its signs"
    if len(text) <= LONGEST_SHOWN:
        hint = f"a text stands in quotes: '{text}'; a calculation has spaces: {apart}"
    raise Mistake(message, span_of(word[0], word[-1]), hint)

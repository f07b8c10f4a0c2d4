"""The parser of APIQL texts, made once from grammar/apiql.lark.

A text is bounded before it is parsed (bytes) and while it is cut into tokens (their number,
nesting, lengths): a hostile text costs what the limits allow and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from lark import Lark, Token

from apiql.frontends.text.glued import refuse_glued
from apiql.frontends.text.tree import TreeBuilder
from apiql.grammar_files import grammar_text

OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
PREFIXES = frozenset({"NOT", "MINUS"})
NUMBERS = frozenset({"NUMBER", "INT"})
NAMES = frozenset({"NAME", "VAR", "WORD"})
LITERALS = frozenset({"STRING", "DQ"})
LOCATIONS = frozenset({"PATH", "URL"})
ANY_LETTERS = NAMES | LITERALS | LOCATIONS


@dataclass(frozen=True, slots=True)
class TextLimits:
    """What a text may hold; the names are those of the settings."""

    text_bytes: int = 64 * 1024
    tokens: int = 5_000
    nesting: int = 64
    name_length: int = 128
    number_digits: int = 400
    literal_bytes: int = 16 * 1024
    url_bytes: int = 2 * 1024


class LimitReached(Exception):
    """A text goes over a limit at a token. Becomes LIMIT_EXCEEDED."""

    def __init__(self, limit: str, allowed: int, token: Token) -> None:
        super().__init__(limit)
        self.limit = limit
        self.allowed = allowed
        self.token = token


class Bounds:
    """Lark's postlex: counts tokens as they come. NAME is accepted in every state.

    Lark takes `ſ ı İ K` for letters of keywords in capitals; here such words are names.
    """

    always_accept = ("NAME",)

    def __init__(self, limits: TextLimits) -> None:
        self._limits = limits

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The same tokens; raises LimitReached at the first that is too much, Mistake at numbers
        that are one word.
        """
        limits = self._limits
        depth = prefixes = 0
        for number, token in enumerate(refuse_glued(stream), 1):
            if token.type not in ANY_LETTERS and not token.isascii():
                token = Token.new_borrow_pos("NAME", token, token)  # no keyword, like `ſelect`
            kind = token.type
            if number > limits.tokens:
                raise LimitReached("tokens", limits.tokens, token)
            if kind in OPENERS:
                depth += 1
            elif kind in CLOSERS:
                depth -= 1
            prefixes = prefixes + 1 if kind in PREFIXES else 0
            if depth + prefixes > limits.nesting:
                raise LimitReached("nesting", limits.nesting, token)
            _check_length(token, limits)
            yield token


def _check_length(token: Token, limits: TextLimits) -> None:
    kind, length = token.type, len(token)
    if kind in NAMES and length > limits.name_length + (kind == "VAR"):
        raise LimitReached("name_length", limits.name_length, token)
    if kind in NUMBERS and sum(map(str.isdigit, token)) > limits.number_digits:
        raise LimitReached("number_digits", limits.number_digits, token)
    if kind in LITERALS and length > limits.literal_bytes:
        raise LimitReached("literal_bytes", limits.literal_bytes, token)
    if kind in LOCATIONS and length > limits.url_bytes:
        raise LimitReached("url_bytes", limits.url_bytes, token)


@lru_cache(maxsize=4)
def text_parser(limits: TextLimits) -> Lark:
    """A parser that builds the syntax tree while it reduces, so depth costs no recursion. It keeps
    nothing of what it reads; to make one takes a third of a second.
    """
    return Lark(
        grammar_text("apiql.lark"),
        parser="lalr",
        lexer="contextual",
        postlex=Bounds(limits),
        maybe_placeholders=True,
        transformer=TreeBuilder(),
    )

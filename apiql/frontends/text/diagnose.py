"""What is wrong with a text, said so that its author can mend it.

One line says what, two show the text with a caret under the token, then what was expected and
the nearest word that would do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import cached_property

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from apiql.errors import Code, Location, Problem, nearest
from apiql.frontends.text import foreign
from apiql.frontends.text.expressions import Span
from apiql.frontends.text.grammar import LimitReached
from apiql.frontends.text.number_stories import number_story
from apiql.frontends.text.tokens import Mistake

EXCERPT_WIDTH = 100
SHORTEST_MISTAKE = 3
"""Letters of a word from which on a keyword may have been meant, rather than a name."""
VALUE = {"STRING", "NUMBER", "CONST", "LSQB", "LBRACE", "DQ", "VAR", "LPAR", "NAME", "MINUS"}
CLAUSES = (
    "where query headers cookies body form rows into having group order limit distinct timeout "
    "within retry cache max_age after when optional required fallback hidden no"
).split()
KEYWORDS = {"select", "set", "use", "return", "explain", "from", "join", "as", "by"}
STATEMENTS = {"SET", "USE", "RETURN", "SELECT", "EXPLAIN"}
WORDS = {
    "NAME": "a name", "DQ": 'a name in "…"', "VAR": "a parameter ($name)", "STRING": "a text",
    "NUMBER": "a number", "INT": "a whole number", "DURATION": "a duration (500ms, 2s)",
    "PATH": "a path (/…)", "URL": "a URL", "METHOD": "a method (get, post, put, patch, delete, "
    "head)", "TYPE": "a type", "SYS": "$status or $headers", "WORD": "a name", "EQ": "`=`",
    "OP": "a comparison", "COMMA": "`,`", "DOT": "`.`", "RPAR": "`)`", "LPAR": "`(`",
    "RSQB": "`]`", "LSQB": "`[`", "RBRACE": "`}`", "LBRACE": "`{`", "COLON": "`:`",
    "SEMICOLON": "`;`", "STAR": "`*`", "$END": "the end", "SIDE": "inner or left",
    "DIVIDE": "`/`", "PLUS": "`+`", "MINUS": "`-`", "QM": "`?`", "DOTS": "`...`",
    "SORT": "`order by`", "GROUP": "`group by`", "MAX_AGE": "`max-age`", "IS": "`is`",
    "DIRECTION": "asc or desc", "EDGE": "first or last", "ENC": "csv, repeat or json",
}  # fmt: skip
QUOTES = "‘’‚‛“”„‟«»‹›´「」『』"
CLAUSE_OR_FROM = "form"
"""A clause of its own; where it cannot stand, `from` was meant."""


@dataclass(frozen=True)
class Source:
    """A text and where its lines begin."""

    text: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]

    def location(self, offset: int) -> Location:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self._starts, offset)
        return Location(line, offset - self._starts[line - 1] + 1)

    def excerpt(self, span: Span) -> str:
        """The line of the span and a line of carets under it; long lines are cut around it."""
        place = self.location(span.start)
        start = self._starts[place.line - 1]
        line = self.text[start:].split("\n", 1)[0].rstrip("\r")
        column = place.column - 1
        width = max(1, min(span.end - span.start, len(line) - column))
        if len(line) > EXCERPT_WIDTH:
            cut = max(0, column - EXCERPT_WIDTH // 2)
            line, column = line[cut : cut + EXCERPT_WIDTH], column - cut
            width = min(width, EXCERPT_WIDTH - column)
        shown = "".join(c if c.isprintable() else " " for c in line)
        return f"{shown}\n{' ' * column}{'^' * width}"

    def excerpt_at(self, place: Location) -> str:
        """The line of a place with a caret under the word that stands there."""
        start = self._starts[place.line - 1] + place.column - 1
        end = start + self.text.startswith("$", start)
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            end += 1
        return self.excerpt(Span(start, max(end, start + 1)))

    def problem(
        self, code: Code, message: str, span: Span, hint: str | None = None,
        task: str | None = None,
    ) -> Problem:  # fmt: skip
        """A problem at a span."""
        place = (self.location(span.start),)
        return Problem(code, message, place, hint, self.excerpt(span), task)


def limit_problem(source: Source, reached: LimitReached) -> Problem:
    """LIMIT_EXCEEDED with the limit's name."""
    start = reached.token.start_pos or 0
    what = reached.limit
    return source.problem(
        Code.LIMIT_EXCEEDED,
        f"the text goes over the limit {what} = {reached.allowed}",
        Span(start, start + 1),
        f"make it smaller, or raise [limits] {what}",
    )


def mistake_problem(source: Source, mistake: Mistake) -> Problem:
    """SYNTAX from what the grammar lets through."""
    return source.problem(Code.SYNTAX, mistake.message, mistake.span, mistake.hint)


def character_problem(source: Source, error: UnexpectedCharacters) -> Problem:
    """SYNTAX at a character that begins no token."""
    offset: int = error.pos_in_stream  # type: ignore[assignment]  # lark says None, sets int
    allowed = set(error.allowed or ())
    if source.text[offset].isdigit():
        return source.problem(Code.SYNTAX, *number_story(source.text, offset, allowed))
    message, hint = _character_story(source.text, offset, source.text[offset])
    hint = hint or expectation(allowed)
    return source.problem(Code.SYNTAX, message, Span(offset, offset + 1), hint)


def token_problem(source: Source, error: UnexpectedToken, accepted: Set[str]) -> Problem:
    """SYNTAX at a token that cannot stand where it stands."""
    token: Token = error.token
    if token.type == "$END":
        end = len(source.text.rstrip())
        hint = expectation(accepted)
        return source.problem(Code.SYNTAX, "the text ends too early", Span(end, end + 1), hint)
    span = Span(token.start_pos or 0, token.end_pos or 0)
    shown = source.text[span.start : span.end]
    hint = _token_hint(source.text, token, shown, accepted)
    return source.problem(Code.SYNTAX, f"unexpected {_shown(shown)}", span, hint)


def expectation(accepted: Set[str], limit: int = 9) -> str | None:
    """`expected …`, in people's words, values and clauses as one."""
    left = set(accepted)
    words: list[str] = []
    if left >= {"STRING", "NUMBER", "LBRACE"}:
        words.append("a value")
        left -= VALUE | {"NOT"}
    if "WHERE" in left:
        words.append("a clause (where, query, headers, body, after, timeout, …)")
        left -= {word.upper() for word in CLAUSES} | {"SORT", "ELSE"}
    if {"PLUS", "DIVIDE"} <= left:
        words.append("an operator")
        left -= {"PLUS", "MINUS", "STAR", "DIVIDE", "EQ", "OP", "QM", "DOT", "LSQB", "LPAR"}
    if left >= STATEMENTS:
        words.append("a statement (select, set, use, return, explain)")
        left -= STATEMENTS
    words += sorted({WORDS.get(name, f"`{name.lower()}`") for name in left})
    if not words:
        return None
    more = "…" if len(words) > limit else ""
    return "expected " + ", ".join(words[:limit]) + more


def _token_hint(text: str, token: Token, shown: str, accepted: Set[str]) -> str | None:
    before = text[: token.start_pos or 0].rstrip()
    if shown == "=" and before.endswith(("=", "!", "<", ">")):
        return "one `=` compares"
    if shown.startswith("/*") or (shown == "*" and before.endswith("/")):
        return "the comment that starts here is never closed with */"
    start = token.start_pos or 0
    known = foreign.hint_for(text, start, shown, accepted)
    if known is not None:
        return known
    is_name = token.type == "NAME" or shown.lower() == CLAUSE_OR_FROM
    mistaken = is_name and shown.lower() not in KEYWORDS
    meant = nearest(shown.lower(), _keywords(accepted)) if mistaken else None
    if mistaken and (meant is None or len(shown) < SHORTEST_MISTAKE):
        named = foreign.name_hint(text, start + len(shown), shown, accepted)
        if named is not None:
            return named
    expected = expectation(accepted)
    parts = [expected, f"did you mean `{meant}`?" if meant and meant != shown.lower() else None]
    return "; ".join(part for part in parts if part) or None


def _keywords(accepted: Iterable[str]) -> list[str]:
    special = {
        "METHOD": "get post put patch delete head", "SIDE": "inner left", "SORT": "order",
        "TYPE": "string integer number boolean object array any",
    }  # fmt: skip
    known: list[str] = []
    for name in accepted:
        if name in special:
            known += special[name].split()
        elif name not in WORDS or name in ("GROUP", "MAX_AGE", "IS"):
            known.append(name.lower().replace("_", "-"))
    return known


def _character_story(text: str, offset: int, character: str) -> tuple[str, str | None]:
    if character in "'\"":
        return "a text that is never closed", f"close it with {character}"
    if character in QUOTES:
        return f"{character} is no quotation mark of APIQL", "write 'text' or \"text\""
    if character == "；":
        return f"unexpected {character}", "separate statements with ;"
    if not character.isprintable():
        return f"a control character (U+{ord(character):04X})", "take it out"
    return f"unexpected {character}", foreign.hint_for_character(text, offset)


def _shown(text: str, limit: int = 40) -> str:
    short = text if len(text) <= limit else text[:limit] + "…"
    return "`" + "".join(c if c.isprintable() else " " for c in short) + "`"

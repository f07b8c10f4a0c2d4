"""text --parse--> syntax tree. Several mistakes are reported at once: after one, reading goes on
behind the next `;`.
"""

from __future__ import annotations

import re

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from apiql.errors import Code, Problem, QueryRefused
from apiql.frontends.text import diagnose
from apiql.frontends.text.expressions import Span
from apiql.frontends.text.grammar import LimitReached, TextLimits, text_parser
from apiql.frontends.text.syntax import Program, Query
from apiql.frontends.text.tokens import Mistake

MOST_PROBLEMS = 10
STOPS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*+(?:"|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)|;""", re.DOTALL
)
"""What is never closed goes on to the end: were it passed by, each of thousands would be looked for
through the whole text.
"""
HALF_PAIR = re.compile(r"[\ud800-\udfff]")
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


class TextParser:
    """Reads texts; holds the compiled grammar and the limits of a text."""

    def __init__(self, limits: TextLimits) -> None:
        self._limits = limits
        self._lark: Lark = text_parser(limits)

    def parse(self, text: str) -> Program:
        """The syntax tree.

        Raises:
            QueryRefused: SYNTAX for each mistake found, or LIMIT_EXCEEDED.
        """
        self._check_size(text)
        readable = " " + text[1:] if text.startswith(BOM) else text
        source = diagnose.Source(readable)
        try:
            program = self._read(readable)
        except (LimitReached, Mistake, UnexpectedCharacters, UnexpectedToken) as error:
            raise QueryRefused(self._problems(source, error)) from None
        if not any(isinstance(item, Query) for item in program.statements):
            end = Span(len(text.rstrip()), len(text))
            hint = "expected at least one select: select * from /path"
            problem = source.problem(Code.SYNTAX, "this text selects nothing", end, hint)
            raise QueryRefused((problem,))
        return program

    def tokens(self, text: str) -> tuple[Token, ...]:
        """The tokens of a text that `parse` took; between them are white space and comments."""
        readable = " " + text[1:] if text.startswith(BOM) else text
        return tuple(self._lark.parse_interactive(readable).iter_parse())

    def _check_size(self, text: str) -> None:
        allowed = self._limits.text_bytes
        if len(text) > allowed or len(text.encode("utf-8", "surrogatepass")) > allowed:
            message = f"the text goes over the limit text_bytes = {allowed}"
            hint = "make it smaller, or raise [limits] text_bytes"
            raise QueryRefused((Problem(Code.LIMIT_EXCEEDED, message, hint=hint),))
        half = HALF_PAIR.search(text)
        if half is not None:
            message = f"half of a surrogate pair (U+{ord(half[0]):04X}) is no character"
            span = Span(half.start(), half.end())
            source = diagnose.Source(text)
            raise QueryRefused((source.problem(Code.SYNTAX, message, span, "take it out"),))

    def _read(self, text: str) -> Program:
        program: Program = self._lark.parse(text)  # type: ignore[assignment]
        return program

    def _problems(self, source: diagnose.Source, error: Exception) -> tuple[Problem, ...]:
        """The first mistake and those in the statements behind it."""
        problems: list[Problem] = []
        next_error: Exception | None = error
        while next_error is not None and len(problems) < MOST_PROBLEMS:
            problems.append(_story(source, next_error))
            offset = _offset(next_error, source.text)
            next_error = self._behind(source.text, offset)
        return tuple(problems)

    def _behind(self, text: str, offset: int | None) -> Exception | None:
        """The next mistake behind the `;` that follows an offset."""
        if offset is None:
            return None
        stop = next((m for m in STOPS.finditer(text, offset) if m.group() == ";"), None)
        if stop is None:
            return None
        blank = re.sub(r"[^\n]", " ", text[: stop.end()])
        try:
            self._read(blank + text[stop.end() :])
        except (LimitReached, Mistake, UnexpectedCharacters, UnexpectedToken) as error:
            return error
        return None


def _story(source: diagnose.Source, error: Exception) -> Problem:
    match error:
        case LimitReached():
            return diagnose.limit_problem(source, error)
        case Mistake():
            return diagnose.mistake_problem(source, error)
        case UnexpectedCharacters():
            return diagnose.character_problem(source, error)
        case UnexpectedToken():
            accepted = error.accepts or error.expected
            return diagnose.token_problem(source, error, set(accepted or ()))
    raise error


def _offset(error: Exception, text: str) -> int | None:
    """Where to go on from; None where going on would only find shadows of the same mistake."""
    match error:
        case Mistake():
            return error.span.end
        case UnexpectedCharacters():
            offset: int = error.pos_in_stream  # type: ignore[assignment]  # as above
            return None if text[offset] in "'\"" else offset
        case UnexpectedToken() if error.token.type != "$END":
            return error.token.start_pos or 0
    return None

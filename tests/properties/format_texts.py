"""Programs to format: made from the grammar with awkward words, and the same programs with other
white space, comments, order of clauses and constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from apiql.errors import QueryRefused
from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.grammar import TextLimits
from apiql.frontends.text.parse import TextParser
from tests.properties.grammar_texts import WORDS, tokens_of

PARSER = TextParser(TextLimits(text_bytes=10**7, tokens=10**6, literal_bytes=10**6))
AWKWARD = {
    **WORDS,
    "NAME": [*WORDS["NAME"], "from", "Stale", "as", "not_", "null_", "hidden", "asc", "and"],
    "DQ": ['"a"', '"X-Y"', '"true"', '"Not"', '"from"', '"a\\nb"', '"it\'s"', '"\\"\\\\"', '""'],
    "STRING": [*WORDS["STRING"], "'a\nb'", "'--'", "'/*'", "'\x7f'", "'\"'", "';'"],
    "NUMBER": ["1.50", "0", "007", "1E+03", "1e-400", "0.0", "2.5e7", "12345678901234567890.5"],
    "INT": ["0", "1", "15", "007", "90000"],
    "DURATION": ["500ms", "2s", "24h", "0ms", "90s", "60000ms", "1d"],
    "PATH": [*WORDS["PATH"], "/a--b", "/a/*b", "/*"],
    "CONST": [*WORDS["CONST"], "Null"],
}
NOISE = [
    " ", "\n", "\t\r\n ", " /* # */ ", " -- #\n", "\n-- #  \n", "\n/* # */\n", "\n/* # */ ",
    " /* # */\n", " /* #\n # */ ", "\n/* #\n*/\n", " -- #\n -- #\n", " /* # */-- #\n/* # */ ",
]  # fmt: skip
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
FIXED = (
    s.SetVariable, cl.Limit, cl.Within, cl.Retry, cl.Fallback, cl.When, cl.BatchOf, e.IndexStep,
)  # fmt: skip
"""What is not lifted, all of it."""


@dataclass(frozen=True)
class Sample:
    """A text of the grammar that parses, its tree, and the source of what is done to it."""

    text: str
    program: s.Program
    random: Random

    def __repr__(self) -> str:
        return f"Sample({self.text!r})"


def samples() -> st.SearchStrategy[Sample]:
    """Programs from numbers, since drawing each word takes far longer than formatting it."""
    return st.integers(0, 2**48).map(_sample)


def _sample(seed: int) -> Sample:
    random = Random(seed)
    while True:
        statements = [" ".join(tokens_of("query", random.choice, random.randint(5, 9), AWKWARD))]
        for _ in range(random.choice((0, 0, 1, 3))):
            statements.append(" ".join(tokens_of("_statement", random.choice, 9, AWKWARD)))
        random.shuffle(statements)
        text = " ; ".join(statements)
        try:
            return Sample(text, PARSER.parse(text), random)
        except QueryRefused:
            continue


def noisy(sample: Sample) -> str:
    """The same tokens with other white space and comments, some of them many."""
    often = sample.random.choice((0.05, 0.3, 1))
    parts: list[str] = []
    for number, token in enumerate((*PARSER.tokens(sample.text), "")):
        chosen = sample.random.choice(NOISE) if sample.random.random() < often else " "
        parts += [chosen.replace("#", f"c{number}"), token]
    return "".join(parts)


def comments_of(text: str) -> list[str]:
    """The comments of a text in alphabetical order, however they stand."""
    ends = [0]
    found: list[str] = []
    for token in PARSER.tokens(text):
        found += COMMENT.findall(text[ends[-1] : token.start_pos])
        ends.append(token.end_pos or 0)
    return sorted(comment.rstrip() for comment in found + COMMENT.findall(text[ends[-1] :]))


def shuffled(program: s.Program, random: Random) -> s.Program:
    """The same program with its clauses in another order."""

    def turned(node: Any) -> Any:
        if not isinstance(node, s.Select):
            return node
        clauses = tuple(random.sample(node.clauses, len(node.clauses)))
        words = [cl.word_of_clause(clause) for clause in clauses]
        return node if len(set(words)) < len(words) else replace(node, clauses=clauses)

    return rebuilt(program, turned)  # type: ignore[no-any-return]


def with_other_constants(program: s.Program) -> s.Program:
    """The same program with other constants wherever they do not count."""
    return rebuilt(program, _other)  # type: ignore[no-any-return]


def _other(node: Any) -> Any:
    match node:
        case e.Constant(str()):
            return replace(node, value="other")
        case e.Constant(int() | Decimal() as value) if not isinstance(value, bool):
            return replace(node, value=Decimal("7.25"))
        case e.Constant(value):
            return replace(node, value="other" if value is None else not value)
    return node


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """A tree with each node changed; what is fixed stays as it is."""
    if isinstance(node, tuple):
        return tuple(rebuilt(item, change) for item in node)
    jmespath = isinstance(node, e.Invocation) and node.name.text.lower() == "jmespath"
    if not is_dataclass(node) or isinstance(node, (e.Span, type, *FIXED)) or jmespath:
        return node
    members = {f.name: rebuilt(getattr(node, f.name), change) for f in fields(node)}
    return change(replace(node, **members))


def constants_of(node: Any) -> Iterator[e.Constant]:
    """The constants of a tree that do not count."""
    found: list[e.Constant] = []

    def noted(part: Any) -> Any:
        if isinstance(part, e.Constant):
            found.append(part)
        return part

    rebuilt(node, noted)
    yield from found

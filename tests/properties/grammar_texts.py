"""Texts made from the grammar itself: its rules walked at random, tokens joined by spaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from lark import Lark
from lark.grammar import NonTerminal, Rule

from apiql.frontends.text.grammar import Bounds, TextLimits
from apiql.grammar_files import grammar_text

BOUNDLESS = TextLimits(tokens=10**6, nesting=10**6, number_digits=10**6)
LARK = Lark(
    grammar_text("apiql.lark"), parser="lalr", lexer="contextual", postlex=Bounds(BOUNDLESS)
)
WORDS: Mapping[str, list[str]] = {
    "NAME": ["a", "b", "user", "id", "größe", "select", "count", "md5", "number", "first"],
    "WORD": ["a", "X-Token", "id"],
    "DQ": ['"a"', '"X-Y"', '"a\\nb"', '"\\u00e9"', '"\\ud800"', '""'],
    "VAR": ["$id", "$n"],
    "STRING": ["'x'", "''", "'it''s'", "'500ms'", "'items[?a > `1`].b'"],
    "NUMBER": ["1.5", "0", "1e3", "12345678901234567890.5", "1e-400", "9" * 401],
    "INT": ["0", "1", "15", "99999999999999999999"],
    "DURATION": ["500ms", "2s", "1d", "0ms"],
    "PATH": ["/a", "/users/{id}", "/x/{a}/{b?}?{page}", "/%2e", "/a//b", "/", "/ä", "/a?x=1&y={q}"],
    "URL": ["http://a.test/x", "file:///etc/passwd", "http://u@h/", "http://[::1]/", "x:y"],
    "METHOD": ["get", "post", "PUT", "delete", "head", "patch"],
    "TYPE": ["string", "integer", "number", "boolean", "object", "array", "any"],
    "ENC": ["csv", "repeat", "json"],
    "CONST": ["true", "false", "null", "TRUE"],
    "SIDE": ["inner", "left"],
    "DIRECTION": ["asc", "desc"],
    "EDGE": ["first", "last"],
    "MAX_AGE": ["max-age"],
    "OP": ["!=", "<", "<=", ">", ">="],
    "DIVIDE": ["/", "%"],
    "SYS": ["$status", "$headers"],
    "COMMENT": ["/* x */"],
}
DEEPEST = 14
Choose = Callable[[list[Any]], Any]


def _rules() -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in LARK.rules:
        found.setdefault(rule.origin.name, []).append(rule)
    return found


def _heights(rules: Mapping[str, list[Rule]]) -> dict[str, int]:
    """How deep a rule goes at the least."""
    heights: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for name, options in rules.items():
            known = [h for h in (_height(option, heights) for option in options) if h is not None]
            if known and heights.get(name) != min(known) + 1:
                heights[name] = min(known) + 1
                changed = True
    return heights


def _height(rule: Rule, heights: Mapping[str, int]) -> int | None:
    below = [heights.get(s.name) for s in rule.expansion if isinstance(s, NonTerminal)]
    return None if None in below else max([h for h in below if h is not None], default=0)


RULES = _rules()
HEIGHTS = _heights(RULES)
FIXED = {t.name: t.pattern.value for t in LARK.terminals if t.pattern.type == "str"}


def tokens_of(
    start: str, choose: Choose, depth: int = 0, words: Mapping[str, list[str]] = WORDS
) -> list[str]:
    """The tokens of a rule, walked at random."""
    tokens: list[str] = []
    waiting: list[tuple[Any, int]] = [(NonTerminal(start), depth)]
    while waiting:
        symbol, depth = waiting.pop()
        if not isinstance(symbol, NonTerminal):
            tokens.append(choose(words.get(symbol.name) or [FIXED[symbol.name]]))
            continue
        options = RULES[symbol.name]
        if depth >= DEEPEST or len(tokens) > 150:
            low = min(_height(option, HEIGHTS) or 0 for option in options)
            options = [option for option in options if (_height(option, HEIGHTS) or 0) == low]
        chosen = choose(options)
        waiting += [(part, depth + 1) for part in reversed(chosen.expansion)]
    return tokens


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text that the grammar takes, but for what lowering refuses."""
    return " ".join(tokens_of("start", lambda options: draw(st.sampled_from(options))))


@st.composite
def broken_texts(draw: st.DrawFn) -> str:
    """A text of the grammar with tokens taken out, doubled, moved or replaced."""
    tokens = draw(texts()).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(tokens) - 1)))
        other = draw(
            st.sampled_from([*FIXED.values(), "'", '"', "/*", "--", "\\", "@", "\x00", "$"])
        )
        kind = draw(st.integers(0, 3))
        tokens[at : at + 1] = {0: [], 1: tokens[at : at + 1] * 2, 2: [other]}.get(
            kind, [other, *tokens[at : at + 1]]
        )
    return draw(st.sampled_from([" ", "", "\n", "\t"])).join(tokens)

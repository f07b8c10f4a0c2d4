"""text --parse--> tree: Lark reads it, then names are checked; mistakes as Go would tell them."""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

from lark import Lark, Token
from lark.exceptions import UnexpectedToken

from apiql.gotemplate import syntax
from apiql.gotemplate.check import check
from apiql.gotemplate.faults import TemplateRefused, refused
from apiql.gotemplate.literals import Misread
from apiql.gotemplate.tokens import TemplateLexer
from apiql.gotemplate.tree import TreeBuilder
from apiql.grammar_files import grammar_text

_SHOWN = {
    "CLOSE": "}}",
    "OPEN": "{{",
    "TEXT": "text",
    "END": "{{end}}",
    "ELSE": "{{else}}",
    "ELSE_IF": "{{else if}}",
    "STRING": "a quoted name",
    "VARIABLE": "a variable",
    "DECLARE": ":=",
    "ASSIGN": "=",
    "RIGHT": ")",
    "PIPE": "|",
    "COMMA": ",",
    "$END": "the end of the template",
}
_OPERANDS = frozenset({"FIELD", "NUMBER", "DOT", "LEFT"})


@lru_cache(maxsize=1)
def template_parser() -> Lark:
    """The parser, made once from grammar/gotemplate.lark; it keeps nothing of what it reads."""
    return Lark(
        grammar_text("gotemplate.lark"),
        parser="lalr",
        lexer=TemplateLexer,
        maybe_placeholders=True,
        transformer=TreeBuilder(),
    )


def parse(text: str, functions: Container[str]) -> syntax.Tree:
    """The tree of a template whose functions and variables all exist.

    Raises:
        TemplateRefused: at the first mistake.
    """
    try:
        parts: tuple[syntax.List, dict[str, syntax.List]]
        parts = template_parser().parse(text)  # type: ignore[assignment]
        return check(syntax.Tree(text, *parts), functions)
    except Misread as mistake:
        raise refused(text, mistake.offset, mistake.message, mistake.hint) from None
    except UnexpectedToken as mistake:
        raise _unexpected(text, mistake) from None


def _unexpected(text: str, mistake: UnexpectedToken) -> TemplateRefused:
    token: Token = mistake.token
    if token.type == "$END":
        hint = "expected {{end}}: a block is not closed"
        return refused(text, len(text), "unexpected EOF", hint)
    wanted = set(mistake.accepts or mistake.expected or ())
    names = [shown for kind, shown in _SHOWN.items() if kind in wanted and kind != token.type]
    if wanted >= _OPERANDS:
        names.insert(0, "a value or a function")
    expected = f"expected {' or '.join(names[:4])}" if names else None
    return refused(text, token.start_pos or 0, _message(token), expected)


def _message(token: Token) -> str:
    """Go's words for a token where it cannot stand."""
    word = str(token)
    if token.type in ("END", "ELSE", "ELSE_IF"):
        return f"unexpected {{{{{word.split()[0]}}}}}"
    if token.type in ("KEYWORD", "DEFINE"):
        return f"unexpected <{word}> in operand"
    if token.type == "SUBFIELD":
        return f"unexpected . after term: {word[:20]}"
    if token.type == "PIPE":
        return "missing value for command"
    shown = word if len(word) <= 10 else f"{word[:10]}..."
    return f'unexpected "{shown}" in operand'

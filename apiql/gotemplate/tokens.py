"""text --cut--> tokens of Go's template language: text outside actions, operands and signs inside.
Knows nothing of what may follow what.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from lark import Token
from lark.lexer import Lexer

from apiql.gotemplate.faults import Category, TemplateRefused, refused

MOST_CHARACTERS = 256 * 1024
MOST_TOKENS = 50_000
MOST_NESTING = 100
"""How deep parentheses and blocks may be nested, together."""

SPACES = " \t\r\n"
KEYWORDS = frozenset(
    ("block", "break", "continue", "define", "else", "end", "if", "range", "template", "with")
)
OPENING = frozenset({"IF", "WITH", "RANGE", "DEFINE", "BLOCK", "LEFT"})
CLOSING = frozenset({"END", "RIGHT"})
OPERAND_ENDS = frozenset(
    "FIELD SUBFIELD VARIABLE IDENTIFIER BOOL NIL NUMBER CHARACTER STRING DOT RIGHT KEYWORD".split()
)
OPERAND_STARTS = OPERAND_ENDS - {"SUBFIELD", "RIGHT"} | {"LEFT"}
TERMINATORS = frozenset(" \t\r\n.,|:)(")

_HEAD = re.compile(r"[ \t\r\n]*(else[ \t\r\n]+if|[a-z]+)(?=[ \t\r\n.,|:)(]|\}\}|$)")
_LEFT_TRIM = re.compile(r"-[ \t\r\n]")
_CLOSE = re.compile(r"(?:[ \t\r\n]+-)?\}\}")
_SPACE = re.compile(r"(?:(?![ \t\r\n]-\}\})[ \t\r\n])+")
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]+)?"
    r"|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]+)?)i?"
)
_QUOTED = {
    '"': (re.compile(r'"(?:\\[^\n]|[^"\\\n]++)*+"'), "STRING", "unterminated quoted string"),
    "`": (re.compile(r"`[^`]*+`"), "STRING", "unterminated raw quoted string"),
    "'": (
        re.compile(r"'(?:\\[^\n]|[^'\\\n]++)*+'"),
        "CHARACTER",
        "unterminated character constant",
    ),
}
_SIGNS = {"|": "PIPE", "(": "LEFT", ")": "RIGHT", ",": "COMMA", "=": "ASSIGN"}


class TemplateLexer(Lexer):
    """Lark's way to a lexer of one's own; each text is cut by itself."""

    def __init__(self, lexer_conf: object) -> None:
        """Takes nothing of Lark's configuration: the tokens do not depend on it."""

    def lex(self, text: str) -> Iterator[Token]:  # type: ignore[override]
        """The tokens; TemplateRefused at the first character that begins none."""
        return bounded(text)


def bounded(text: str) -> Iterator[Token]:
    """The tokens of a text, as many and nested as deep as is allowed."""
    if len(text) > MOST_CHARACTERS:
        raise _too_much(text, 0, f"more than {MOST_CHARACTERS} characters")
    depth = 0
    for number, token in enumerate(tokens(text), 1):
        depth += (token.type in OPENING) - (token.type in CLOSING)
        if depth > MOST_NESTING:
            raise _too_much(text, token.start_pos or 0, f"nested deeper than {MOST_NESTING}")
        if number > MOST_TOKENS:
            raise _too_much(text, token.start_pos or 0, f"more than {MOST_TOKENS} tokens")
        yield token


def tokens(text: str) -> Iterator[Token]:
    """Text, then an action, then text again, to the end."""
    position, trim = 0, False
    while True:
        start = text.find("{{", position)
        literal = text[position:] if start < 0 else text[position:start]
        after = start + 2
        left = start >= 0 and _LEFT_TRIM.match(text, after) is not None
        literal = literal.lstrip(SPACES) if trim else literal
        literal = literal.rstrip(SPACES) if left else literal
        if literal:
            yield Token("TEXT", literal, position)
        if start < 0:
            return
        after += 2 if left else 0
        if text.startswith("/*", after):
            position, trim = _behind_comment(text, after)
        else:
            position, trim = yield from _action(text, start, after)


def _behind_comment(text: str, start: int) -> tuple[int, bool]:
    end = text.find("*/", start + 2)
    if end < 0:
        raise refused(text, start, "unclosed comment", "end it with */}}")
    close = _CLOSE.match(text, end + 2)
    if close is None:
        raise refused(text, start, "comment ends before closing delimiter", "expected */}}")
    return close.end(), close.group() != "}}"


def _action(text: str, start: int, after: int) -> Generator[Token, None, tuple[int, bool]]:
    """The tokens from `{{` to `}}`; returns where text begins again and whether it is trimmed."""
    head = _HEAD.match(text, after)
    if head is not None and head[1].split()[0] in KEYWORDS:
        words = head[1].split()
        yield Token("_".join(words).upper(), head[1], head.start(1))
        position = head.end()
    else:
        yield Token("OPEN", "{{", start)
        position = after
    return (yield from _inside(text, start, position))


def _inside(text: str, start: int, position: int) -> Generator[Token, None, tuple[int, bool]]:
    depth, previous = 0, ""
    while True:
        close = _CLOSE.match(text, position)
        if close is not None:
            if depth:
                raise refused(text, position, "unclosed left paren", "expected )")
            yield Token("CLOSE", "}}", position)
            return close.end(), close.group() != "}}"
        space = _SPACE.match(text, position)
        if space is not None:
            position, previous = space.end(), ""
            continue
        token = _token(text, position, start, previous)
        depth += (token.type == "LEFT") - (token.type == "RIGHT")
        if depth < 0:
            raise refused(text, position, "unexpected right paren U+0029 ')'", "expected }}")
        yield token
        position, previous = position + len(token), token.type


def _token(text: str, position: int, start: int, previous: str) -> Token:
    """The next token inside an action; `previous` is the type of one that it touches."""
    if position >= len(text):
        raise refused(text, start, "unclosed action", "end it with }}")
    token = _operand(text, position, previous) or _sign(text, position)
    if previous in OPERAND_ENDS and token.type in OPERAND_STARTS:
        raise refused(
            text, position, f'unexpected "{_short(token)}" in operand', "expected a space"
        )
    return token


def _operand(text: str, position: int, previous: str) -> Token | None:
    first = text[position]
    if first in _QUOTED:
        pattern, kind, message = _QUOTED[first]
        found = pattern.match(text, position)
        if found is None:
            raise refused(text, position, message, f"end it with {first}")
        return Token(kind, found.group(), position)
    if first == "." and not text[position + 1 : position + 2].isdecimal():
        kind = "SUBFIELD" if previous in OPERAND_ENDS else "FIELD"
        return _named(text, position, kind, "DOT")
    if first == "$":
        return _named(text, position, "VARIABLE", "VARIABLE")
    if first in "+-." or "0" <= first <= "9":
        return _number(text, position)
    if first == "_" or first.isalnum():
        return _word(text, position)
    return None


def _named(text: str, position: int, kind: str, alone: str) -> Token:
    """A field or variable: a sign, and the name behind it."""
    found = _WORD.match(text, position + 1)
    end = found.end() if found else position + 1
    _terminated(text, end)
    return Token(kind if found else alone, text[position:end], position)


def _word(text: str, position: int) -> Token:
    found = _WORD.match(text, position)
    end = found.end() if found else position + 1
    _terminated(text, end)
    word = text[position:end]
    kind = "IDENTIFIER"
    if word in KEYWORDS:
        kind = "KEYWORD"
    elif word in ("true", "false"):
        kind = "BOOL"
    elif word == "nil":
        kind = "NIL"
    return Token(kind, word, position)


def _number(text: str, position: int) -> Token:
    found = _NUMBER.match(text, position)
    end = found.end() if found else position + 1
    follows = text[end : end + 1]
    number = text[position:end]
    if follows.isalnum() or follows == "_" or not any(map(str.isdigit, number)):
        bad = number + follows if follows.isalnum() or follows == "_" else number
        raise refused(text, position, f'bad number syntax: "{bad}"', "expected a number")
    return Token("NUMBER", number, position)


def _terminated(text: str, end: int) -> None:
    if end < len(text) and text[end] not in TERMINATORS and not text.startswith("}}", end):
        name = _unicode_name(text[end])
        hint = 'names are letters, digits and _; others are reached by index .x "a-b"'
        raise refused(text, end, f"bad character {name}", hint)


def _sign(text: str, position: int) -> Token:
    character = text[position]
    if character == ":":
        if text[position + 1 : position + 2] != "=":
            raise refused(text, position, "expected :=", "declare with $name := value")
        return Token("DECLARE", ":=", position)
    if character in _SIGNS:
        return Token(_SIGNS[character], character, position)
    if " " < character <= "~":
        return Token("CHAR", character, position)
    name = _unicode_name(character)
    raise refused(text, position, f"unrecognized character in action: {name}", "take it out")


def _unicode_name(character: str) -> str:
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"


def _short(token: str) -> str:
    return token if len(token) <= 10 else f"{token[:10]}..."


def _too_much(text: str, offset: int, what: str) -> TemplateRefused:
    hint = "split it into smaller templates"
    return refused(text, offset, f"the template has {what}", hint, Category.LIMIT)

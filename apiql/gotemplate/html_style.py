"""How the text of a style changes the context: texts, URLs and comments of CSS. Knows no HTML."""

from __future__ import annotations

import re
from dataclasses import replace

from apiql.gotemplate.html_context import Context, State, UrlPart
from apiql.gotemplate.html_problem import BadPage

Step = tuple[Context, int]

_SPECIAL = re.compile("[(\"'/]")
_URL = re.compile(r"(?<![A-Za-z0-9_\-\x80-\U0010ffff])url[\t\n\f\r ]*\Z", re.IGNORECASE)
_SPACE = re.compile(r"[\t\n\f\r ]*")
_LINE_END = re.compile("[\n\f\r]")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[\t\n\f\r ])?|(.))", re.DOTALL)
_ENDS = {
    State.CSS_DOUBLE: re.compile(r'[\\"]'),
    State.CSS_DOUBLE_URL: re.compile(r'[\\"]'),
    State.CSS_SINGLE: re.compile(r"[\\']"),
    State.CSS_SINGLE_URL: re.compile(r"[\\']"),
    State.CSS_URL: re.compile("[\\\\\t\n\f\r )]"),
}
_TAIL = 64
"""How far before a parenthesis `url` is looked for."""


def style(context: Context, text: str, start: int, end: int) -> Step:
    """Up to the next text, URL or comment, in a style."""
    position = start
    while (found := _SPECIAL.search(text, position, end)) is not None:
        position, sign = found.end(), found.group()
        if sign in "\"'":
            state = State.CSS_DOUBLE if sign == '"' else State.CSS_SINGLE
            return replace(context, state=state), position
        if sign == "(" and _URL.search(text[max(start, position - _TAIL) : position - 1]):
            return _url_start(context, text, position, end)
        if sign == "/" and text[position : position + 1] in ("/", "*") and position < end:
            line = text[position] == "/"
            state = State.CSS_LINE_COMMENT if line else State.CSS_BLOCK_COMMENT
            return replace(context, state=state), position + 1
    return context, end


def _url_start(context: Context, text: str, position: int, end: int) -> Step:
    blank = _SPACE.match(text, position, end)
    position = blank.end() if blank else position
    quote = text[position:end][:1]
    if quote == '"':
        return replace(context, state=State.CSS_DOUBLE_URL), position + 1
    if quote == "'":
        return replace(context, state=State.CSS_SINGLE_URL), position + 1
    return replace(context, state=State.CSS_URL), position


def style_text(context: Context, text: str, start: int, end: int) -> Step:
    """Up to the end of a text, URL or comment of a style."""
    if context.state is State.CSS_BLOCK_COMMENT:
        close = text.find("*/", start, end)
        return (context, end) if close < 0 else (replace(context, state=State.CSS), close + 2)
    if context.state is State.CSS_LINE_COMMENT:
        line_end = _LINE_END.search(text, start, end)
        if line_end is None:
            return context, end
        return replace(context, state=State.CSS), line_end.start()
    position = start
    while (found := _ENDS[context.state].search(text, position, end)) is not None:
        position = found.end()
        if found.group() != "\\":
            return replace(context, state=State.CSS, url=UrlPart.NONE), position
        if position == end:
            shown = text[start:end][-32:]
            raise BadPage(f"unfinished escape sequence in CSS string: {shown!r}")
        position += 1
    return _told(context, text[start:end]), end


def _told(context: Context, part: str) -> Context:
    """The part of the URL that a piece of text leads to."""
    plain = decoded(part)
    if "#" in plain or "?" in plain:
        return replace(context, url=UrlPart.QUERY)
    if context.url is UrlPart.NONE and plain.strip(" \t\n\f\r"):
        return replace(context, url=UrlPart.BEFORE_QUERY)
    return context


def decoded(text: str) -> str:
    """A text of CSS without its escapes."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    if found[2] is not None:
        return found[2]
    code = int(found[1], 16)
    good = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if good else "\N{REPLACEMENT CHARACTER}"

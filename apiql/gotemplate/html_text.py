"""How the literal text of a page changes the context: from one token to the next, in HTML. The
texts of scripts and styles are read in html_script.py and html_style.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

from apiql.gotemplate.html_context import (
    Context,
    Delimiter,
    State,
    UrlPart,
    attribute_state,
)
from apiql.gotemplate.html_problem import BadPage
from apiql.gotemplate.html_script import is_script_type, script, script_literal
from apiql.gotemplate.html_style import style, style_text

RAW_ELEMENTS = {
    "script": State.JS,
    "style": State.CSS,
    "textarea": State.RCDATA,
    "title": State.RCDATA,
}

_TAG = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9]*(?:[:-][a-zA-Z0-9]+)*))")
_ENDS = {
    name: re.compile(rf"</{name}(?=[> \t\n\f/])", re.ASCII | re.IGNORECASE) for name in RAW_ELEMENTS
}
_SPACE = re.compile(r"[ \t\n\f\r]*")
_NAME = re.compile(r"[^ \t\n\f\r=>'\"<]*")
_VALUE_ENDS: dict[Delimiter, re.Pattern[str]] = {
    delimiter: re.compile(f"[{delimiter.value}]")
    for delimiter in Delimiter
    if delimiter is not Delimiter.NONE
}
_BAD_UNQUOTED = re.compile("[\"'<=`]")


Step = tuple[Context, int]


class Page:
    """A literal text, with what was found out about it: where elements of raw text end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends: dict[str, int] = {}

    def end_of(self, element: str, start: int) -> int:
        """Where `</element` begins, behind a start; the end of the text if nowhere."""
        known = self._ends.get(element, -1)
        if known < start:
            found = _ENDS[element].search(self.text, start)
            known = self._ends[element] = found.start() if found else len(self.text)
        return known


def after_token(context: Context, page: Page, start: int) -> Step:
    """The context behind the next token, and where that ends."""
    if context.delimiter is not Delimiter.NONE:
        return _in_attribute(context, page.text, start)
    end = len(page.text)
    if context.element and context.state not in _IN_TAG:
        end = page.end_of(context.element, start)
        if end == start:
            return Context(), start
    return _READERS[context.state](context, page.text, start, end)


def _in_attribute(context: Context, text: str, start: int) -> Step:
    found = _VALUE_ENDS[context.delimiter].search(text, start)
    end = found.start() if found else len(text)
    if context.delimiter is Delimiter.SPACE:
        bad = _BAD_UNQUOTED.search(text, start, end)
        if bad is not None:
            raise BadPage(f'"{bad.group()}" in unquoted attr: "{text[start:end][:32]}"')
    if found is None:
        return _whole_value(context, unescape(text[start:])), len(text)
    element = context.element
    if context.script_type and element == "script" and not is_script_type(text[start:end]):
        element = ""
    closed = end if context.delimiter is Delimiter.SPACE else end + 1
    return Context(State.TAG, element=element), closed


def _whole_value(context: Context, value: str) -> Context:
    position = 0
    while position < len(value):
        context, position = _READERS[context.state](context, value, position, len(value))
    return context


def _text(context: Context, text: str, start: int, end: int) -> Step:
    found = _TAG.search(text, start, end)
    if found is None:
        return context, end
    if found[1]:
        return Context(State.HTML_COMMENT), found.end()
    name = found[3].lower()
    element = name if name in RAW_ELEMENTS and not found[2] else ""
    return Context(State.TAG, element=element), found.end()


def _tag(context: Context, text: str, start: int, end: int) -> Step:
    position = _behind_space(text, start, end)
    if position == end:
        return context, end
    if text[position] == ">":
        state = RAW_ELEMENTS.get(context.element, State.TEXT)
        return Context(state, element=context.element), position + 1
    name_end = _behind_name(text, position, end)
    if name_end == position:
        got = text[position:end][:32]
        raise BadPage(f'expected space, attr name, or end of tag, but got "{got}"')
    name = text[position:name_end].lower()
    script_type = context.element == "script" and name == "type"
    begins = attribute_state(name)
    attribute = State.ATTR if script_type or begins is None else begins
    state = State.ATTR_NAME if name_end == end else State.AFTER_NAME
    named = Context(state, attribute=attribute, script_type=script_type, element=context.element)
    return named, name_end


def _attr_name(context: Context, text: str, start: int, end: int) -> Step:
    name_end = _behind_name(text, start, end)
    if name_end != end:
        context = replace(context, state=State.AFTER_NAME)
    return context, name_end


def _after_name(context: Context, text: str, start: int, end: int) -> Step:
    position = _behind_space(text, start, end)
    if position == end:
        return context, end
    if text[position] != "=":
        return replace(context, state=State.TAG), position
    return replace(context, state=State.BEFORE_VALUE), position + 1


def _before_value(context: Context, text: str, start: int, end: int) -> Step:
    position = _behind_space(text, start, end)
    if position == end:
        return context, end
    delimiter = Delimiter.SPACE
    if text[position] in "\"'":
        delimiter = Delimiter(text[position])
        position += 1
    return replace(context, state=context.attribute, delimiter=delimiter), position


def _comment(context: Context, text: str, start: int, end: int) -> Step:
    found = text.find("-->", start, end)
    return (context, end) if found < 0 else (Context(), found + 3)


def _all(context: Context, text: str, start: int, end: int) -> Step:
    return context, end


def url(context: Context, text: str, start: int, end: int) -> Step:
    """A part of a URL."""
    if "#" in text[start:end] or "?" in text[start:end]:
        return replace(context, url=UrlPart.QUERY), end
    if context.url is UrlPart.NONE and text[start:end].strip(" \t\n\f\r"):
        return replace(context, url=UrlPart.BEFORE_QUERY), end
    return context, end


def _behind_space(text: str, start: int, end: int) -> int:
    found = _SPACE.match(text, start, end)
    return found.end() if found else start


def _behind_name(text: str, start: int, end: int) -> int:
    found = _NAME.match(text, start, end)
    stop = found.end() if found else start
    if stop < end and text[stop] in "'\"<":
        raise BadPage(f"{text[stop]!r} in attribute name: {text[start:end][:32]!r}")
    return stop


_IN_TAG = frozenset((State.TAG, State.ATTR_NAME, State.AFTER_NAME, State.BEFORE_VALUE))
_READERS: dict[State, Callable[[Context, str, int, int], Step]] = {
    State.TEXT: _text,
    State.TAG: _tag,
    State.ATTR_NAME: _attr_name,
    State.AFTER_NAME: _after_name,
    State.BEFORE_VALUE: _before_value,
    State.HTML_COMMENT: _comment,
    State.RCDATA: _all,
    State.ATTR: _all,
    State.URL: url,
    State.SRCSET: url,
    State.JS: script,
    State.JS_DOUBLE: script_literal,
    State.JS_SINGLE: script_literal,
    State.JS_BACKTICK: script_literal,
    State.JS_REGEXP: script_literal,
    State.JS_BLOCK_COMMENT: script_literal,
    State.JS_LINE_COMMENT: script_literal,
    State.CSS: style,
    State.CSS_DOUBLE: style_text,
    State.CSS_SINGLE: style_text,
    State.CSS_DOUBLE_URL: style_text,
    State.CSS_SINGLE_URL: style_text,
    State.CSS_URL: style_text,
    State.CSS_BLOCK_COMMENT: style_text,
    State.CSS_LINE_COMMENT: style_text,
}

"""How the text of a script changes the context: texts, comments, and whether a slash begins a
regular expression. Knows no HTML.
"""

from __future__ import annotations

import re
from dataclasses import replace

from apiql.gotemplate.html_context import Context, Slash, State
from apiql.gotemplate.html_problem import BadPage

Step = tuple[Context, int]

_SPECIAL = re.compile("[\"'`/]|<!--|-->|#!")
_SPECIAL_IN_BRACES = re.compile("[\"'`/{}]|<!--|-->|#!")
_BLANKS = "\t\n\f\r \u2028\u2029"
_LINE_END = re.compile("[\n\r\u2028\u2029]")
_WORD = re.compile(r"[$_A-Za-z0-9]+\Z")
_BEFORE_REGEXP = frozenset(
    "break case continue delete do else finally in instanceof return throw try typeof void".split()
)
_QUOTES = {'"': State.JS_DOUBLE, "'": State.JS_SINGLE, "`": State.JS_BACKTICK}
_LITERAL_ENDS = {
    State.JS_DOUBLE: re.compile(r'[\\"]'),
    State.JS_SINGLE: re.compile(r"[\\']"),
    State.JS_BACKTICK: re.compile(r"[\\`]|\$\{"),
    State.JS_REGEXP: re.compile(r"[\\/\[\]]"),
}
LITERALS = frozenset(_LITERAL_ENDS)
"""The states inside texts and regular expressions."""
_MOST_BRACES = 20
"""How many `${` may stand in each other."""
_SCRIPT_TYPES = frozenset(
    "application/ecmascript application/javascript application/json application/ld+json"
    " application/x-ecmascript application/x-javascript module text/ecmascript text/javascript"
    " text/javascript1.0 text/javascript1.1 text/javascript1.2 text/javascript1.3"
    " text/javascript1.4 text/javascript1.5 text/jscript text/livescript text/x-ecmascript"
    " text/x-javascript".split()
)


def is_script_type(media_type: str) -> bool:
    """Whether a script of this type is JavaScript or JSON."""
    return media_type.partition(";")[0].strip().lower() in _SCRIPT_TYPES


def script(context: Context, text: str, start: int, end: int) -> Step:
    """Up to the next quote, comment or slash, in code."""
    special = _SPECIAL_IN_BRACES if context.braces else _SPECIAL
    found = special.search(text, start, end)
    stop = found.start() if found else end
    context = replace(context, slash=_slash_after(text[start:stop], context.slash))
    if found is None:
        return context, end
    sign = found.group()
    if sign in _QUOTES:
        return replace(context, state=_QUOTES[sign], slash=Slash.REGEXP), stop + 1
    if sign == "/":
        return _after_slash(context, text, stop, end)
    if sign in "{}":
        return _after_brace(context, sign), stop + 1
    return replace(context, state=State.JS_LINE_COMMENT), found.end()


def _after_brace(context: Context, sign: str) -> Context:
    """Braces are counted inside `${`: the one that closes it goes back to the text around."""
    *outer, opened = context.braces
    opened += 1 if sign == "{" else -1
    if opened < 0:
        return replace(context, state=State.JS_BACKTICK, braces=tuple(outer))
    return replace(context, slash=Slash.REGEXP, braces=(*outer, opened))


def _after_slash(context: Context, text: str, stop: int, end: int) -> Step:
    if text.startswith("//", stop, end):
        return replace(context, state=State.JS_LINE_COMMENT), stop + 2
    if text.startswith("/*", stop, end):
        return replace(context, state=State.JS_BLOCK_COMMENT), stop + 2
    if context.slash is Slash.REGEXP:
        return replace(context, state=State.JS_REGEXP), stop + 1
    if context.slash is Slash.DIVISION:
        return replace(context, slash=Slash.REGEXP), stop + 1
    raise BadPage(f"'/' could start a division or regexp: {text[stop : stop + 32]!r}")


def script_literal(context: Context, text: str, start: int, end: int) -> Step:
    """Up to the end of a text, a regular expression or a comment of a script."""
    if context.state is State.JS_BLOCK_COMMENT:
        close = text.find("*/", start, end)
        return (context, end) if close < 0 else (replace(context, state=State.JS), close + 2)
    if context.state is State.JS_LINE_COMMENT:
        line_end = _LINE_END.search(text, start, end)
        if line_end is None:
            return context, end
        return replace(context, state=State.JS), line_end.start()
    return _quoted(context, text, start, end)


def _quoted(context: Context, text: str, start: int, end: int) -> Step:
    specials = _LITERAL_ENDS[context.state]
    position, in_set = start, False
    while (found := specials.search(text, position, end)) is not None:
        position = found.end()
        match found.group():
            case "\\":
                if position == end:
                    shown = text[start:end][-32:]
                    raise BadPage(f"unfinished escape sequence in JS string: {shown!r}")
                position += 1
            case "[":
                in_set = True
            case "]":
                in_set = False
            case "${":
                return _inserted(context, text[start:position]), position
            case _ if not in_set:
                return replace(context, state=State.JS, slash=Slash.DIVISION), position
    if in_set:
        raise BadPage(f"unfinished JS regexp charset: {text[start:end][-32:]!r}")
    return context, end


def _inserted(context: Context, literal: str) -> Context:
    """Code begins in a text between backticks, up to its brace."""
    if len(context.braces) == _MOST_BRACES:
        raise BadPage(f"JS template literals are nested too deeply: {literal[-32:]!r}")
    return replace(context, state=State.JS, slash=Slash.REGEXP, braces=(*context.braces, 0))


def _slash_after(code: str, before: Slash) -> Slash:
    """What a slash means behind some code without texts, comments or slashes."""
    code = code.rstrip(_BLANKS)
    if not code:
        return before
    last = code[-1]
    if last in "+-":
        run = len(code) - len(code.rstrip(last))
        return Slash.REGEXP if run % 2 else Slash.DIVISION
    if last == ".":
        return Slash.DIVISION if code[-2:-1].isdigit() else Slash.REGEXP
    if last in ",<>=*%&|^?!~([:;{}":
        return Slash.REGEXP
    word = _WORD.search(code[-16:])
    return Slash.REGEXP if word and word.group() in _BEFORE_REGEXP else Slash.DIVISION

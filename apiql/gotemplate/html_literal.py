"""The literal text of a page as it is written out: comments are left out, a stray < is escaped.
What would begin a comment inside a text of a script is spelled otherwise there: a browser that has
seen `<!--` and `<script` does not end the script where it seems to end.
"""

from __future__ import annotations

import re

from apiql.gotemplate.html_context import COMMENTS, Context, Delimiter, State
from apiql.gotemplate.html_script import LITERALS
from apiql.gotemplate.html_text import Page, after_token

_STRAY = re.compile(r"<(?!!DOCTYPE)", re.IGNORECASE)
_OPENINGS = ("<!--", "-->", "//", "/*", "#!")
_LINE_ENDS = re.compile("[\n\r\u2028\u2029]")


def page_text(text: str, context: Context) -> tuple[str, Context]:
    """What is written of a literal text that begins in a context, and the context behind it."""
    page = Page(text)
    parts: list[str] = []
    position = 0
    while position < len(text):
        after, end = after_token(context, page, position)
        parts.append(_piece(text[position:end], context, after))
        context, position = after, end
    return "".join(parts), context


def _piece(piece: str, before: Context, after: Context) -> str:
    if before.delimiter is not Delimiter.NONE:
        return piece
    if before.state in COMMENTS:
        return _instead(before.state, piece)
    if before.state in LITERALS:
        return piece.replace("<!--", r"\u003C!--")
    opening = ""
    if after.state is not before.state and before.state in (State.TEXT, State.RCDATA):
        cut = piece.rfind("<")
        piece, opening = (piece[:cut], piece[cut:]) if cut >= 0 else (piece, "")
    if before.state in (State.TEXT, State.RCDATA):
        piece = _STRAY.sub("&lt;", piece)
    piece += opening
    if after.state in COMMENTS:
        piece = next((piece.removesuffix(o) for o in _OPENINGS if piece.endswith(o)), piece)
    return piece


def _instead(state: State, piece: str) -> str:
    """Block comments separate words; in a script, one with a line end ends the line as well."""
    if state is State.JS_BLOCK_COMMENT:
        return "\n" if _LINE_ENDS.search(piece) else " "
    return " " if state is State.CSS_BLOCK_COMMENT else ""

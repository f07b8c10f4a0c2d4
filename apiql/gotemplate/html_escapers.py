"""What makes a value safe at one place of a page: one function for each kind of place, with the
results of Go's html/template. The first of a place gets the value, the next ones its text.
"""

from __future__ import annotations

import re
from typing import Final

from apiql.gotemplate import quoting
from apiql.gotemplate.html_context import State, attribute_state
from apiql.gotemplate.html_style import decoded
from apiql.gotemplate.printing import text_of, written
from apiql.gotemplate.values import MISSING, Number, Value

REFUSED: Final = "ZgotmplZ"
"""Stands where a value would not be safe; Go's word, known to search engines."""

_HTML = str.maketrans(
    {
        "\0": "\ufffd",
        '"': "&#34;",
        "&": "&amp;",
        "'": "&#39;",
        "+": "&#43;",
        "<": "&lt;",
        ">": "&gt;",
    }
)
_UNQUOTED = str.maketrans(
    {
        "\0": "&#xfffd;",
        **{sign: f"&#{ord(sign)};" for sign in "\t\n\v\f\r \"'+=`"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        **{
            chr(code): f"&#x{code:x};" for code in (*range(0xFDD0, 0xFDF0), *range(0xFFF0, 0x10000))
        },
    }
)
_SCRIPT_PLAIN = {
    "\0": r"\u0000",
    "\t": r"\t",
    "\n": r"\n",
    "\v": r"\u000b",
    "\f": r"\f",
    "\r": r"\r",
    "/": r"\/",
    "\u2028": r"\u2028",
    "\u2029": r"\u2029",
}
_SCRIPT_HEX = {sign: rf"\u{ord(sign):04x}" for sign in "\"&'+<>`"}
_SCRIPT_TEXT = str.maketrans({**_SCRIPT_PLAIN, **_SCRIPT_HEX, "\\": "\\\\"})
_SCRIPT_REGEXP = str.maketrans(
    {**_SCRIPT_PLAIN, **_SCRIPT_HEX, **{sign: "\\" + sign for sign in r"$()*-.?[\]^{|}"}}
)
_STYLE = {
    "\0": "\\0",
    "\t": "\\9",
    "\n": "\\a",
    "\f": "\\c",
    "\r": "\\d",
    "\\": "\\\\",
    **{sign: f"\\{ord(sign):x}" for sign in "\"&'()+/:;<>{}"},
}
_STYLE_SIGN = re.compile(r"""[\0\t\n\f\r\\"&'()+/:;<>{}]""")
_STYLE_UNSAFE = re.compile(r"""[\0"'()/;@\[\\\]`{}<>]|--""")
_WORD = re.compile(r"[$_A-Za-z0-9]")
_NAME = re.compile(r"[a-z0-9]+")
_LONE_PERCENT = re.compile("%(?![0-9a-fA-F]{2})")
_IMAGE = re.compile(r"([\t\n\f\r ]*+)([^\t\n\f\r ]*+)([\t\n\f\r A-Za-z0-9]*+)")
_URL_KEPT = "!#$&*+,/:;=?@[]%"


def plain(value: Value) -> str:
    """The text of a value; nothing for nil."""
    if type(value) is str:
        return value
    return "" if value is None or value is MISSING else text_of(value)


def html(value: Value) -> str:
    """In the text of a page, and in quoted attributes."""
    return plain(value).translate(_HTML)


def unquoted(value: Value) -> str:
    """In an attribute without quotes."""
    return plain(value).translate(_UNQUOTED) or REFUSED


def name(value: Value) -> str:
    """As the name of an attribute: only those that cannot run anything."""
    word = plain(value).lower()
    if _NAME.fullmatch(word) and attribute_state(word) is State.ATTR:
        return word
    return REFUSED


def script_value(value: Value) -> str:
    """As a value in a script: JSON, with blanks around words and numbers."""
    text = quoting.json_text(str(value) if isinstance(value, Number) else value)
    if _WORD.match(text[0]) or _WORD.match(text[-1]):
        return f" {text} "
    return text


def script_text(value: Value) -> str:
    """Inside a quoted text of a script."""
    return plain(value).translate(_SCRIPT_TEXT)


def script_regexp(value: Value) -> str:
    """Inside a regular expression of a script."""
    return plain(value).translate(_SCRIPT_REGEXP) or "(?:)"


def style_value(value: Value) -> str:
    """As a value in a style: quantities, words, colours; nothing that ends one or calls."""
    text = decoded(plain(value))
    letters = "".join(re.findall(r"[A-Za-z0-9_]", text)).lower()
    if _STYLE_UNSAFE.search(text) or "expression" in letters or "mozbinding" in letters:
        return REFUSED
    return text


def style_text(value: Value) -> str:
    """Inside a quoted text of a style."""
    text = plain(value)

    def escaped(found: re.Match[str]) -> str:
        code = _STYLE[found.group()]
        follows = text[found.end() : found.end() + 1]
        ends = not follows or follows in "0123456789abcdefABCDEF\t\n\f\r "
        return f"{code} " if ends and code != "\\\\" else code

    return _STYLE_SIGN.sub(escaped, text)


def url_filter(value: Value) -> str:
    """At the start of a URL: no other schemes than http, https and mailto."""
    text = plain(value)
    return text if _is_safe_url(text) else f"#{REFUSED}"


def _is_safe_url(text: str) -> bool:
    scheme, colon, _ = text.partition(":")
    return not colon or "/" in scheme or scheme.lower() in ("http", "https", "mailto")


def url_normal(value: Value) -> str:
    """Inside a URL: what may not stand in one is encoded, what may is left."""
    return _encoded(_LONE_PERCENT.sub("%25", plain(value)), _URL_KEPT)


def url_value(value: Value) -> str:
    """In the query of a URL: all but letters, digits and -._~ is encoded."""
    return _encoded(plain(value), "")


def _encoded(text: str, kept: str) -> str:
    """Percent encoding with small letters, as Go writes it; those that were there stay."""
    signs = re.compile(f"[^A-Za-z0-9_.~{re.escape(kept)}-]+")
    return signs.sub(_percent, text)


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02x}" for byte in found.group().encode("utf-8", "replace"))


def srcset(value: Value) -> str:
    """A list of images: each URL is checked by itself."""
    return ",".join(_image(part) for part in plain(value).split(","))


def _image(part: str) -> str:
    found = _IMAGE.fullmatch(part)
    if found is None or not _is_safe_url(found[2]):
        return f"#{REFUSED}"
    return found[1] + url_normal(found[2]) + found[3]


def comment(value: Value) -> str:
    """In a comment: nothing."""
    return ""


def predefined_html(value: Value) -> str:
    """`html` at the end of a pipeline, where it takes the place of our own."""
    return quoting.html(written(value))


def predefined_urlquery(value: Value) -> str:
    """`urlquery` at the end of a pipeline."""
    return quoting.urlquery(written(value))

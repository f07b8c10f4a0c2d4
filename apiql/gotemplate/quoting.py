"""Texts in other languages: Go's quoted strings, HTML, JavaScript, URLs and JSON, as the functions
of text/template and encoding/json write them.
"""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import quote_plus

from apiql.gotemplate import printing
from apiql.gotemplate.values import MISSING, ListView, MapView, Value, seen

_GO = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
}
_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS = str.maketrans(
    {
        "\\": r"\\",
        "'": r"\'",
        '"': r"\"",
        "<": r"\u003C",
        ">": r"\u003E",
        "&": r"\u0026",
        "=": r"\u003D",
        **{chr(code): rf"\u{code:04X}" for code in range(32)},
    }
)
_JSON = str.maketrans(
    {
        "\\": r"\\",
        '"': r"\"",
        "\n": r"\n",
        "\r": r"\r",
        "\t": r"\t",
        "<": r"\u003c",
        ">": r"\u003e",
        "&": r"\u0026",
        "\u2028": r"\u2028",
        "\u2029": r"\u2029",
        **{chr(code): rf"\u{code:04x}" for code in range(32) if chr(code) not in "\n\r\t"},
    }
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def quoted(text: str, quote: str = '"') -> str:
    """strconv.Quote: what cannot be printed is escaped."""

    def escaped(character: str) -> str:
        if character == quote:
            return "\\" + quote
        if character in _GO:
            return _GO[character]
        if character.isprintable():
            return character
        code = ord(character)
        if code < 0x80:
            return rf"\x{code:02x}"
        return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"

    return quote + "".join(map(escaped, text)) + quote


def html(text: str) -> str:
    """template.HTMLEscapeString of text/template."""
    return text.translate(_HTML)


def js(text: str) -> str:
    """template.JSEscapeString: what may stand inside a quoted text of JavaScript."""
    escaped = text.translate(_JS)
    if escaped.isprintable():
        return escaped
    return _UNPRINTABLE.sub(_js_code, escaped)


def _js_code(found: re.Match[str]) -> str:
    character = found.group()
    return character if character.isprintable() else rf"\u{ord(character):04X}"


def urlquery(text: str) -> str:
    """url.QueryEscape: blanks become +."""
    return quote_plus(text, errors="replace")


def json_inside(text: str) -> str:
    """A text as it stands between the quotes of JSON, with Go's escapes of < > & and others."""
    return text.translate(_JSON)


def json_text(value: Value) -> str:
    """json.Marshal: members sorted, compact."""
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, ListView):
        return f"[{','.join(json_member(seen(raw, value.kind)) for raw in value.raw)}]"
    if isinstance(value, MapView):
        members = (
            f'"{json_inside(name)}":{json_member(seen(raw, value.kind_of(name)))}'
            for name, raw in printing.pairs(value)
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, float):
        return _json_float(value)
    if isinstance(value, str):
        return f'"{json_inside(value)}"'
    return printing.text_of(value)


def json_member(value: Value) -> str:
    """The same inside a list or map, where a json.Number is a number."""
    from_upstream = isinstance(value, str) and type(value) is not str
    return str(value) if from_upstream else json_text(value)


def _json_float(value: float) -> str:
    """As JavaScript writes numbers: digits from 1e-06 to below 1e+21."""
    if value != value or abs(value) == float("inf"):
        return "null"
    size = abs(value)
    if size and (size < 1e-6 or size >= 1e21):
        mantissa, _, exponent = repr(value).partition("e")
        digits = exponent.lstrip("+-0") or "0"
        return f"{mantissa}e{'-' if exponent.startswith('-') else '+'}{digits}"
    if value == int(value):
        return str(int(value))
    return f"{Decimal(repr(value)):f}"

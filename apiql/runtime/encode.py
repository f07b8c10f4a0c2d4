"""How a JSON value is written at each place of a request. What cannot stand there is refused."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from apiql.errors import ValueRefused
from apiql.runtime.json_values import a_kind, encode, plain_text, usual_texts

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
PASSED_ON = re.compile(r"[\x20-\x7e\t\x80-\xff]*")
MANY = 10**18
"""Integers below need no look at their length: the usual case is quick."""
COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")


def segment(name: str, value: Any) -> str:
    """A value as one path segment, percent-encoded."""
    if type(value) is int and -MANY < value < MANY:
        return str(value)
    text = _scalar(name, value, "a path")
    if not text:
        raise ValueRefused(f"{{{name}}} would be empty", "a path needs a text or a number here")
    if CONTROL.search(text):
        raise ValueRefused(f"{{{name}}} holds a control character", "take it out")
    if any(part in (".", "..") for part in re.split(r"[/\\]", text)):
        raise ValueRefused(f"{{{name}}} would climb out of its path", "`.` and `..` are refused")
    return quoted(text)


def quoted(text: str) -> str:
    """Percent-encoded but for letters, digits and `-._~` (RFC 3986, unreserved)."""
    if text.isascii():
        if text.isalnum():
            return text
        if text.replace(",", "").isalnum():
            return text.replace(",", "%2C")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueRefused("a text has half of a surrogate pair") from None


def pairs(name: str, value: Any, style: str) -> Iterable[tuple[str, str]]:
    """A value as name-value texts for a query string or form, lists as the source wants them; a
    null in a list is not there.
    """
    if not isinstance(value, list) or style == "json":
        return ((name, _pair_text(value)),)
    texts = usual_texts(value)
    if texts is None:
        if any(isinstance(item, list | dict) for item in value):
            return ((name, encode(value).decode()),)
        texts = [_pair_text(item) for item in value if item is not None]
        if not texts and value:
            return ()
    if style == "csv":
        return ((name, ",".join(texts)),)
    key = f"{name}[]" if style == "brackets" else name
    return tuple((key, text) for text in texts)


def query_text(found: Iterable[tuple[str, str]]) -> str:
    """Name-value texts as `a=b&c=d`, both sides encoded."""
    return "&".join([f"{quoted(name)}={quoted(text)}" for name, text in found])


def header(name: str, value: Any) -> str:
    """A scalar as a header value: printable ASCII."""
    text = _scalar(name, value, "a header")
    if not HEADER_VALUE.fullmatch(text):
        raise ValueRefused(
            f"the header {name} holds a control character or a letter beyond ASCII",
            "url_encode(…) or base64(…) make it printable",
        )
    if text != text.strip(" \t"):
        raise ValueRefused(
            f"the header {name} begins or ends with white space, which headers cannot carry",
            "trim(…) takes it off",
        )
    return text


def passed_on(name: str, value: Any) -> str:
    """A header of the caller's, as it came: its bytes as Latin-1."""
    text = _scalar(name, value, "a header").strip(" \t")
    if not PASSED_ON.fullmatch(text):
        raise ValueRefused(f"the header {name} holds a control character", "take it out")
    return text


def cookie(name: str, value: Any) -> str:
    """A scalar as a cookie: RFC 6265's cookie-octets."""
    text = _scalar(name, value, "a cookie")
    if not COOKIE_VALUE.fullmatch(text):
        raise ValueRefused(
            f"the cookie {name} holds a character that cookies cannot carry",
            "url_encode(…) makes it safe",
        )
    return f"{name}={text}"


def body(value: Any) -> tuple[bytes, str]:
    """A whole body and its media type: a text as it is, all else as JSON."""
    if isinstance(value, str):
        return text_body(value), "text/plain; charset=utf-8"
    return encode(value), "application/json"


def text_body(text: str) -> bytes:
    """A text as a body."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueRefused("the body has half of a surrogate pair") from None


def form(fields: list[tuple[str, Any]], style: str, boundary: str) -> tuple[bytes, str]:
    """A form and its media type: URL-encoded, or multipart where a field is a file."""
    if not any(is_file(value) for _, value in fields):
        found = [pair for name, value in fields for pair in pairs(name, value, style)]
        return query_text(found).encode(), "application/x-www-form-urlencoded"
    parts = [_part(name, value, style) for name, value in fields]
    lines = b"".join(
        b"--" + boundary.encode() + b"\r\n" + part for chunk in parts for part in chunk
    )
    whole = lines + b"--" + boundary.encode() + b"--\r\n"
    return whole, f"multipart/form-data; boundary={boundary}"


def is_file(value: Any) -> bool:
    """Whether a form's value is `{"filename", "type", "base64"}`."""
    return isinstance(value, dict) and "base64" in value and "filename" in value


def _part(name: str, value: Any, style: str) -> list[bytes]:
    if not is_file(value):
        return [
            _disposition(key) + b"\r\n\r\n" + text.encode() + b"\r\n"
            for key, text in pairs(name, value, style)
        ]
    if not all(isinstance(value.get(key), str) for key in ("filename", "base64")):
        raise ValueRefused(f"the file {name} wants texts", '{"filename", "type", "base64"}')
    try:
        data = base64.b64decode(value["base64"], validate=True)
    except (binascii.Error, ValueError):
        raise ValueRefused(f"the file {name} is no base64") from None
    media = header("type", value.get("type", "application/octet-stream"))
    name_of_file = b'; filename="' + _in_quotes(value["filename"]) + b'"'
    head = _disposition(name) + name_of_file + b"\r\nContent-Type: " + media.encode()
    return [head + b"\r\n\r\n" + data + b"\r\n"]


def _disposition(name: str) -> bytes:
    return b'Content-Disposition: form-data; name="' + _in_quotes(name) + b'"'


def _in_quotes(text: str) -> bytes:
    """A name in quotes, as browsers write it (WHATWG: \\r, \\n and " percent-encoded)."""
    safe = text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return safe.encode("utf-8", "replace")


def _pair_text(value: Any) -> str:
    if isinstance(value, list | dict) or value is None:
        return encode(value).decode()
    return plain_text(value)


def _scalar(name: str, value: Any, place: str) -> str:
    if isinstance(value, list | dict) or value is None:
        hint = "json(…) or join(…) make one text of it"
        raise ValueRefused(f"{place} takes a text, number or boolean, and {name} is "
                           f"{a_kind(value)}", hint)  # fmt: skip
    return plain_text(value)

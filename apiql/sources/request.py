"""The bytes of one HTTP/1.1 request; refuses whatever would be read as another request."""

from __future__ import annotations

import re
from functools import lru_cache

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call, Headers
from apiql.sources.codings import ACCEPTED

_OURS = frozenset(
    (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
        "upgrade", "expect", "proxy-connection", "http2-settings",
    )
)  # fmt: skip
"""Fields of framing and of one hop: no caller may set them."""

_FIELDS = re.compile(r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*\r\n)+")
"""RFC 9112 with the visible characters of RFC 9110; obs-text is let through."""

_SHORT = 1024
_SENDS = frozenset(("POST", "PUT", "PATCH"))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def opening(authority: str) -> str:
    """The part of every request to an origin that follows the target."""
    return f" HTTP/1.1\r\nHost: {authority}\r\n"


def request_bytes(call: Call, method: str, opened: str) -> bytes:
    """Head and body in one piece, so that one write sends them.

    Raises `CallFailed` BAD_VALUE for a method, target or header that cannot be sent safely.
    """
    target, body = call.target, call.body
    visible = target.isascii() and target.isprintable() and " " not in target
    if not visible or target[:1] != "/" or method not in _METHODS:
        raise _refused()
    if body is None and method not in _SENDS:
        lines = field_lines(call.headers)
        if call.passing:
            lines += _passing_lines(call.passing)
        return f"{method} {target}{opened}{lines}\r\n".encode("latin-1")
    lines = field_lines(call.headers) + _passing_lines(call.passing)
    fields = f"{lines}Content-Length: {len(body) if body else 0}\r\n"
    head = f"{method} {target}{opened}{fields}\r\n".encode("latin-1")
    return head + body if body else head


def field_lines(headers: Headers) -> str:
    """The header fields as they are sent, with ours where they are missing.

    Short ones are kept: most calls of a source send the same, and what a caller can fill with
    kilobytes takes no lasting room.
    """
    short = sum([len(value) for _, value in headers]) <= _SHORT
    return _kept_lines(headers) if short else _lines(headers)


def _passing_lines(headers: Headers) -> str:
    """Fields of this call alone, which are never kept; ours are in the others."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if headers and not (lines.count("\n") == len(headers) and _FIELDS.fullmatch(lines)):
        raise _refused()
    return lines


@lru_cache(maxsize=1024)
def _kept_lines(headers: Headers) -> str:
    return _lines(headers)


def _lines(headers: Headers) -> str:
    names = {name.lower() for name, _ in headers}
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    if "user-agent" not in names:
        lines.append("User-Agent: apiql\r\n")
    if "accept-encoding" not in names:
        lines.append(f"Accept-Encoding: {ACCEPTED}\r\n")
    text = "".join(lines)
    if text.count("\n") != len(lines) or not _FIELDS.fullmatch(text) or names & _OURS:
        raise _refused()
    return text


def _refused() -> CallFailed:
    return CallFailed(Code.BAD_VALUE, "the method, the path or a header holds what cannot be sent")

"""The bytes of one HTTP/1.1 request; refuses whatever would be read as another request."""

from __future__ import annotations

import re

from apiql.errors import CallFailed, Code
from apiql.sources.call import Call
from apiql.sources.codings import ACCEPTED

_OURS = frozenset(
    (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
        "upgrade", "expect", "proxy-connection", "http2-settings",
    )
)  # fmt: skip
"""Fields of framing and of one hop: no caller may set them."""

_HEAD = re.compile(
    r"[A-Z]{1,20} /[!-~]* HTTP/1\.1\r\n"
    r"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t -~\x80-\xff]*\r\n)+\r\n"
)
"""RFC 9112 with the visible characters of RFC 9110; obs-text is let through."""

_SENDS = frozenset(("POST", "PUT", "PATCH"))
_REFUSED = frozenset(("CONNECT", "TRACE"))


def opening(authority: str) -> str:
    """The part of every request to an origin that follows the target."""
    return f" HTTP/1.1\r\nHost: {authority}\r\n"


def request_bytes(call: Call, method: str, opened: str) -> bytes:
    """Head and body in one piece, so that one write sends them.

    Raises `CallFailed` BAD_VALUE for a method, target or header that cannot be sent safely.
    """
    headers = call.headers
    names = {name.lower() for name, _ in headers}
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    if "user-agent" not in names:
        lines.append("User-Agent: apiql\r\n")
    if "accept-encoding" not in names:
        lines.append(f"Accept-Encoding: {ACCEPTED}\r\n")
    body = call.body
    if body is not None or method in _SENDS:
        lines.append(f"Content-Length: {len(body) if body else 0}\r\n")
    head = f"{method} {call.target}{opened}{''.join(lines)}\r\n"
    injected = head.count("\n") != len(lines) + 3
    if injected or method in _REFUSED or not _HEAD.fullmatch(head) or not _OURS.isdisjoint(names):
        raise CallFailed(
            Code.BAD_VALUE, "the method, the path or a header holds what cannot be sent"
        )
    return head.encode("latin-1") + body if body else head.encode("latin-1")

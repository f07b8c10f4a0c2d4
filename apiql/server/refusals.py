"""Answers that are ready before anybody asks: what is refused costs as little as it can."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from apiql.errors import Code
from apiql.server.admission import DETAIL, RETRY_AFTER
from apiql.server.render import Pairs, problem_body

CLOSE = (b"connection", b"close")
AGAIN = (b"retry-after", str(RETRY_AFTER).encode())


def ready(code: Code, detail: str, *headers: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """The status line of an answer, and all that follows its first headers."""
    body = problem_body(code, code.status, detail)
    pairs: Pairs = [
        (b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()), *headers,
    ]  # fmt: skip
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in pairs)
    return STATUS_LINE[code.status], lines + b"\r\n" + body


OVERLOADED = ready(Code.OVERLOADED, DETAIL, AGAIN)
OVERLOADED_LAST = ready(Code.OVERLOADED, DETAIL, AGAIN, CLOSE)
CROWDED = ready(Code.OVERLOADED, "there are as many connections as can be had", AGAIN, CLOSE)
BROKEN = ready(Code.BAD_REQUEST, "this is no HTTP request", CLOSE)
UPGRADING = ready(Code.BAD_REQUEST, "a request with a body cannot ask for an upgrade", CLOSE)
LATE_HEAD = ready(Code.REQUEST_TIMEOUT, "the headers were not here in time", CLOSE)
LATE_BODY = ready(Code.REQUEST_TIMEOUT, "the body was not here in time", CLOSE)
LARGE_HEAD = ready(Code.HEADERS_TOO_LARGE, "the headers go over the limit header_bytes", CLOSE)
LARGE_BODY = ready(Code.BODY_TOO_LARGE, "the body goes over the limit body_bytes", CLOSE)


class Ended:
    """Stands for a request that was answered before it was read: what comes of its body goes
    nowhere.
    """

    response_started = response_complete = disconnected = True
    more_body = keep_alive = False
    scope: Any = None

    @property
    def message_event(self) -> Ended:
        """Nobody waits for more of it."""
        return self

    def set(self) -> None:
        """Wakes nobody."""


ENDED = Ended()

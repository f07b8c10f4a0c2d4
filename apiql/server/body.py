"""The body of a request: whole, bounded, in time. What it says is nobody's business here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from apiql.errors import Code, RequestRefused
from apiql.server.visit import Receive, Visit

RECEIVED = "apiql.received"
"""What a connection offers: its request's whole body once it is here, else None."""
BODY_TIME = 10.0
"""Seconds in which a body must be here."""
GONE = "the client left before its body was here"


async def body_of(visit: Visit, most: int) -> bytes:
    """The whole body; the visit has it no longer.

    Raises:
        RequestRefused: as `read_body`.
    """
    body = take_body(visit, most)
    return await read_body(visit.receive, visit.fields, most) if body is None else body


def take_body(visit: Visit, most: int) -> bytes | None:
    """The same where nothing must be waited for: a guard has read it, or it came along with the
    headers. Else None.

    Raises:
        RequestRefused: BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE.
    """
    body = visit.body
    if body is not None:
        visit.body = None
    else:
        offered = visit.scope.get("extensions")
        take = offered.get(RECEIVED) if offered else None
        if take is None:
            return None
        _check_announced(visit.fields, most)
        body = take(visit.scope)
        if body is None:
            return None
    if len(body) > most:
        raise _too_large(most)
    return body


async def read_body(receive: Receive, fields: Mapping[bytes, bytes], most: int) -> bytes:
    """The whole body, as it comes.

    Raises:
        RequestRefused: BODY_TOO_LARGE as soon as that is known, REQUEST_TIMEOUT,
            UNSUPPORTED_MEDIA_TYPE for a content coding.
    """
    _check_announced(fields, most)
    first = await receive()
    if first["type"] == "http.disconnect":
        raise RequestRefused(Code.BAD_REQUEST, GONE)
    body: bytes = first.get("body", b"")
    if not first.get("more_body"):
        if len(body) > most:
            raise _too_large(most)
        return body
    try:
        async with asyncio.timeout(BODY_TIME):
            return await _rest(receive, [body], most)
    except TimeoutError:
        text = f"the body was not here within {BODY_TIME:g}s"
        raise RequestRefused(Code.REQUEST_TIMEOUT, text, {"Connection": "close"}) from None


def _check_announced(fields: Mapping[bytes, bytes], most: int) -> None:
    coding = fields.get(b"content-encoding")
    if coding is not None and coding.strip().lower() != b"identity":
        message = "requests are read as they are: send no Content-Encoding"
        raise RequestRefused(Code.UNSUPPORTED_MEDIA_TYPE, message)
    if int(fields.get(b"content-length") or 0) > most:
        raise _too_large(most)


async def _rest(receive: Receive, chunks: list[bytes], most: int) -> bytes:
    size = len(chunks[0])
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused(Code.BAD_REQUEST, GONE)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body"):
            return b"".join(chunks)


def _too_large(most: int) -> RequestRefused:
    message = f"the body goes over the limit body_bytes = {most}"
    return RequestRefused(Code.BODY_TOO_LARGE, message, {"Connection": "close"})

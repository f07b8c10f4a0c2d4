"""One HTTP/1.1 answer, read from bytes: framing, caps, content coding. No sockets, no clock.

llhttp, in its strict mode, refuses by itself: two lengths, a length next to chunked, lengths that
are no number, broken chunks, NUL, bare CR or LF, line folding, a head that is not HTTP. Checked
here: the status range, versions, interim answers, transfer codings, every size, and that nothing
follows the answer.
"""

from __future__ import annotations

import httptools

from apiql.errors import CallFailed, Code
from apiql.sources.call import Reply
from apiql.sources.codings import Decoding, decoding
from apiql.sources.fields import field_text
from apiql.sources.limits import TransportLimits, Unanswered

LARGE = 64 * 1024
"""Bytes of a body still to come from which on the parser is passed by."""

_DECODED_AWAY = frozenset(("content-encoding", "content-length"))


class Budget:
    """The bytes that all bodies of a transport hold while they are being collected."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class _Surplus(Exception):
    """Bytes beyond the end of the answer."""


class Answer:
    """The answer to one request, and the callbacks of its parser."""

    reply: Reply | None = None
    _failure: CallFailed | None = None
    _decoding: Decoding | None = None
    _length: int | None = None
    _chunked = _headed = _surplus = _keep_alive = _straight = False
    _status = _size = _held = _wire = _head_bytes = _informational = 0
    _last = b""

    def __init__(self, limits: TransportLimits, budget: Budget, head_only: bool) -> None:
        self._limits = limits
        self._budget = budget
        self._head_only = head_only
        self._raw: list[tuple[bytes, bytes]] = []
        self._fields: list[tuple[str, str]] = []
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Takes what arrived; `reply` is set once the answer is complete. Raises `CallFailed`."""
        self._wire += len(data)
        if self._straight:
            self._take(data)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._stopped(error)
        if self.reply is not None:
            self._surplus = self._surplus or self._blank_lines_follow(data)
        elif not self._headed and self._wire > self._limits.header_bytes:
            raise _too_large("head", self._limits.header_bytes)
        elif self._wire > self._limits.body_bytes + self._limits.header_bytes:
            raise _too_large("answer", self._limits.body_bytes)
        elif self._length is not None and self._headed and self._decoding is None:
            self._straight = self._length - self._size > LARGE

    def _take(self, data: bytes) -> None:
        """The rest of a large body of known length, past the parser: it would only copy it."""
        length = self._length or 0
        left = length - self._size
        if len(data) > left:
            self._surplus = True
            data = data[:left]
        self._parts.append(data)
        self._size += len(data)
        self._hold(len(data))
        if self._size == length:
            self._finish()

    def end_of_input(self) -> None:
        """The upstream has closed its side: ends a body without length, else `CallFailed`."""
        if not self._headed or self._chunked or self._length is not None:
            raise self.cut()
        self._finish()
        self._surplus = True

    def cut(self) -> CallFailed:
        """What an answer that breaks off here failed with."""
        if not self._wire:
            return Unanswered(
                Code.UPSTREAM_CONNECT, "the connection closed before an answer", retryable=True
            )
        if not self._headed:
            return CallFailed(Code.BAD_PAYLOAD, "the answer ended within its head")
        if self._length is None:
            return CallFailed(Code.BAD_PAYLOAD, f"the body was cut after {self._size} bytes")
        said = f"Content-Length said {self._length} bytes, {self._size} came"
        return CallFailed(Code.BAD_PAYLOAD, said)

    def late(self) -> CallFailed:
        """What an answer that is not complete at its deadline failed with."""
        where = "no answer came in time"
        if self._headed:
            where = f"the answer did not end in time, {self._size} bytes of its body came"
        elif self._wire:
            where = "the head of the answer did not end in time"
        return CallFailed(Code.UPSTREAM_TIMEOUT, where)

    def reusable(self) -> bool:
        """Whether the connection may go on: complete, kept alive, nothing unread."""
        return self._keep_alive and not self._surplus

    def close(self) -> None:
        """Gives back what the answer held; without it parser and failure are cycles."""
        self._budget.held -= self._held
        self._held = 0
        self._failure = None
        self._parts = []
        if self._decoding is not None:
            self._decoding.close()
        del self._parser

    def on_message_begin(self) -> None:
        if self.reply is not None:
            raise _Surplus

    def on_header(self, name: bytes, value: bytes) -> None:
        raw = self._raw
        raw.append((name, value))
        if len(raw) > self._limits.header_fields:
            raise self._refusal(
                CallFailed(Code.UPSTREAM_TOO_LARGE, "the answer has too many header fields")
            )

    def on_headers_complete(self) -> None:
        status = self._status = self._parser.get_status_code()
        if not 100 <= status <= 599:
            raise self._refusal(CallFailed(Code.BAD_PAYLOAD, "the status is not from 100 to 599"))
        if status < 200:
            self._interim(status)
            return
        self._headed = True
        encoding = self._framing()
        version = self._parser.get_http_version()
        if version != "1.1" and version != "1.0":
            raise self._refusal(CallFailed(Code.BAD_PAYLOAD, "the answer is not HTTP/1.1"))
        if self._chunked and version == "1.0":
            raise self._refusal(CallFailed(Code.BAD_PAYLOAD, "HTTP/1.0 knows no chunked body"))
        if self._head_only or status == 204 or status == 304:
            if self._head_only:
                self._finish()
            return
        if self._length is not None and self._length > self._limits.body_bytes:
            raise self._refusal(_too_large("body", self._limits.body_bytes))
        if encoding:
            self._decode(encoding)

    def on_body(self, data: bytes) -> None:
        if self.reply is not None:
            raise _Surplus
        self._last = data
        self._size += len(data)
        if self._decoding is None:
            self._parts.append(data)
            self._hold(len(data))
            if self._size > self._limits.body_bytes:
                raise self._refusal(_too_large("body", self._limits.body_bytes))
            return
        before = self._decoding.size
        try:
            self._decoding.feed(data)
        except CallFailed as failure:
            raise self._refusal(failure) from None
        self._hold(self._decoding.size - before)

    def on_message_complete(self) -> None:
        if self._status < 200:
            self._raw.clear()
        elif self.reply is None:
            try:
                self._finish()
            except CallFailed as failure:
                raise self._refusal(failure) from None

    def _stopped(self, error: httptools.HttpParserError) -> None:
        """What the parser stopped at: bytes beyond the end, a refusal of ours, or one of llhttp."""
        if self.reply is not None:
            self._surplus = True
            return
        if self._failure is not None:
            raise self._failure
        raise CallFailed(Code.BAD_PAYLOAD, f"the answer is not valid HTTP ({error})") from None

    def _blank_lines_follow(self, data: bytes) -> bool:
        """llhttp skips empty lines between messages; here they are unread bytes like others."""
        if self._chunked:
            return data.endswith(b"\r\n\r\n\r\n")
        if not self._last:
            return data.endswith(b"\r\n\r\n\r\n")
        return data.endswith(b"\n") and not data.endswith(self._last)

    def _refusal(self, failure: CallFailed) -> CallFailed:
        self._failure = failure
        return failure

    def _interim(self, status: int) -> None:
        self._informational += 1
        if status == 101:
            raise self._refusal(
                CallFailed(Code.BAD_PAYLOAD, "the upstream switched protocols unasked")
            )
        if self._informational > self._limits.informational:
            raise self._refusal(CallFailed(Code.BAD_PAYLOAD, "too many interim answers (1xx) came"))

    def _framing(self) -> str:
        """Reads the head, its framing above all; the value of `Content-Encoding`."""
        encoding = ""
        for raw, value in self._raw:
            self._head_bytes += len(raw) + len(value) + 4
            field = field_text(raw, value)
            self._fields.append(field)
            name, text = field
            if name == "content-length":
                self._length = int(text)
            elif name == "content-encoding":
                encoding = f"{encoding}, {text}" if encoding else text
            elif name == "transfer-encoding":
                self._chunk(text)
        if self._head_bytes > self._limits.header_bytes:
            raise self._refusal(_too_large("head", self._limits.header_bytes))
        return encoding

    def _chunk(self, coding: str) -> None:
        if self._chunked or coding.lower() != "chunked":
            raise self._refusal(
                CallFailed(Code.BAD_PAYLOAD, "the transfer coding is not plain chunked")
            )
        self._chunked = True

    def _decode(self, encoding: str) -> None:
        try:
            self._decoding = decoding(encoding, self._limits.body_bytes, self._limits.ratio)
        except CallFailed as failure:
            raise self._refusal(failure) from None

    def _hold(self, size: int) -> None:
        self._held += size
        self._budget.held += size
        if self._budget.held > self._budget.limit:
            raise self._refusal(too_much_under_way())

    def _finish(self) -> None:
        parts = self._parts
        fields = self._fields
        if self._decoding is not None:
            body = self._decoding.end()
            fields = [field for field in fields if field[0] not in _DECODED_AWAY]
        else:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
        self._keep_alive = self._parser.should_keep_alive()
        self.reply = Reply(self._status, tuple(fields), body)


def too_much_under_way() -> CallFailed:
    """The failure of an answer for which there is no room among all others."""
    message = "too many bytes of answers are under way"
    hint = "try again, or raise [limits] bytes_in_flight"
    return CallFailed(Code.UPSTREAM_TOO_LARGE, message, hint, retryable=True)


def _too_large(part: str, limit: int) -> CallFailed:
    return CallFailed(Code.UPSTREAM_TOO_LARGE, f"the {part} is larger than {limit} bytes")

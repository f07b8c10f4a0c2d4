"""uvicorn's httptools protocol with less work for each answer.

One write for a small answer: its head waits for the body behind it, which saves a system call and
a packet. One timer for the rest of all connections instead of one for each answer; it also ends
connections on which a request never becomes complete.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

Pairs = list[tuple[bytes, bytes]]
RESPOND = "apiql.respond"
ABORT = "apiql.abort"
BODY_TIME = 10.0
"""Seconds that a request may leave its body unsent."""
LOOK = 1.0
"""Seconds between two looks at all connections."""


class Protocol(HttpToolsProtocol):
    """A client's connection."""

    resting_since = awaited_since = 0.0
    awaited: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport))  # type: ignore[arg-type]
        self.resting_since = self.loop.time()
        if not hasattr(self.server_state, "rests"):
            self.server_state.rests = Rests(self.loop, self.timeout_keep_alive)  # type: ignore[attr-defined]
        self.server_state.rests.begin(self)  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.rests.end(self)  # type: ignore[attr-defined]
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Offers `apiql.respond` to the app, a complete answer in one go, and `apiql.abort`."""
        super().on_message_begin()
        self.scope["extensions"] = {RESPOND: self.respond, ABORT: self.abort}  # type: ignore[dict-item]

    def abort(self) -> None:
        """Ends the connection at once; what the client has not taken is dropped."""
        self.transport.abort()

    def respond(self, scope: Any, status: int, headers: Pairs, body: bytes) -> bool:
        """Writes a whole answer; what ASGI's two messages do, for headers that are known to be
        well formed. False where it cannot: requests are waiting behind this one (pipelining).
        """
        cycle = self.cycle
        if cycle.scope is not scope:
            return False
        if cycle.disconnected or cycle.response_started:
            return True
        cycle.response_started = cycle.response_complete = True
        parts = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
            if name == b"connection":
                cycle.keep_alive = cycle.keep_alive and value.lower() != b"close"
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", body)
        self.transport.write(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
        return True

    def on_response_complete(self) -> None:
        """The next request may come. An answer to HEAD has no body to take its head along."""
        self.transport.release()  # type: ignore[attr-defined]
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self.resting_since = self.loop.time()

    def is_stalled(self, now: float) -> bool:
        """Whether the body of a request has been awaited for too long. The route bounds the time
        from the first byte on; this bounds the wait for that one, at no cost for each request.
        """
        cycle: Any = self.cycle
        if not cycle.more_body or cycle.response_started:
            return False
        if self.awaited is not cycle:
            self.awaited, self.awaited_since = cycle, now
        return now - self.awaited_since > BODY_TIME

    @property
    def is_resting(self) -> bool:
        """Whether nobody is making an answer for this connection."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete


class Rests:
    """The connections of one server; those that rest or stall for too long are closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, longest: float) -> None:
        self._loop = loop
        self._longest = longest
        self._connections: set[Protocol] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, connection: Protocol) -> None:
        """A connection was made."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK, self._look)

    def end(self, connection: Protocol) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def _look(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            if connection.is_resting:
                late = now - connection.resting_since > self._longest
            else:
                late = connection.is_stalled(now)
            if late:
                connection.transport.close()
        more = bool(self._connections)
        self._timer = self._loop.call_later(LOOK, self._look) if more else None


class Corked:
    """A transport that writes a head (`HTTP/1.1 …`) together with what follows it."""

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def write(self, data: bytes) -> None:
        """Holds a head, sends all else behind what was held."""
        if self._held:
            data, self._held = self._held + data, b""
        elif data.endswith(b"\r\n\r\n") and data.startswith(b"HTTP/1.1 "):
            self._held = data
            return
        self._transport.write(data)

    def close(self) -> None:
        """Sends what was held and closes."""
        self.release()
        self._transport.close()

    def release(self) -> None:
        """Sends what was held."""
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

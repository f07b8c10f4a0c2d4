"""uvicorn's httptools protocol with less work for each request: what ASGI says in messages, an app
that knows of it has in one go.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from apiql.server.body import RECEIVED

Pairs = list[tuple[bytes, bytes]]
RESPOND = "apiql.respond"
ABORT = "apiql.abort"


class Offering(HttpToolsProtocol):
    """Offers to the app its request's body, a complete answer, and an end, as extensions."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        offered: Any = {RESPOND: self.respond, RECEIVED: self.received, ABORT: self.abort}
        self.scope["extensions"] = offered

    def abort(self) -> None:
        """Ends the connection at once; what the client has not taken is dropped."""
        self.transport.abort()

    def received(self, scope: Any) -> bytes | None:
        """What ASGI's messages would bring of the request, once all of it is here: then they have
        no more to bring than that the client leaves. None where it is not, or the client has left.
        """
        cycle: Any = self.cycle
        if cycle is None or cycle.scope is not scope or cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), b""
        cycle.message_event.clear()
        self.flow.resume_reading()
        return body

    def respond(self, scope: Any, status: int, headers: Pairs, body: bytes) -> bool:
        """Writes a whole answer; what ASGI's two messages do, for headers that are known to be
        well formed. False where it cannot: requests are waiting behind this one (pipelining).
        """
        cycle: Any = self.cycle
        if cycle is None or cycle.scope is not scope:
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

"""uvicorn's httptools protocol with one write for a small answer: its head waits for the body
behind it, which saves a system call and a packet of each answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class OneWrite(HttpToolsProtocol):
    """Hands the protocol a transport that holds heads back for a moment."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]


class Corked:
    """A transport that writes a head (`HTTP/1.1 …`) together with what follows it, or alone if
    nothing does before the loop's next turn.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        """Holds a head, sends all else behind what was held."""
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._held = data
            self._loop.call_soon(self._release)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Sends what was held and closes."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._held and not self._transport.is_closing():
            self._transport.write(self._held)
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

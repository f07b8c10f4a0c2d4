"""A transport that sends the head of an answer together with what follows it."""

from __future__ import annotations

import asyncio
import select
from typing import Any


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

    def has_unread(self) -> bool:
        """Whether bytes of the client are here that nobody has read yet."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

"""One client over one kept connection, as a browser or a service has it; it times what it asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Self

from tests.server.client import Response, read_response

BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError)
"""How a connection ends that was not to end."""


@dataclass(frozen=True)
class Timed:
    """An answer and how long it took."""

    response: Response
    seconds: float

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.response.status

    def data(self) -> Any:
        """What was found."""
        return self.response.json()["data"]


class Caller:
    """Connects when it has something to ask, and again where the server has closed."""

    def __init__(self, port: int, patience: float = 30.0) -> None:
        self._port = port
        self._patience = patience
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.leave()
        await asyncio.sleep(0)

    async def ask(self, query: str, *fields: str) -> Timed:
        """The answer to a query; raises one of `BROKEN`."""
        begun = monotonic()
        reader = await self.begin(query, *fields)
        async with asyncio.timeout(self._patience):
            response = await read_response(reader)
        if response.headers.get("connection", "").lower() == "close":
            self.leave()
        return Timed(response, monotonic() - begun)

    async def begin(self, query: str, *fields: str) -> asyncio.StreamReader:
        """Sends a query, a text or an object of JSON with its parameters, and does not wait."""
        body = query.encode()
        media = "application/json" if query.startswith("{") else "text/plain"
        lines = ["POST /apiql HTTP/1.1", "Host: test", f"Content-Type: {media}", *fields]
        lines.append(f"Content-Length: {len(body)}")
        if self._reader is None or self._writer is None:
            opened = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
            self._reader, self._writer = opened
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self._writer.drain()
        return self._reader

    def leave(self) -> None:
        """Ends the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

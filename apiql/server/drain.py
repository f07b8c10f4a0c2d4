"""How a server ends without losing a request: readiness first, then it goes on for a while and
closes each connection behind its answer, then it takes no more and ends what is under way.

A client that keeps its connections learns from `Connection: close` that this one is at its end, so
it never sends a request on one that is being closed. Knows no query.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import uvicorn

from apiql.server.door import DOOR, Door
from apiql.server.tls import HANDSHAKE, Certificates, show

TICK = 0.1
"""Seconds between two looks whether the time has come."""
SETTLE = 1.0
"""Seconds in which a client may ask that connected at the last moment."""
ACCEPTED_AT_ONCE = 16
"""Connections that are accepted in one turn of the loop. uvloop accepts one for each listener, and
under load, when its turns are long, hundreds of clients would wait for seconds to be heard at all.
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DrainingServer(uvicorn.Server):
    """A server that drains. The second signal of a kind ends it at once: a terminal and the parent
    of workers send one of each kind.
    """

    @property
    def door(self) -> Door | None:
        """The door of its app, once it has started."""
        lifespan = getattr(self, "lifespan", None)
        return None if lifespan is None else lifespan.state.get(DOOR)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Minds the signals; having ended because of one is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not ready from now on."""
        self.force_exit = sig in self._captured_signals
        self._captured_signals.append(sig)
        self.should_exit = True
        if self.door is not None:
            self.door.draining = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, by several twins of each listener: they share its queue."""
        if self.config.ssl is not None:
            show(self.config.ssl, self._certificates)
        await super().startup(sockets)
        loop, found = asyncio.get_running_loop(), list(self.servers)
        for listener in [each for server in found for each in server.sockets]:
            for _ in range(ACCEPTED_AT_ONCE - 1):
                twin = _twin(listener)
                backlog = self.config.backlog
                made = await loop.create_server(
                    self._connection, sock=twin, backlog=backlog, **self._tls()
                )
                self.servers.append(made)
        if self.config.is_ssl:  # the twins alone bound the time of a handshake
            for server in found:
                server.close()
                self.servers.remove(server)

    def _certificates(self) -> Certificates | None:
        return None if self.door is None else self.door.certificates

    def _tls(self) -> dict[str, Any]:
        tls = self.config.ssl
        return {} if tls is None else {"ssl": tls, "ssl_handshake_timeout": HANDSHAKE}

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drains and ends."""
        door = self.door
        if door is not None:
            door.draining = True
            for connection in list(self.server_state.connections):
                getattr(connection, "close_after_answer", connection.shutdown)()
            await self._until(lambda: False, door.drain_delay)
        await self._stop_accepting()
        await self._until(lambda: not self.server_state.connections, SETTLE)
        await super().shutdown(sockets)

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        """Goes on as it does while it serves."""
        loop = asyncio.get_running_loop()
        end, ticks = loop.time() + seconds, 0
        while not (done() or self.force_exit) and loop.time() < end:
            await self.on_tick(ticks)
            await asyncio.sleep(TICK)
            ticks += 1

    async def _stop_accepting(self) -> None:
        """Closes the listeners; whoever has connected by then is not lost with them: twins keep
        them open while the loop lets go of its own, and are emptied before they go.
        """
        listeners = [listener for server in self.servers for listener in server.sockets]
        twins = [_twin(listener) for listener in listeners]
        for server in self.servers:
            server.close()
        await asyncio.sleep(TICK)
        taken = [connection for twin in twins for connection in _emptied(twin)]
        loop = asyncio.get_running_loop()
        for connection in taken:
            await loop.connect_accepted_socket(self._connection, connection, **self._tls())

    def _connection(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _twin(listener: socket.socket) -> socket.socket:
    """The same listener by another descriptor."""
    return socket.socket(fileno=os.dup(listener.fileno()))


def _emptied(listener: socket.socket) -> list[socket.socket]:
    """The connections that were made and that nobody has accepted; the listener is closed."""
    found = []
    with listener, contextlib.suppress(OSError):
        listener.setblocking(False)
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            found.append(connection)
    return found

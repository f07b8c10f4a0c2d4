"""One TCP or TLS connection that carries exchanges one after the other, as an asyncio protocol.

Life: resting (no exchange; any byte or EOF ends it) → busy (one request, one answer) → resting
again or dead. One timer serves both the deadline of an exchange and the end of rest: it is left
armed for the earlier of them and looks at what is due when it fires.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import cast

from apiql.errors import CallFailed, Code
from apiql.sources.answer import Answer, Budget
from apiql.sources.call import Reply
from apiql.sources.limits import TransportLimits, Unreached

_EARLY = 0.002
"""Timers of some loops count whole milliseconds and fire a little early."""


class Connection(asyncio.Protocol):
    """Owned by a pool, which is told once, by `lost`, when the connection is dead."""

    __slots__ = (
        "_answer",
        "_answered",
        "_budget",
        "_limits",
        "_loop",
        "_lost",
        "_poll",
        "_reusable",
        "_timer",
        "_timer_at",
        "_transport",
        "_until",
        "alive",
        "used",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: TransportLimits,
        budget: Budget,
        lost: Callable[[Connection], None],
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._budget = budget
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._poll: select.poll | None = None
        self._answer: Answer | None = None
        self._answered: asyncio.Future[Reply] | None = None
        self._reusable = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._until = 0.0
        self.alive = False
        self.used = False

    def send(self, request: bytes, head_only: bool, deadline: float) -> asyncio.Future[Reply]:
        """Begins an exchange; the future yields the reply or `CallFailed`."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if not self.alive or self._transport is None:
            future.set_exception(
                Unreached(Code.UPSTREAM_CONNECT, "the connection closed", retryable=True)
            )
            return future
        self._answered = future
        self._answer = Answer(self._limits, self._budget, head_only)
        self._reusable = False
        self._watch(deadline)
        self._transport.write(request)
        return future

    def rest(self) -> bool:
        """Whether the last exchange left the connection fit for another; starts the idle time."""
        if not (self._reusable and self.alive):
            return False
        self.used = True
        self._watch(self._loop.time() + self._limits.idle_timeout)
        return True

    def quiet(self) -> bool:
        """Whether nothing (no byte, no EOF) waits unread, in the kernel included: the loop may not
        have come round to it yet.
        """
        return self.alive and (self._poll is None or not self._poll.poll(0))

    def abort(self) -> None:
        """Ends the connection at once, whatever it was doing."""
        if self.alive and self._transport is not None:
            self._transport.abort()
        self._dead()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.alive = True
        socket = transport.get_extra_info("socket")
        if socket is not None:
            self._poll = select.poll()
            self._poll.register(socket.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.abort()
            return
        try:
            answer.feed(data)
        except CallFailed as failure:
            self._fail(failure)
            return
        if answer.reply is not None:
            self._settle(answer, answer.reply)

    def eof_received(self) -> None:
        answer = self._answer
        if answer is None:
            self.abort()
            return
        try:
            answer.end_of_input()
        except CallFailed as failure:
            self._fail(failure)
            return
        if answer.reply is not None:
            self._settle(answer, answer.reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None:
            self._fail(self._answer.cut())
        self._dead()

    def _settle(self, answer: Answer, reply: Reply) -> None:
        """The answer is complete. An unsent rest of the request ends the connection too."""
        sent = self._transport is not None and not self._transport.get_write_buffer_size()
        self._reusable = sent and answer.reusable()
        future = self._detach(answer)
        if not self._reusable:
            self.abort()
        if future is not None and not future.done():
            future.set_result(reply)

    def _fail(self, failure: CallFailed) -> None:
        failure.__traceback__ = failure.__context__ = None  # their frames hold what was read
        self._break(failure)
        self.abort()

    def _break(self, failure: CallFailed) -> None:
        future = self._detach(self._answer)
        if future is not None and not future.done():
            future.set_exception(failure)

    def _detach(self, answer: Answer | None) -> asyncio.Future[Reply] | None:
        if answer is not None:
            answer.close()
        future, self._answered, self._answer = self._answered, None, None
        return future

    def _dead(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._poll = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answer = self._answer
        if answer is not None:
            self._break(answer.cut())
        self._lost(self)

    def _watch(self, until: float) -> None:
        self._until = until
        if self._timer is None:
            self._arm(until)
        elif until < self._timer_at:
            self._timer.cancel()
            self._arm(until)

    def _arm(self, at: float) -> None:
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._until - self._loop.time() > _EARLY:
            self._arm(self._until)
        elif self._answer is not None:
            self._fail(self._answer.late())
        else:
            self.abort()

"""What a run tells of itself while it goes on. A call that has ended is told as it is: an event is
made of it where somebody looks, which most who listen do for a few runs only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from apiql.errors import Code
from apiql.events import CallMade, Event
from apiql.sources.call import Call, Reply
from apiql.sources.judgement import forwarded

NO_REPLY = Reply(0, (), b"")


class CallEnded(Struct, frozen=True):
    """One upstream call has ended: with `reply`, if one came, and `code` if that is no success.
    Times are seconds on the loop's clock.
    """

    task: str
    service: str
    call: Call
    started: float
    ended: float
    reply: Reply | None
    code: Code | None

    @property
    def event(self) -> CallMade:
        """The same for those who know neither calls nor replies."""
        call, reply = self.call, self.reply or NO_REPLY
        status = None if self.reply is None else reply.status
        return CallMade(
            self.task, self.service, call.method, call.target, self.started, self.ended, status,
            len(reply.body), self.code, reply.age, reply.stale, reply.use or forwarded(call),
            reply.ttl,
        )  # fmt: skip


Mark: TypeAlias = Event | CallEnded
Tell: TypeAlias = Callable[[Mark], None]

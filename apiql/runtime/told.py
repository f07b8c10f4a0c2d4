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


class CallEnded(Struct, frozen=True):
    """One upstream call has ended, with `code` if that is no success. Times are seconds on the
    loop's clock; the rest is what `CallMade` has of a reply, if one came: its body is let go.
    """

    task: str
    service: str
    call: Call
    started: float
    ended: float
    code: Code | None
    status: int | None = None
    size: int = 0
    age: float | None = None
    stale: bool = False
    use: str = ""
    ttl: float | None = None

    @property
    def event(self) -> CallMade:
        """The same for those who know no calls."""
        call = self.call
        return CallMade(
            self.task, self.service, call.method, call.target, self.started, self.ended,
            self.status, self.size, self.code, self.age, self.stale, self.use or forwarded(call),
            self.ttl,
        )  # fmt: skip


def call_ended(
    task: str, service: str, call: Call, started: float, ended: float, reply: Reply | None,
    code: Code | None,
) -> CallEnded:  # fmt: skip
    """What is told of a call that has ended with this reply."""
    if reply is None:
        return CallEnded(task, service, call, started, ended, code)
    return CallEnded(
        task, service, call, started, ended, code, reply.status, len(reply.body), reply.age,
        reply.stale, reply.use, reply.ttl,
    )  # fmt: skip


Mark: TypeAlias = Event | CallEnded
Tell: TypeAlias = Callable[[Mark], None]

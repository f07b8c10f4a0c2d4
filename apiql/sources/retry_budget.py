"""The layer at the top of an upstream's way that bounds how many calls are made again.

Of the calls of the last ten seconds a tenth may be more tries (three at least), whoever asks for
them. So an upstream that is dead sees hardly more calls than one that is well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apiql.errors import Code
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.refusals import NotAgain
from apiql.sources.window import Window

SPAN = 10.0
PART = 0.1
LEAST = 3


class RetryBudget:
    """What may be tried again, by how much is called: first tries are `unseen` of the window."""

    def __init__(self) -> None:
        self.window = Window(SPAN)
        self.made = 0
        self.refused = 0

    def spend(self, now: float) -> bool:
        """Whether a call may be made again; if so, it counts."""
        window = self.window
        window.look(now)
        if window.marked + 1 > max(LEAST, window.calls * PART):
            self.refused += 1
            return False
        window.mark()
        self.made += 1
        return True


def sparing(inner: Layer, budget: RetryBudget, clock: Callable[[], float]) -> Layer:
    """Wraps a layer so that a call with an `attempt` is made only where the budget allows."""

    window = budget.window

    def layer(call: Call) -> Awaitable[Reply]:
        if not call.attempt:
            window.unseen += 1
        elif not budget.spend(clock()):
            raise NotAgain(Code.UPSTREAM_CONNECT, "too many calls have been made again")
        return inner(call)

    return layer

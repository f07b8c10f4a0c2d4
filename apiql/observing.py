"""What is told of a run while it goes on: without secrets, on a clock with small steps."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from apiql.events import CallMade, Event, Observer
from apiql.ir.redaction import Redaction


def hiding(observe: Observer, hide: Redaction) -> Observer:
    """Tells events without secrets: the target of a call may hold one."""

    def observed(event: Event) -> None:
        if isinstance(event, CallMade):
            event = replace(event, target=hide(event.target))
        observe(event)

    return observed


def between_ticks(ticks: Callable[[], float]) -> Callable[[], float]:
    """A clock that goes on between the ticks of another: those of a loop can be milliseconds."""
    ahead = ticks() - time.perf_counter()
    return lambda: time.perf_counter() + ahead

"""What is told of a run while it goes on: without secrets, on a clock with small steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec.structs import replace

from apiql.events import CallMade, Event, Observer
from apiql.ir.redaction import Redaction
from apiql.runtime.told import CallEnded, Mark, Tell


class Happened:
    """What happens in a run, as it is; who iterates gets its events, without secrets. Keeping it
    costs a run next to nothing, so whoever may want to know can have it kept.
    """

    __slots__ = ("_hide", "_marks")

    def __init__(self) -> None:
        self._marks: list[Mark] = []
        self._hide: Redaction | None = None

    def of(self, hide: Redaction) -> Tell:
        """Keeps what happens in a run, whose secrets these are."""
        self._hide = hide
        return self._marks.append

    def __iter__(self) -> Iterator[Event]:
        return (_event(mark, self._hide) for mark in self._marks)


Listener: TypeAlias = Observer | Happened
"""Is told of events as they happen, or has them kept."""


def telling(listener: Listener, hide: Redaction) -> Tell:
    """What takes all that happens in a run, whose secrets these are."""
    if isinstance(listener, Happened):
        return listener.of(hide)
    return lambda mark: listener(_event(mark, hide))


def _event(mark: Mark, hide: Redaction | None) -> Event:
    """The target of a call may hold a secret."""
    event = mark.event if isinstance(mark, CallEnded) else mark
    if hide and isinstance(event, CallMade):
        return replace(event, target=hide(event.target))
    return event


def between_ticks(ticks: Callable[[], float]) -> Callable[[], float]:
    """A clock that goes on between the ticks of another: those of a loop can be milliseconds."""
    ahead = ticks() - time.perf_counter()
    return lambda: time.perf_counter() + ahead

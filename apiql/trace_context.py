"""Where a request stands in a trace: what W3C Trace Context (level 2) sends from hop to hop, and
the calls that were made on the way. Knows no exporter and no span of another library.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import getrandbits

from msgspec import Struct

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_STATE = re.compile(r"[\x20-\x7e]{1,512}")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
MOST_CALLS = 1000
"""Tries of calls of one request that are kept for its trace."""


class TraceContext(Struct, frozen=True):
    """A place in a trace: both ids in lower-case hex, `state` as `tracestate` has it."""

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header that says it."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def parse_context(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """The place that headers tell; None where they tell none. A state that cannot be passed on is
    left out, as the recommendation wants it.
    """
    found = _PARENT.fullmatch(traceparent)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or _NO_TRACE == trace_id:
        return None
    if span_id == _NO_SPAN:
        return None
    state = tracestate if _STATE.fullmatch(tracestate) else ""
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1), state)


def new_trace_id() -> str:
    """An id that no other trace has."""
    return f"{getrandbits(128) or 1:032x}"


def new_span_id() -> str:
    """An id that no other span of a trace has."""
    return f"{getrandbits(64) or 1:016x}"


class Attempt(Struct, frozen=True):
    """One try of an upstream call. Times are nanoseconds since 1970; `status` is None where no
    answer came, `code` the error's then; `attempt` is how often it was made before.
    """

    span_id: str
    service: str
    address: str
    method: str
    target: str
    started: int
    ended: int
    status: int | None
    code: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Moments:
    """When a request began: nanoseconds since 1970, and seconds on the loop's clock."""

    wall: int
    loop: float

    def at(self, loop: float) -> int:
        """The wall's time at one of the loop's."""
        return self.wall + int((loop - self.loop) * 1e9)


@dataclass(slots=True)
class Trace:
    """A request's own place, that of who sent it, and the calls made for it if they are kept."""

    context: TraceContext
    parent: TraceContext | None
    began: Moments
    attempts: list[Attempt] | None = field(default=None, repr=False)


TRACE: ContextVar[Trace | None] = ContextVar("apiql_trace", default=None)
"""That of the request which the running task works for."""

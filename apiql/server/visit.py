"""One request on its way through the server: what is known of it so far, by stage."""

from __future__ import annotations

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
)
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Protocol

from msgspec import Struct, field

from apiql.access.principal import ANYONE, Principal
from apiql.errors import ApiqlError
from apiql.ir.plan import Plan
from apiql.observing import Happened
from apiql.runtime.run import Run
from apiql.server.sight import Sight
from apiql.trace_context import Trace

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Pairs = list[tuple[bytes, bytes]]
Fields = Mapping[bytes, bytes]


class Mark(Struct, eq=False, gc=False):
    """What is known of a request wherever something belongs to it: in lines of the log, at calls.
    Connections may hold it for long, so it holds nothing itself.
    """

    id: bytes
    kind: str
    name: str = ""


REQUEST: ContextVar[Mark] = ContextVar("request")
"""The mark of the request that something is done for."""


class Visit(Struct, eq=False):
    """A request; `fields` are its headers by lower-case name, of one name the last. Guards fill in
    `principal`, or the `challenge` (WWW-Authenticate) by which a caller may prove who it is; `told`
    are headers that any answer to it has. `bucket` is the one that answers, once it has passed the
    guards (empty: the main one), `sight` what is there for the caller, None where everything is.
    `route` and `kind` (`text`, `query`) are those of its route; `text` (never to be logged), `plan`
    and `name` (of a stored query) are known once it was read, `run` once it is carried out,
    `status` (0 where nobody waited for an answer), `size` of the body, `codes` of what went wrong
    and `seconds` once it is over; `events` are kept where a watcher wants them, `trace` is that
    which it belongs to, if any; `body` is that which a guard has read already (body.py).
    """

    scope: Scope
    receive: Receive
    fields: dict[bytes, bytes]
    request_id: bytes = b""
    route: str = ""
    kind: str = ""
    mark: Mark | None = None
    begun: float = field(default_factory=perf_counter)
    principal: Principal = ANYONE
    challenge: str = ""
    sight: Sight | None = None
    told: Pairs = []
    bucket: str = ""
    name: str = ""
    text: str = ""
    plan: Plan | None = None
    run: Run | None = None
    events: Happened | None = None
    codes: tuple[str, ...] = ()
    status: int = 0
    size: int = 0
    seconds: float = 0.0
    trace: Trace | None = None
    body: bytes | None = None

    def hide(self, names: Collection[bytes]) -> None:
        """Takes headers out of the request: nobody behind sees them, no query either."""
        headers, fields = self.scope["headers"], self.fields
        once = len(headers) == len(fields)  # each stands there once
        for name in names:
            fields.pop(name, None)
        kept = fields.items() if once else [pair for pair in headers if pair[0] not in names]
        self.scope["headers"] = list(kept)

    def was_read(self, name: str, text: str) -> None:
        """What it asks for is known from now on."""
        self.name, self.text = name, text
        if self.mark is not None:
            self.mark.name = name

    def was_for(self, kind: str) -> None:
        """It asks for something of another kind than its route says."""
        self.kind = kind
        if self.mark is not None:
            self.mark.kind = kind

    def went_on(self, run: Run) -> None:
        """Its query is carried out from now on."""
        self.run = run

    @property
    def calls(self) -> int:
        """The calls that its query has made so far, those that a cache answered too."""
        return 0 if self.run is None else self.run.budget.spent


Guard = Callable[[Visit], Awaitable[None] | None]
"""Looks at a request before its text is read, in the order of guards.py; one that never waits is a
plain function, which costs less.

Raises:
    RequestRefused: it is not to be answered.
    Answered: it is answered already.
"""


class Answered(ApiqlError):
    """The request is answered before there is a place for it: by a guard, or with what is kept."""

    def __init__(self, status: int, headers: Pairs, body: bytes = b"") -> None:
        super().__init__(f"answered {status}")
        self.status = status
        self.headers = headers
        self.body = body


Look = Callable[[Visit], None]


class Watcher(Protocol):
    """Is told of every request for an answer: what it costs, each request pays. A moment at which
    it has nothing to do is None.
    """

    @property
    def wants_events(self) -> bool:
        """Whether it looks at `events` at the end."""

    @property
    def begun(self) -> Look | None:
        """A request has come; nothing of it was looked at."""

    @property
    def ended(self) -> Look | None:
        """It was answered, or nobody waited for the answer."""


class Watchers:
    """Those that watch now: what each request has to call for them, in their order."""

    __slots__ = ("at_begin", "at_end")

    def __init__(self, several: Iterable[Watcher] = ()) -> None:
        self.settle(several)

    def settle(self, several: Iterable[Watcher]) -> None:
        """Others watch from now on."""
        found = tuple(several)
        begun = [one.begun for one in found if one.begun is not None]
        if any(one.wants_events for one in found):
            begun.insert(0, _with_events)
        self.at_begin: tuple[Look, ...] = tuple(begun)
        self.at_end = tuple(one.ended for one in found if one.ended is not None)


def _with_events(visit: Visit) -> None:
    visit.events = Happened()

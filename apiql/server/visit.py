"""One request on its way through the server: what is known of it so far, by stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Any, Protocol

from apiql.access.principal import ANYONE, Principal
from apiql.events import Event, Observer
from apiql.ir.plan import Plan

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Pairs = list[tuple[bytes, bytes]]


class Visit:
    """A request. Guards fill in `principal`; `told` are headers that any answer to it has. `plan`
    and `name` (of a stored query) are known once it was read, `status` (0 where nobody waited
    for an answer) and `seconds` once it is over; `events` are kept where a watcher wants them.
    `bucket` is the one that answers, once it has passed the guards; empty: the main one.
    """

    __slots__ = (
        "_fields", "begun", "bucket", "events", "name", "plan", "principal", "receive",
        "request_id", "scope", "seconds", "status", "told",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, request_id: bytes) -> None:
        self.scope = scope
        self.receive = receive
        self.request_id = request_id
        self.begun = perf_counter()
        self.principal: Principal = ANYONE
        self.told: Pairs = []
        self.bucket = ""
        self.name = ""
        self.plan: Plan | None = None
        self.events: list[Event] | None = None
        self.status = 0
        self.seconds = 0.0
        self._fields: dict[bytes, bytes] | None = None

    @property
    def fields(self) -> Mapping[bytes, bytes]:
        """The headers by lower-case name; of one name the last."""
        if self._fields is None:
            self._fields = dict(self.scope["headers"])
        return self._fields

    @property
    def observe(self) -> Observer | None:
        """Takes what happens while it is answered, if anybody wants to know."""
        return None if self.events is None else self.events.append


Guard = Callable[[Visit], Awaitable[None]]
"""Looks at a request before its text is read, in the order of guards.py.

Raises:
    RequestRefused: it is not to be answered.
"""


class Watcher(Protocol):
    """Is told of every request for an answer. What it costs, each request pays."""

    wants_events: bool

    def begun(self, visit: Visit) -> None:
        """A request has come; nothing of it was looked at."""

    def ended(self, visit: Visit) -> None:
        """It was answered, or nobody waited for the answer."""

"""What a run of an endpoint hands on from call to call: frozen values. Knows no plan, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from apiql.frontends.endpoints.message import Message


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gateway itself answers: its status, and the message that it says."""

    status: int
    message: str


class Reply(Protocol):
    """What a call came to, as it came: names of header fields are in lower case."""

    @property
    def value(self) -> bytes:
        """The body."""

    @property
    def status(self) -> int:
        """The status."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields, one by one."""


class State(Struct, frozen=True):
    """How far an endpoint is. `onward` is its request as propagated so far, `requests` and
    `responses` are those of the calls that were made, in their order; `aborted`: the last one of
    them has ended it. `refusal` is there where a call could not be made, which ends it too.
    """

    onward: Message
    requests: tuple[Message, ...] = ()
    responses: tuple[Message, ...] = ()
    aborted: bool = False
    refusal: Refusal | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the calls that are left are not made."""
        return self.aborted or self.refusal is not None

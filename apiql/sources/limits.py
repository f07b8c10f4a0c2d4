"""How much of anything one transport takes, and the failures that tell callers how far it got."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.errors import CallFailed


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """The caps of a transport; sizes in bytes, times in seconds. Exceeding one fails the call,
    except the numbers of connections: calls beyond those wait, first come first served.
    """

    connections_per_origin: int = 64
    connections: int = 1024
    connect_timeout: float = 2.0
    idle_timeout: float = 15.0
    body_bytes: int = 8 << 20
    """Of a body, decoded; what comes over the wire may exceed it by `header_bytes`."""
    header_bytes: int = 64 << 10
    header_fields: int = 512
    informational: int = 8
    ratio: int = 100
    """Decoded to encoded size, checked once a body is larger than 256 KiB."""
    dns_timeout: float = 1.0
    bytes_in_flight: int = 192 << 20
    """Of all bodies that one transport is collecting at a time."""


class Unreached(CallFailed):
    """The request was never sent: no address, no connection, no free slot."""


class Unanswered(CallFailed):
    """The request was sent and the connection ended without one byte of an answer."""


class Undecodable(CallFailed):
    """The body came, and its content coding could not be undone."""

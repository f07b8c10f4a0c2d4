"""Whether a server can listen where it is told to, seen before it begins. Knows no query."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from apiql.errors import ApiqlError

WRONG_HOST = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


class NoPort(ApiqlError):
    """There is no port to listen on."""


def check_listens(host: str, port: int) -> None:
    """Binds the address and lets it go again: who has taken it, has it for longer than a moment.

    Raises:
        NoPort: the host is none of this machine's, or the port cannot be had.
    """
    kind, flags = socket.SOCK_STREAM, socket.AI_PASSIVE
    try:
        found = socket.getaddrinfo(host or None, port, type=kind, flags=flags)
    except (socket.gaierror, UnicodeError) as error:
        raise _no_host(host, getattr(error, "strerror", None) or "no such name") from None
    lacking = [_lacks(family, address, host, port) for family, *_, address in found]
    if all(lacking):
        raise _no_host(host, lacking[0])


def _lacks(family: int, address: tuple[Any, ...], host: str, port: int) -> str:
    """Why this machine has no such address; empty where it has. A name may have others beside it.

    Raises:
        NoPort: the address is there, and its port cannot be had.
    """
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tried.bind(address)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        if error.errno in WRONG_HOST:
            return why
        hint = "name another with --port (0 takes a free one), or end what listens there"
        raise NoPort(f"server.port: {port} on {host}: {why}; {hint}") from None
    return ""


def _no_host(host: str, why: str) -> NoPort:
    hint = "127.0.0.1 is this machine alone, 0.0.0.0 all its addresses"
    return NoPort(f"server.host: {host}: {why}; {hint}")

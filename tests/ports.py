"""Ports that nobody has, for what must be told where to listen before it does; knows no server."""

from __future__ import annotations

import socket
from contextlib import closing
from random import SystemRandom

FIRST, LAST = 12_000, 32_000
"""Below those that kernels give away by themselves: nobody who asks for any port, another test at
the same moment least of all, is given one of these before it is listened on.
"""
TRIES = 200


def free_port(count: int = 1) -> int:
    """A port of 127.0.0.1 that is free, as are the next ones up to `count` of them."""
    for _ in range(TRIES):
        port = SystemRandom().randrange(FIRST, LAST)
        if all(_is_free(each) for each in range(port, port + count)):
            return port
    raise OSError("no free port was found")


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

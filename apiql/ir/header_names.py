"""Which headers a call may be given by whoever writes it. Knows no notation."""

from __future__ import annotations

import re

HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}")
OURS = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect "
    "proxy-authorization proxy-authenticate proxy-connection accept-encoding x-apiql-depth".split()
)
"""Those that belong to the connection, or to us."""


def may_be_set(name: str) -> bool:
    """Whether a call may be given a header of this name."""
    return HEADER.fullmatch(name) is not None and name.lower() not in OURS

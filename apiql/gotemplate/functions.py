"""The functions of legacy definitions beside Go's: utc, utc_ms, md5, timestamp."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from apiql.gotemplate.calls import Function
from apiql.gotemplate.layout_writing import written

EAST_8 = 8 * 3600


def md5(*printed: str) -> str:
    """The MD5 in hex of a text; nothing for none. It is what the original's signatures are made of,
    no protection.
    """
    if not printed:
        return ""
    data = "".join(printed).encode("utf-8", "replace")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def v1_functions(now: Callable[[], float]) -> Mapping[str, Function]:
    """utc and md5; `now` is Unix time in seconds."""
    utc = Function(lambda: str(int(now())), 0, 0)
    return MappingProxyType({"utc": utc, "md5": Function(md5, printed=True)})


def v2_functions(now: Callable[[], float]) -> Mapping[str, Function]:
    """The same with utc_ms and timestamp (`2022-05-10 15:35:21` at UTC+8)."""
    milliseconds = Function(lambda: str(int(now() * 1000)), 0, 0)
    timestamp = Function(lambda: written("2006-01-02 15:04:05", now(), EAST_8), 0, 0)
    return MappingProxyType({**v1_functions(now), "utc_ms": milliseconds, "timestamp": timestamp})

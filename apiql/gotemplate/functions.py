"""The functions of legacy definitions beside Go's: utc, utc_ms, md5, timestamp."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from apiql.errors import ValueRefused
from apiql.gotemplate.calls import Function
from apiql.gotemplate.layout_writing import written
from apiql.gotemplate.printing import print_all
from apiql.gotemplate.values import Value

LONGEST = 1024 * 1024
EAST_8 = 8 * 3600


class _Length:
    """Counts for md5, which has no budget of its own."""

    def made(self, text: str) -> str:
        if len(text) > LONGEST:
            raise ValueRefused(f"md5 of more than {LONGEST} characters")
        return text

    def charge(self, steps: int) -> None:
        """The caller counts the steps."""


def md5(*values: Value) -> str:
    """The MD5 in hex of the values printed one behind the other; nothing for no values. It is what
    the original's signatures are made of, no protection.
    """
    if not values:
        return ""
    text = print_all(values, _Length())
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def v1_functions(now: Callable[[], float]) -> Mapping[str, Function]:
    """utc and md5; `now` is Unix time in seconds."""
    utc = Function(lambda: str(int(now())), 0, 0)
    return MappingProxyType({"utc": utc, "md5": Function(md5)})


def v2_functions(now: Callable[[], float]) -> Mapping[str, Function]:
    """The same with utc_ms and timestamp (`2022-05-10 15:35:21` at UTC+8)."""
    milliseconds = Function(lambda: str(int(now() * 1000)), 0, 0)
    timestamp = Function(lambda: written("2006-01-02 15:04:05", now(), EAST_8), 0, 0)
    return MappingProxyType({**v1_functions(now), "utc_ms": milliseconds, "timestamp": timestamp})

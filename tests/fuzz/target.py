"""What a target of the fuzzer is, and the one invariant of all of them. Knows no decoder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 5.0
"""Seconds of the thread that no input of at most `MOST` bytes may take."""
MOST = 64 << 10

Seeds = Callable[[], list[bytes]]


class TooSlow(AssertionError):
    """An input took more of the processor than any may."""


@dataclass(frozen=True)
class Target:
    """A decoder: `decode` ends with a value or with one of the errors `designed`, whatever it is
    given; all else is a finding. `seeds` are inputs that it knows; `words` what stands in them.
    """

    name: str
    decode: Callable[[bytes], object]
    designed: tuple[type[Exception], ...]
    seeds: Seeds
    words: tuple[bytes, ...] = ()

    def hold(self, data: bytes) -> None:
        """Raises what no input may raise."""
        begun = time.thread_time()
        try:
            self.decode(data)
        except self.designed:
            pass
        took = time.thread_time() - begun
        if took > LONGEST:
            raise TooSlow(f"{len(data)} bytes took {took:.1f} s")

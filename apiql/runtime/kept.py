"""Compiled plans by their text, bounded in number and in the length of all texts."""

from __future__ import annotations

from apiql.runtime.step import Executable

TEXTS_KEPT = 2 * 1024 * 1024
"""Characters of all texts whose plans are kept: a plan takes some thirty times its text."""

TEXT_KEPT = 2100
"""Of that for each plan that may be kept: who keeps few is to take little."""


class KeptPlans:
    """The plans made last. Looking one up is a look into a dictionary and no more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._longest = min(TEXTS_KEPT, most * TEXT_KEPT)
        self._plans: dict[str, Executable] = {}
        self._length = 0
        self.get = self._plans.get

    def put(self, text: str, plan: Executable) -> None:
        """Keeps a plan; the oldest give way."""
        if text in self._plans:
            return
        self._plans[text] = plan
        self._length += len(text)
        while len(self._plans) > self._most or self._length > self._longest:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
            self._length -= len(oldest)

    @property
    def length(self) -> int:
        """Characters of the texts that are kept."""
        return self._length

    def __len__(self) -> int:
        return len(self._plans)

"""The fingerprints of texts, for lines of the log: made once for a text and remembered."""

from __future__ import annotations

from collections.abc import Callable

from apiql.errors import QueryRefused
from apiql.server.visit import Visit

MOST = 1000
LETTERS = 23
"""Of a fingerprint: `sha256:` and 16 digits tell queries apart."""


class Fingerprints:
    """What texts are called that have no name; `of_text` finds it."""

    def __init__(self, of_text: Callable[[str], str]) -> None:
        self._of_text = of_text
        self._known: dict[int, str] = {}

    def __call__(self, visit: Visit) -> str:
        """The fingerprint of a request's text; empty where it has none that could be read."""
        text = visit.text
        if not text or visit.plan is None:
            return ""
        place = hash(text)  # not the text: a thousand of them may take a lot of room
        known = self._known.get(place)
        if known is None:
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known[place] = self._found(text)
        return known

    def _found(self, text: str) -> str:
        try:
            return self._of_text(text)[:LETTERS]
        except QueryRefused:
            return ""

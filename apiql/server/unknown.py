"""Tells in the log, once for each, of texts that are run though they are not stored."""

from __future__ import annotations

import json
import logging

from apiql.events import Notice, StoreMoved, UnknownQuery

MOST_IDS = 10_000
"""Ids that are remembered as told of."""
MOST_SHOWN = 2_000
"""Characters of a text that go into the log."""

log = logging.getLogger("apiql")


class UnknownLog:
    """Which texts were told of already."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def __call__(self, notice: Notice) -> None:
        """Tells of a text, or of the store, on one line."""
        if isinstance(notice, StoreMoved):
            _tell_of_store(notice)
        else:
            self._tell_of_query(notice)

    def _tell_of_query(self, query: UnknownQuery) -> None:
        if query.id in self._told:
            return
        self._told[query.id] = None
        if len(self._told) > MOST_IDS:
            del self._told[next(iter(self._told))]
        more = "…" if len(query.text) > MOST_SHOWN else ""
        text = json.dumps(query.text[:MOST_SHOWN] + more)
        log.warning("a query that is not stored: %s %s", query.id, text)


def _tell_of_store(moved: StoreMoved) -> None:
    if moved.reachable:
        log.warning("the store is used again: %s", moved.why)
    else:
        log.warning("the store is left alone, each process keeps its own: %s", moved.why)

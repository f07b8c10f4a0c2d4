"""What an operator is told, in the log: circuits and hosts that move, and once for each the
texts that are run though they are not stored.
"""

from __future__ import annotations

import json
import logging

from apiql.events import CircuitMoved, HostMoved, Notice, StoreMoved, UnknownQuery

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
        """Tells of one, on one line."""
        match notice:
            case CircuitMoved():
                state, why = notice.state, notice.why
                log.warning("the circuit of %s is %s: %s", notice.origin, state, why)
            case HostMoved():
                level = logging.INFO if notice.healthy else logging.WARNING
                now = "is used again" if notice.healthy else "is passed by"
                told = notice.upstream, notice.host, now, notice.why
                log.log(level, "upstream %s: %s %s: %s", *told)
            case StoreMoved():
                _tell_of_store(notice)
            case UnknownQuery():
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

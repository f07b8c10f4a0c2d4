"""What an operator is told, in the log: circuits and hosts that move, and once for each the
texts that are run though they are not stored.
"""

from __future__ import annotations

import json
import logging

from apiql.events import CircuitMoved, HostMoved, Notice

MOST_IDS = 10_000
"""Ids that are remembered as told of."""
MOST_SHOWN = 2_000
"""Characters of a text that go into the log."""

log = logging.getLogger("apiql")


class UnknownLog:
    """Which texts were told of already."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def __call__(self, query: Notice) -> None:
        """Tells of a text, a circuit or a host, on one line."""
        if isinstance(query, CircuitMoved):
            log.warning("the circuit of %s is %s: %s", query.origin, query.state, query.why)
            return
        if isinstance(query, HostMoved):
            level = logging.INFO if query.healthy else logging.WARNING
            now = "is used again" if query.healthy else "is passed by"
            log.log(level, "upstream %s: %s %s: %s", query.upstream, query.host, now, query.why)
            return
        if query.id in self._told:
            return
        self._told[query.id] = None
        if len(self._told) > MOST_IDS:
            del self._told[next(iter(self._told))]
        more = "…" if len(query.text) > MOST_SHOWN else ""
        text = json.dumps(query.text[:MOST_SHOWN] + more)
        log.warning("a query that is not stored: %s %s", query.id, text)

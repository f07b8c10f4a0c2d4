"""What a server counts of its requests: an addition each, read when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from apiql.errors import RequestRefused
from apiql.events import Figure
from apiql.server.current import Current, Held
from apiql.server.reload import State

ENDINGS = ("gone", "1xx", "2xx", "3xx", "4xx", "5xx")
"""How a request may end: by the first digit of its status; `gone`: its client did not wait."""


class Counts:
    """Requests for answers, by their endings; `seconds` is the time of all of them together.
    `refused` are those whose callers were, by code and by the guard that did it.
    """

    __slots__ = ("endings", "refused", "seconds")

    def __init__(self) -> None:
        self.endings = [0] * len(ENDINGS)
        self.refused = Counter[tuple[str, str]]()
        self.seconds = 0.0

    def refuse(self, refused: RequestRefused) -> None:
        """Notes a refusal, if it is about who asks."""
        if refused.guard:
            self.refused[refused.code, refused.guard] += 1

    def figures(self) -> Iterator[Figure]:
        """How many there were, and how long they took."""
        told = "Answered queries by the class of their status"
        for ending, count in zip(ENDINGS, self.endings, strict=True):
            if ending != "1xx":
                yield Figure("apiql_queries_total", told, count, {"status": ending}, counter=True)
        told = "Time that all queries took together"
        yield Figure("apiql_query_seconds_total", told, self.seconds, counter=True)
        name, told = "apiql_refused_total", "Requests whose callers were refused"
        for (code, guard), count in self.refused.items():
            yield Figure(name, told, count, {"code": code, "guard": guard}, counter=True)


def figures_in_force(current: Current, state: State | None) -> Iterator[Figure]:
    """Of the engine in force, of those behind it, and of reloads."""
    yield Figure("apiql_requests_running", "Requests under way", current.requests)
    told = "Earlier configurations on which queries are still under way"
    yield Figure("apiql_config_retired", told, current.retired)
    if state is not None:
        yield from _reloads(state)
    yield from figures_of(current.held)


def figures_of(held: Held) -> Iterator[Figure]:
    """Of an engine and of its buckets', theirs by the names that the configuration gives them."""
    for figures in held.figures:
        yield from figures()
    for name, inner in held.buckets.items():
        for figure in figures_of(inner):
            yield replace(figure, labels={**figure.labels, "bucket": name})


def _reloads(state: State) -> Iterator[Figure]:
    name, told = "apiql_config_reloads_total", "Configurations put in force since the start"
    yield Figure(name, told, state.loads, counter=True)
    name, told = "apiql_config_reload_failures_total", "Configurations that were refused"
    yield Figure(name, told, state.failures, counter=True)
    name, told = "apiql_config_loaded_timestamp_seconds", "Since when the one in force is it"
    yield Figure(name, told, state.since)
    name, told = "apiql_config_refused", "Whether the conf folder cannot be used as it is now"
    yield Figure(name, told, state.refused is not None)

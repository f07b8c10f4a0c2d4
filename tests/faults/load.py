"""Clients that ask one query after the other, and the tally of what they were told."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.faults.caller import BROKEN, Caller, Timed

Ask = Callable[[], tuple[str, dict[str, object]]]
"""A query, and what has to be in its data whatever else happens."""


@dataclass
class Tally:
    """What became of all requests. `answered` are those without any error."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    seconds: array[float] = field(default_factory=lambda: array("d"))
    refused: array[float] = field(default_factory=lambda: array("d"))
    answered: int = 0
    foreign: int = 0
    missing: int = 0
    """Answers in which a task failed that was well."""
    left: int = 0
    began: float = field(default_factory=monotonic)
    ended: float = 0.0

    def note(self, answer: Timed, must: dict[str, object]) -> None:
        """One answer."""
        self.statuses[answer.status] += 1
        if answer.status in (429, 503):
            self.refused.append(answer.seconds)
            return
        self.seconds.append(answer.seconds)
        told = answer.response.json()
        self.codes.update(error.get("code", "?") for error in told.get("errors", ()))
        self.answered += answer.status == 200 and "errors" not in told
        data = told.get("data") or {}
        found = [(data.get(name), value) for name, value in must.items()]
        self.missing += any(seen is None for seen, _ in found)
        self.foreign += any(seen is not None and seen != value for seen, value in found)

    @property
    def rate(self) -> float:
        """Answers without any error, a second."""
        return self.answered / max(0.001, self.ended - self.began)


def percentile(seconds: array[float], share: float) -> float:
    """In milliseconds; 0 where there is nothing."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True)
class Load:
    """How many clients, how long they think, how many of them leave without an answer."""

    port: int
    clients: int
    seconds: float
    think: float = 0.0
    leaving: float = 0.0
    seed: int = 1


async def load(wanted: Load, ask: Ask, stop: asyncio.Event | None = None) -> Tally:
    """Runs them for the time, or until told to stop."""
    tally = Tally()
    until = monotonic() + wanted.seconds
    over = stop or asyncio.Event()

    async def client(random: Random) -> None:
        caller = Caller(wanted.port)
        await asyncio.sleep(random.random() * max(wanted.think, min(1.0, wanted.clients / 2000)))
        while monotonic() < until and not over.is_set():
            if random.random() < wanted.leaving:
                await _leave(caller, ask()[0], random, tally)
            else:
                await _one(caller, ask, tally)
            await asyncio.sleep(wanted.think * random.uniform(0.5, 1.5))
        caller.leave()

    await asyncio.gather(*(client(Random(wanted.seed * 10_000 + n)) for n in range(wanted.clients)))
    tally.ended = monotonic()
    return tally


async def _one(caller: Caller, ask: Ask, tally: Tally) -> None:
    query, must = ask()
    try:
        tally.note(await caller.ask(query), must)
    except BROKEN as error:
        tally.broken[type(error).__name__] += 1
        caller.leave()
        await asyncio.sleep(0.02)


async def _leave(caller: Caller, query: str, random: Random, tally: Tally) -> None:
    try:
        await caller.begin(query)
        await asyncio.sleep(random.random() * 0.05)
    except OSError as error:
        tally.broken[type(error).__name__] += 1
    caller.leave()
    tally.left += 1

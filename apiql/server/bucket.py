"""What a bucket has that outlives a reload: its part of the stores, its circuits, its places for
queries, the rates of its callers, the texts it knows. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apiql.errors import RequestRefused
from apiql.events import Figure
from apiql.server.admission import Admission, Overloaded
from apiql.server.persisted import persisted_in
from apiql.server.rate import Rates
from apiql.server.visit import Visit
from apiql.settings import Settings
from apiql.sources.circuits import Circuits
from apiql.stores.store import Stores
from apiql.stores.within import Within


@dataclass(slots=True)
class Places:
    """The places of a bucket under those of the process: a query has one of each, or none."""

    own: Admission
    whole: Admission

    def enter(self) -> bool:
        """Takes both, if they are free; whoever has them must `leave`."""
        if not self.own.enter():
            return False
        if self.whole.enter():
            return True
        self.own.leave()
        return False

    async def wait(self, patience: float | None = None) -> float:
        """Takes both once they are there; the seconds that it took. Who waits for one of the
        bucket's keeps nobody else from one of the process's.

        Raises:
            Overloaded: it takes too long, or would.
        """
        waited = 0.0 if self.own.enter() else await self.own.wait(patience)
        entered = self.whole.enter()
        try:
            if not entered:
                left = None if patience is None else max(0.001, patience - waited)
                waited += await self.whole.wait(left)
                entered = True
        finally:
            if not entered:
                self.own.leave()
        return waited

    def leave(self) -> None:
        """Gives both back."""
        self.whole.leave()
        self.own.leave()


class Bucket:
    """One tenant of a process."""

    def __init__(self, name: str, stores: Stores, settings: Settings) -> None:
        self.name = name
        self.stores = Within(stores, name)
        self.circuits = Circuits()
        self.admission = Admission(settings.limits)
        self.persisted = persisted_in(self.stores)
        self.limited = 0
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        clients = settings.clients
        self.admission.settle(settings.limits)
        own = self.stores.buckets
        self.rates = Rates(clients, own, policy="bucket") if clients.rate else None

    async def let_in(self, visit: Visit) -> None:
        """Looks at a request of which nothing is read yet.

        Raises:
            RequestRefused: it is not to be answered.
        """
        if self.admission.is_shut():
            self.admission.refused += 1
            raise Overloaded
        if self.rates is None:
            return
        try:
            waits = self.rates(visit)
            if waits is not None:
                await waits
        except RequestRefused:
            self.limited += 1
            raise

    def figures(self) -> Iterator[Figure]:
        """What an operator may watch of it."""
        admission, name = self.admission, "apiql_queries_refused_total"
        yield Figure("apiql_queries_running", "queries carried out now", admission.running)
        yield Figure("apiql_queries_waiting", "queries that wait for a place", admission.waiting)
        yield Figure(name, "answered 503", float(admission.refused), counter=True)
        limited = float(self.limited)
        yield Figure("apiql_rate_limited_total", "answered 429", limited, counter=True)


class AllBuckets:
    """The buckets of a process, each the same one from its first load until it is no more."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._known: dict[str, Bucket] = {}

    def of(self, name: str, settings: Settings) -> Bucket:
        """The bucket of a name; a new one has these settings."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = Bucket(name, self._stores, settings)
        return found

    def keep(self, names: Iterable[str]) -> None:
        """Lets go of all others, with what was kept for them."""
        for name in self._known.keys() - set(names):
            self._known.pop(name).stores.forget_all()

    def __len__(self) -> int:
        return len(self._known)

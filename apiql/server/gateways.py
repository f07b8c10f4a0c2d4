"""What endpoints use of what outlives a request: where their answers are kept, the tokens of their
clients. Made with the engine they belong to, and closed with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from apiql.engine import Engine
from apiql.events import Told
from apiql.frontends.endpoints.gateway import Redis
from apiql.gateways import GatewayCatalog
from apiql.server.gateway_cache import KeptAnswer, size_of
from apiql.server.gateway_flights import Flights
from apiql.settings import Settings
from apiql.settings import Store as StoreSettings
from apiql.stores.open import open_stores
from apiql.stores.store import Buckets, Room, Store, Stores
from apiql.stores.within import Within

NAME = "endpoints"
"""Of the store of answers."""
Kept = tuple[Store[KeptAnswer], Callable[[], float]]
"""A store, and its clock."""


class Gateways:
    """The gateways in force; `opened` are stores of their own."""

    def __init__(
        self,
        catalog: GatewayCatalog,
        buckets: Buckets,
        kept: Mapping[str, Kept],
        opened: list[Stores],
    ) -> None:
        self.catalog = catalog
        self.flights = Flights()
        self.buckets = buckets
        self.kept = kept
        self._opened = opened

    async def purge(self, tag: str) -> int:
        """Forgets the answers that have a tag; how many there were."""
        stores = {id(store): store for store, _ in self.kept.values()}
        return sum([await store.purge(tag) for store in stores.values()])

    async def aclose(self) -> None:
        """Ends the connections of its own."""
        for stores in self._opened:
            await stores.aclose()


def gateways_of(
    engine: Engine, stores: Stores, tell: Told | None = None, bucket: str = ""
) -> Gateways | None:
    """What the gateways of an engine use; None where there are none."""
    catalog, settings = engine.definitions.gateways, engine.settings
    if not catalog.gateways:
        return None
    limits = settings.limits
    room = Room(limits.cache_entries, limits.cache_bytes, size_of)
    kept: dict[str, Kept] = {}
    opened: list[Stores] = []
    for gateway in catalog.gateways:
        found = stores
        if gateway.redis is not None:
            found = open_stores(redis_of(gateway.redis, settings), tell, settings.secrets.of_keys)
            opened.append(found)
            found = Within(found, bucket) if bucket else found
        kept[gateway.file] = found.store(NAME, KeptAnswer, room), found.clock
    return Gateways(catalog, stores.buckets, kept, opened)


def redis_of(redis: Redis, settings: Settings) -> StoreSettings:
    """The settings of the Redis that a file names."""
    scheme, mark, place = redis.address.rpartition("://")
    secret = f":{quote(redis.password, safe='')}@" if redis.password else ""
    own = settings.store
    url = f"{scheme if mark else 'redis'}://{secret}{place}"
    return StoreSettings(url=url, prefix=own.prefix, timeout=own.timeout, verify=own.verify)

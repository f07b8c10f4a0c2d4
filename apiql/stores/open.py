"""The stores that the settings name: those of this process, or a Redis. Knows no state."""

from __future__ import annotations

from apiql.events import Told
from apiql.settings import Store
from apiql.stores.memory import MemoryStores
from apiql.stores.store import Stores


def open_stores(store: Store, tell: Told | None = None, secret: bytes = b"") -> Stores:
    """The stores of these settings; nothing is connected before it is needed. What others share is
    found by keys that are made with the secret.
    """
    if store.url is None:
        return MemoryStores()
    from apiql.stores.lasting import redis_stores  # only who shares a store has its client

    return redis_stores(store, tell, secret)

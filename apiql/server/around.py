"""What guards may use of what is around them. Knows no guard."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from apiql.events import Told
from apiql.sources.call import Layer
from apiql.stores.store import Stores


@dataclass(frozen=True, slots=True)
class Around:
    """What guards may use: the way to other hosts, what outlives a request, and the wall clock in
    seconds since 1970.
    """

    layer: Layer
    stores: Stores
    wall: Callable[[], float]
    tell: Told | None = None
    key_sets: MutableMapping[str, Any] = field(default_factory=dict)
    """What issuers of tokens said last of their keys, by URL; outlives a reload."""

"""What a request passes before its text is read, in this order; what is not set is not there.

Who may connect is the protocol's business (door.py), what a query may do that of the rights.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from apiql.events import Told
from apiql.server.callers import Callers, schemes_of
from apiql.server.visit import Guard
from apiql.settings import Settings
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


def guards_of(settings: Settings, around: Around) -> tuple[Guard, ...]:
    """The guards that the settings ask for."""
    makers: tuple[Callable[[Settings, Around], Guard | None], ...] = (_callers,)
    found = (make(settings, around) for make in makers)
    return tuple(guard for guard in found if guard is not None)


def _callers(settings: Settings, around: Around) -> Guard | None:
    """Who asks."""
    access = settings.access
    schemes = schemes_of(access, around.layer, around.wall, around.key_sets, around.tell)
    if not schemes:
        return None
    required = access.required is not False
    return Callers(schemes, required, access.pass_on, settings.clients, around.tell).guard()

"""What a request passes before its text is read, in this order; what is not set is not there.

Who may connect is the protocol's business (door.py), what a query may do that of the rights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apiql.events import Told
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


def guards_of(settings: Settings, around: Around) -> tuple[Guard, ...]:
    """The guards that the settings ask for."""
    makers: tuple[Callable[[Settings, Around], Guard | None], ...] = ()
    found = (make(settings, around) for make in makers)
    return tuple(guard for guard in found if guard is not None)

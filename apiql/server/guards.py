"""What a request passes before its text is read, in this order; what is not set is not there.

Who may connect is the protocol's business (door.py), what a query may do that of the rights.
"""

from __future__ import annotations

from collections.abc import Callable

from apiql.server.addresses import listed_addresses
from apiql.server.around import Around
from apiql.server.forgery import unforged
from apiql.server.origins import listed_origins
from apiql.server.rate import rates_by_address, rates_by_name
from apiql.server.signatures import proved, signatures
from apiql.server.visit import Guard
from apiql.settings import Settings


def guards_of(settings: Settings, around: Around) -> tuple[Guard, ...]:
    """The guards that the settings ask for."""
    makers: tuple[Callable[[Settings, Around], Guard | None], ...] = (
        listed_addresses,
        listed_origins,
        unforged,
        rates_by_address,
        signatures,
        proved,
        rates_by_name,
    )
    found = (make(settings, around) for make in makers)
    return tuple(guard for guard in found if guard is not None)

"""What a request passes before its text is read, in this order; what is not set is not there.

Who may connect is the protocol's business (door.py), what a query may do that of the rights.
"""

from __future__ import annotations

from collections.abc import Callable

from apiql.server.addresses import listed_addresses
from apiql.server.around import Around
from apiql.server.callers import Callers, schemes_of
from apiql.server.forgery import unforged
from apiql.server.origins import listed_origins
from apiql.server.rate import rates_by_address, rates_by_name
from apiql.server.signatures import signing_scheme
from apiql.server.visit import Guard
from apiql.settings import Settings


def guards_of(settings: Settings, around: Around) -> tuple[Guard, ...]:
    """The guards that the settings ask for."""
    makers: tuple[Callable[[Settings, Around], Guard | None], ...] = (
        listed_addresses,
        listed_origins,
        unforged,
        rates_by_address,
        _callers,
        rates_by_name,
    )
    found = (make(settings, around) for make in makers)
    return tuple(guard for guard in found if guard is not None)


def _callers(settings: Settings, around: Around) -> Guard | None:
    """Who asks."""
    access = settings.access
    schemes = schemes_of(access, around.layer, around.wall, around.key_sets, around.tell)
    signing = signing_scheme(settings, around)
    schemes += () if signing is None else (signing,)
    if not schemes:
        return None
    required = access.required is not False
    return Callers(schemes, required, access.pass_on, settings.clients, around.tell).guard()

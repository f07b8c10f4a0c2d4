"""A guard: queries are answered only where their clients' addresses are allowed."""

from __future__ import annotations

from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.client_address import address_of, client_address
from apiql.server.visit import Guard, Visit
from apiql.settings import Settings

NOT_LISTED = "queries of this address are not answered"


def listed_addresses(settings: Settings, _: Around) -> Guard | None:
    """The guard, where addresses are listed. What is no address (a socket of this machine) is in no
    network.
    """
    listed, clients = settings.addresses, settings.clients
    if not listed.allow and not listed.deny:
        return None

    def guard(visit: Visit) -> None:
        address = address_of(client_address(visit.scope, clients))
        found = address is not None
        allowed = not listed.allow or (found and any(address in net for net in listed.allow))
        if not allowed or (found and any(address in net for net in listed.deny)):
            raise RequestRefused(Code.FORBIDDEN, NOT_LISTED, guard="addresses")

    return guard

"""The section of the addresses that may ask. It knows nothing of requests."""

from __future__ import annotations

from apiql.settings.clients import Networks
from apiql.settings.section import Section


class Addresses(Section):
    """From where queries are answered; without a network, from everywhere."""

    allow: Networks = ()
    """None: all."""
    deny: Networks = ()
    """What is in both is refused."""

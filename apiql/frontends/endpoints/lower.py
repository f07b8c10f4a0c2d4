"""A gateway endpoint -> plans in the IR."""

from __future__ import annotations

from apiql.frontends.endpoints.gateway import Endpoint, Gateway
from apiql.frontends.endpoints.lowered import EndpointGround, LoweredEndpoint


def lower_gateway(gateway: Gateway, ground: EndpointGround) -> tuple[LoweredEndpoint, ...]:
    """All endpoints of a file, in its order; their names are unique in it."""
    raise NotImplementedError


def lower_endpoint(endpoint: Endpoint, gateway: Gateway, ground: EndpointGround) -> LoweredEndpoint:
    """One endpoint of a gateway."""
    raise NotImplementedError

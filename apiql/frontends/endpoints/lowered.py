"""What an endpoint is lowered to, what it is lowered on, and what its plan starts with.

The plan of an endpoint has one parameter:

    request   a `Message`: header fields by canonical name (with the client in X-Forwarded-For, and
              X-Trace-Id), body, `params` (decoded, of the endpoint's own path), query

Its outcome is what `answer` makes the answer of: a `State`, or of a lone backend the reply alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from apiql.errors import Failure
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.state import Reply, State
from apiql.ir.plan import Parameter, Plan

REQUEST = "request"
PARAMETERS = (Parameter(REQUEST),)
ARGUMENTS = "arguments"
"""The parameter of `data`: an object of all that who selects from an endpoint says."""


class Ended(NamedTuple):
    """What a plan came to: its value, or a failure."""

    value: State | Reply | None = None
    failure: Failure | None = None


class GatewayAnswer(NamedTuple):
    """The answer to a request: status, header fields as they are written (names in lower case,
    several of one name only where they cannot be joined), body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class LoweredEndpoint:
    """An endpoint as a plan; its `name` is what a query selects it by (`endpoint.get_users_id`).

    `answer` makes the answer of what the plan came to, and never raises. `data` is the plan for
    those that select from it: its parameter `arguments` is an object, whose members are the path's
    parameters and, all others, the query's; its outcome is the JSON of the answer.
    """

    name: str
    endpoint: Endpoint
    plan: Plan
    answer: Callable[[Ended], GatewayAnswer]
    data: Plan


@dataclass(frozen=True, slots=True)
class EndpointGround:
    """What endpoints are lowered on.

    `now` is Unix time in seconds. `permits` says whether a URL may be called that no configured
    host begins; without it none is.
    """

    now: Callable[[], float] = lambda: 0.0
    permits: Callable[[str], bool] | None = None

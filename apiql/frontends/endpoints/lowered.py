"""What an endpoint is lowered to, what it is lowered on, and what its plan starts with.

The plan of an endpoint has three parameters:

    request   a `Message`: header fields by canonical name, body, `params` (decoded, of the
              endpoint's own path), query; as it came
    trace     a text, sent on as X-Trace-Id; empty: whatever the request has there
    client    the client's address, put behind what X-Forwarded-For has; empty: nothing is

The last two are for those who did not change the header fields themselves. The plan's outcome is
what `answer` makes the answer of: a `State`, or of a lone backend the reply alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from apiql.errors import Failure
from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.state import Reply, State
from apiql.ir.plan import Parameter, Plan

REQUEST, TRACE, CLIENT = "request", "trace", "client"
PARAMETERS = (
    Parameter(REQUEST),
    Parameter(TRACE, default="", has_default=True, required=False),
    Parameter(CLIENT, default="", has_default=True, required=False),
)
ARGUMENTS = "arguments"
"""The parameter of `data`: an object of all that who selects from an endpoint says."""


@dataclass(frozen=True, slots=True)
class Ended:
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

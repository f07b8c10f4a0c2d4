"""A gateway endpoint -> plans in the IR: its calls, one behind the other, which hand on one state;
and the same for who selects from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from apiql.frontends.endpoints.answering import answerer, data_of
from apiql.frontends.endpoints.arguments import asker
from apiql.frontends.endpoints.calling import begun
from apiql.frontends.endpoints.gateway import Call, Endpoint, Gateway
from apiql.frontends.endpoints.lone import is_lone
from apiql.frontends.endpoints.lowered import (
    ARGUMENTS,
    PARAMETERS,
    EndpointGround,
    LoweredEndpoint,
)
from apiql.frontends.endpoints.tasks import FOR_REQUESTS, GIVEN, Around, lone_task, tasks_of
from apiql.frontends.endpoints.units import SECOND
from apiql.ir.caching import CacheRule
from apiql.ir.plan import Parameter, Plan, Task
from apiql.ir.policy import Settings
from apiql.ir.reach import Kind
from apiql.ir.values import Invoke, ParamRoot, Ref, ResultRoot, Value
from apiql.ir.works import Compute

RESERVED = 0.05
"""The share of its time that the engine takes from a plan; an endpoint has all that it says."""
ANSWER, REQUESTED = "answer", "request"


def lower_gateway(gateway: Gateway, ground: EndpointGround) -> tuple[LoweredEndpoint, ...]:
    """All endpoints of a file, in its order; their names are unique in it."""
    names = names_of(gateway)
    return tuple(
        _lowered(name, endpoint, gateway, ground)
        for name, endpoint in zip(names, gateway.endpoints, strict=True)
    )


def lower_endpoint(endpoint: Endpoint, gateway: Gateway, ground: EndpointGround) -> LoweredEndpoint:
    """One endpoint of a gateway."""
    own = next(at for at, other in enumerate(gateway.endpoints) if other is endpoint)
    return _lowered(names_of(gateway)[own], endpoint, gateway, ground)


def names_of(gateway: Gateway) -> tuple[str, ...]:
    """What the endpoints are selected by: `get_users_id` for `GET /users/:id`; a number follows
    where another one has that already.
    """
    names: dict[str, None] = {}
    for endpoint in gateway.endpoints:
        words = re.findall(r"[A-Za-z0-9]+", f"{endpoint.method} {endpoint.path}")
        names[_unused("_".join(words).lower(), names)] = None
    return tuple(names)


def _lowered(
    name: str, endpoint: Endpoint, gateway: Gateway, ground: EndpointGround
) -> LoweredEndpoint:
    return LoweredEndpoint(
        name,
        endpoint,
        _plan(endpoint, ground),
        answerer(endpoint, gateway.file, ground),
        _data(name, endpoint, ground),
    )


def _plan(endpoint: Endpoint, ground: EndpointGround) -> Plan:
    around = Around(ground, FOR_REQUESTS)
    if is_lone(endpoint):
        call = endpoint.calls[0]
        tasks = [lone_task(endpoint, call.backend, _name(call, 0), around)]
    else:
        tasks = [*_tasks(endpoint, Invoke("begun", begun, GIVEN), around)]
    made = Plan.of(tasks, (), PARAMETERS, _settings(endpoint))
    return replace(made, outcome=tasks[-1].name)


def _data(name: str, endpoint: Endpoint, ground: EndpointGround) -> Plan:
    """The plan for selects: it begins with their arguments, and ends with JSON. Its calls are kept
    and shared as those of sources are.
    """
    around = Around(ground, CacheRule((f"{Kind.ENDPOINT}:{name}",)))
    first = Invoke("asked", asker(endpoint), (Ref(ParamRoot(ARGUMENTS)),))
    tasks = [*_tasks(endpoint, first, around)]
    last = Ref(ResultRoot(tasks[-1].name))
    tasks.append(Task(ANSWER, Compute(Invoke("data", data_of(endpoint, name), (last,)))))
    parameters = (Parameter(ARGUMENTS, has_default=True, required=False),)
    made = Plan.of(tasks, (), parameters, _settings(endpoint))
    return replace(made, outcome=ANSWER, gathered=ARGUMENTS)


def _settings(endpoint: Endpoint) -> Settings:
    return Settings(timeout=endpoint.timeout / SECOND / (1 - RESERVED))


def _tasks(endpoint: Endpoint, first: Value, around: Around) -> Iterator[Task]:
    """The tasks of all calls; the last one has the state at the end."""
    if not endpoint.calls:
        yield Task(REQUESTED, Compute(first))
    names: dict[str, None] = {ANSWER: None}
    state = first
    for index, call in enumerate(endpoint.calls):
        name = _unused(_name(call, index), names)
        names[name] = None
        yield from tasks_of(endpoint, call.backend, name, state, around)
        state = Ref(ResultRoot(name))


def _name(call: Call, index: int) -> str:
    """What a call is called by people: in errors, events and plans."""
    return call.middleware or call.backend.name or f"{call.role.value}-{index}"


def _unused(name: str, names: Mapping[str, object]) -> str:
    """The name, with a number where it is used."""
    found, number = name, 2
    while found in names:
        found, number = f"{name}_{number}", number + 1
    return found

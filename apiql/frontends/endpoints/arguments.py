"""What a select says of an endpoint -> the endpoint's request. Knows no plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apiql.frontends.endpoints.gateway import Endpoint
from apiql.frontends.endpoints.json_value import Json, text_of
from apiql.frontends.endpoints.message import Message
from apiql.frontends.endpoints.modify_fields import places_of
from apiql.frontends.endpoints.state import State


def asker(endpoint: Endpoint) -> Callable[[object, Mapping[str, Any] | None], State]:
    """What makes the state before the first call: members that the path has are its parameters,
    all others the query's; a list is several values, null is none.
    """
    path, places = endpoint.path, frozenset(places_of(endpoint.path))

    def asked(moment: object, arguments: Mapping[str, Any] | None) -> State:
        given = {name: value for name, value in (arguments or {}).items() if value is not None}
        params = {name: text_of(value) for name, value in given.items() if name in places}
        query = {name: tuple(_texts(v)) for name, v in given.items() if name not in places}
        return State(Message(path=path, params=params, query=query))

    return asked


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        yield from (text_of(element) for element in value)
    else:
        yield text_of(value)

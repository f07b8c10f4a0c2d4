"""Sources: named upstream operations that a query can select from."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.ir.request import Binding, Endpoint


@dataclass(frozen=True, slots=True)
class Source:
    """An operation of an upstream: method, endpoint and the bindings it has by itself."""

    name: str
    method: str
    endpoint: Endpoint
    defaults: tuple[Binding, ...] = ()

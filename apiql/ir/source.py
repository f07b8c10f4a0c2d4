"""Sources: named upstream operations that a query can select from."""

from __future__ import annotations

from dataclasses import dataclass

from apiql.ir.projection import Path
from apiql.ir.request import Binding, Endpoint


@dataclass(frozen=True, slots=True)
class Bulk:
    """How a source answers for several elements in one call: `param` of the query string takes at
    most `most` of them, written as `style`; the rows stand at `rows` and are known by `key`.
    """

    endpoint: Endpoint
    param: str
    style: str
    most: int
    key: Path
    rows: Path = ()


@dataclass(frozen=True, slots=True)
class Source:
    """An operation of an upstream: method, endpoint and the bindings it has by itself."""

    name: str
    method: str
    endpoint: Endpoint
    defaults: tuple[Binding, ...] = ()
    bulk: Bulk | None = None

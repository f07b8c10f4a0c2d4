"""The kinds of documents, the two generations, and which model is whose."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from apiql.documents.shape import Shape
from apiql.frontends.definitions.private import Private
from apiql.frontends.definitions.v1.api import Api
from apiql.frontends.definitions.v1.flow import Flow as FlowV1
from apiql.frontends.definitions.v1.schedule import Schedule as ScheduleV1
from apiql.frontends.definitions.v2.flow import Flow as FlowV2
from apiql.frontends.definitions.v2.flow import Main
from apiql.frontends.definitions.v2.httpapi import HttpApi
from apiql.frontends.definitions.v2.right import Right
from apiql.frontends.definitions.v2.schedule import Schedule as ScheduleV2


class Generation(StrEnum):
    """The two notations of APIHUB."""

    V1 = "v1"
    V2 = "v2"


class Kind(StrEnum):
    """What a document is; apis are `api` in the first generation, `httpapi` in the second."""

    MAIN = "main"
    PRIVATE = "private"
    API = "api"
    FLOW = "flow"
    SCHEDULE = "schedule"
    RIGHT = "right"


MODELS: Mapping[tuple[Generation, Kind], type[Shape]] = MappingProxyType(
    {
        (Generation.V1, Kind.PRIVATE): Private,
        (Generation.V1, Kind.API): Api,
        (Generation.V1, Kind.FLOW): FlowV1,
        (Generation.V1, Kind.SCHEDULE): ScheduleV1,
        (Generation.V2, Kind.MAIN): Main,
        (Generation.V2, Kind.PRIVATE): Private,
        (Generation.V2, Kind.API): HttpApi,
        (Generation.V2, Kind.FLOW): FlowV2,
        (Generation.V2, Kind.SCHEDULE): ScheduleV2,
        (Generation.V2, Kind.RIGHT): Right,
    }
)

FUNCTIONS: Mapping[Generation, frozenset[str]] = MappingProxyType(
    {
        Generation.V1: frozenset({"utc", "md5"}),
        Generation.V2: frozenset({"utc", "utc_ms", "md5", "timestamp"}),
    }
)
"""The functions that each generation has without plug-ins."""


def word(generation: Generation, kind: Kind) -> str:
    """The word of a generation for a kind."""
    return "httpapi" if (generation, kind) == (Generation.V2, Kind.API) else kind.value

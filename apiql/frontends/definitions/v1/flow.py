"""A flow of the first generation: steps that call apis, and one that puts results together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from apiql.documents.shape import Demand, Json, Listed, Older, Shape, Words, warning
from apiql.frontends.definitions.demands import reserved_key
from apiql.frontends.definitions.v1.source import Given, Source
from apiql.json_nodes import Node


class ApiCall(Shape):
    """The api that a step calls."""

    id: str = ""
    """The name of the api's file."""
    private: str = ""
    """A file of private values in place of the api's own."""
    parameters: Annotated[Listed[Given], Older(("args",))] = ()
    """Members that are put into the request body, for this step and all later ones."""


class Made(Shape):
    """A result that is put together of others."""

    type: Annotated[str, Words(("json", "html"))] = ""
    """json (of `from.template`) or html (of `from.name`)."""
    source: Source | None = Field(default=None, alias="from")
    """What it is made of."""
    data: Json = Field(default=None, alias="json")
    """The older form: JSON whose texts are templates."""


class Step(Shape):
    """One step: it calls an api, or makes a result."""

    name: str = ""
    """For people."""
    description: str = ""
    """For people."""
    result_key: str = ""
    """The name that later steps find the result by."""
    concurrent: bool = False
    """Whether it may run beside its neighbours; those behind it wait."""
    api: ApiCall | None = None
    """The api that is called."""
    response: Made | None = None
    """The result that is made, where no api is called."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """Something to do."""
        yield from reserved_key(found)
        if "api" not in found and "response" not in found:
            yield warning("the step does nothing", '"api" or "response"')


class Flow(Shape):
    """Steps, carried out in their order; the last result with a key is the answer."""

    name: str = ""
    """For people: a flow is found by the name of its file."""
    description: str = ""
    """For people."""
    concurrent_num: int = 0
    """How many steps may run at once; more than 1 lets concurrent ones do so."""
    steps: Annotated[Listed[Step], Older(("tasks",))] = ()
    """The steps."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """Steps."""
        if "steps" not in found:
            yield warning('"steps" is missing: the flow answers null', "a list of steps")

"""A schedule of the second generation: jobs (its `steps`) that call, choose and repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from apiql.documents.shape import Demand, Listed, Older, Shape, Words, text_of, warning
from apiql.frontends.definitions.demands import reserved_key
from apiql.frontends.definitions.v2.flow import Step
from apiql.frontends.definitions.v2.value import Value
from apiql.json_nodes import Node


class Case(Shape):
    """The jobs for one value of a switch."""

    schema_rules: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "anyOf": [
                {"required": ["value"]},
                {"required": ["default"], "properties": {"default": {"const": True}}},
            ]
        }
    )

    value: str = ""
    """The value of the key that they are for."""
    default: bool = False
    """Whether they are for every value that no other case names."""
    concurrent_num: int = 0
    """How many of the jobs may run at once."""
    steps: Annotated[Listed[Job], Older(("tasks",))] = ()
    """The jobs."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A value, unless it is for all others."""
        if "value" not in found and not ("default" in found and found["default"].value is True):
            yield Demand('"value" is missing', '"value", or "default": true')


class Control(Shape):
    """What a loop or a switch does."""

    name: str
    """For people; of a loop, the name of its index."""
    description: str = ""
    """For people."""
    private: str = ""
    """Not used."""
    result_key: str = ""
    """The name that later jobs find the result by; of a loop, the index too."""
    key: Value | None = None
    """What a switch compares, how often a loop runs."""
    concurrent_num: int = 0
    """How many of the inner jobs may run at once."""
    concurrent_loop_num: int = 0
    """How many rounds of a loop may run at once."""
    cases: Listed[Case] = ()
    """The cases of a switch."""
    steps: Annotated[Listed[Job], Older(("tasks",))] = ()
    """The jobs of a loop."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A key, and one that is no reserved name for the result."""
        yield from reserved_key(found)
        if "key" not in found:
            yield warning('"key" is missing: there is nothing to go by', '"key": {"from": …}')


class Job(Shape):
    """One job: a command, a loop or a switch."""

    schema_rules: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "if": {"properties": {"type": {"const": "api"}}},
            "then": {"required": ["api"]},
            "else": {"required": ["control"]},
        }
    )

    type: Literal["api", "loop", "switch"]
    """api, loop or switch."""
    mode: Annotated[str, Words(("normal", "concurrent", "background"))] = ""
    """normal, concurrent (beside its neighbours) or background (nobody waits for it)."""
    private: str = ""
    """Not used."""
    control: Control | None = None
    """What a loop or a switch does."""
    api: Step | None = None
    """The command and its arguments."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """What is done; of a switch also cases."""
        kind = text_of(found, "type")
        wanted = {"api": "api", "loop": "control", "switch": "control"}.get(kind)
        if wanted and wanted not in found:
            yield Demand(f'"{wanted}" is missing', f'"{wanted}" beside "type": "{kind}"')


Case.model_rebuild()
Control.model_rebuild()


class Schedule(Shape):
    """Jobs, carried out in their order; the status of the last one is that of the schedule."""

    name: str
    """For people: a schedule is found by the name of its file."""
    description: str = ""
    """For people."""
    concurrent_num: int = 0
    """How many jobs may run at once; more than 1 lets concurrent ones do so."""
    steps: Annotated[Listed[Job], Older(("tasks",))]
    """The jobs."""

"""A schedule of the first generation: jobs (its `tasks`) that call, choose and repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from apiql.documents.shape import Demand, Listed, Older, Shape, text_of, warning
from apiql.frontends.definitions.demands import reserved_key
from apiql.frontends.definitions.v1.source import Given, Source
from apiql.json_nodes import Node, meant, quoted

CONTROLS = ("switch", "loop")


class Case(Shape):
    """The jobs for one value of a switch."""

    value: str = ""
    """The value of the key that they are for."""
    default: bool = False
    """Whether they are for every value that no other case names."""
    concurrent_num: int = 0
    """How many of the jobs may run at once."""
    tasks: Annotated[Listed[Job], Older(("steps",))] = ()
    """The jobs."""


class Job(Shape):
    """One job: a call of an api or a flow, or a control (switch, loop)."""

    schema_rules: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "if": {"properties": {"type": {"const": "control"}}},
            "then": {"required": ["name"], "properties": {"name": {"enum": list(CONTROLS)}}},
        }
    )

    type: Literal["control", "api", "flow"]
    """control, api or flow."""
    name: str = ""
    """The api or flow that is called; of a control: switch or loop."""
    description: str = ""
    """For people."""
    result_key: str = ""
    """The name that later jobs find the result by; of a loop, the index too."""
    key: Source | None = None
    """What a switch compares, how often a loop runs."""
    concurrent_num: int = 0
    """How many of the inner jobs may run at once."""
    concurrent_loop_num: int = 0
    """How many rounds of a loop may run at once."""
    concurrent: bool = False
    """Whether it may run beside its neighbours; those behind it wait."""
    cases: Listed[Case] = ()
    """The cases of a switch."""
    tasks: Annotated[Listed[Job], Older(("steps",))] = ()
    """The jobs of a loop."""
    parameters: Annotated[Listed[Given], Older(("args",))] = ()
    """Members that are put into the request body of what is called."""
    private: str = ""
    """A file of private values in place of the called one's own."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A name; of a control also a key, and of a switch cases."""
        yield from reserved_key(found)
        kind, name = text_of(found, "type"), text_of(found, "name")
        if kind == "control" and name not in CONTROLS:
            near = meant(name, CONTROLS)
            yield Demand(f"{quoted(name)} is no control", "switch or loop", "name", nearest=near)
        elif kind == "control" and "key" not in found:
            yield warning(
                f'"key" is missing: the {name} has nothing to go by', '"key": {"from": …}'
            )
        if kind == "control" and name == "switch" and not _has(found, "cases"):
            yield warning("the switch has no cases", '"cases": [{"value": …, "tasks": […]}]')
        if kind in ("api", "flow") and not name:
            yield warning(f'"name" is missing: it says which {kind} is called', "a name")


Case.model_rebuild()


class Schedule(Shape):
    """Jobs, carried out in their order; the last result is the answer."""

    name: str = ""
    """For people: a schedule is found by the name of its file."""
    description: str = ""
    """For people."""
    concurrent_num: int = 0
    """How many jobs may run at once; more than 1 lets concurrent ones do so."""
    tasks: Annotated[Listed[Job], Older(("steps",))] = ()
    """The jobs."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """Jobs."""
        if "tasks" not in found:
            yield warning('"tasks" is missing: the schedule answers null', "a list of tasks")


def _has(found: Mapping[str, Node], name: str) -> bool:
    return name in found and found[name].value != ()

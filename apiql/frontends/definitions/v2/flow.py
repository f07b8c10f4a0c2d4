"""A flow of the second generation, and main.json, which is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from apiql.documents.shape import Demand, Listed, Older, Shape, Words
from apiql.frontends.definitions.demands import reserved_key
from apiql.frontends.definitions.v2.commands import COMMANDS, RENAMED
from apiql.frontends.definitions.v2.value import Argument
from apiql.json_nodes import Node


class Step(Shape):
    """One step: a command and its arguments."""

    name: str
    """For people."""
    command: Annotated[str, Words(tuple(COMMANDS), renamed=RENAMED)]
    """What is done."""
    description: str = ""
    """For people."""
    private: str = ""
    """The file of private values: for the arguments, and in place of the called one's own."""
    result_key: str = ""
    """The name that later steps find the result by."""
    args: Annotated[Listed[Argument], Older(("parameters",))] = ()
    """The arguments of the command."""
    origin: Listed[Argument] = ()
    """Members that are put into the request body, for this step and all later ones."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A key that is no reserved name."""
        yield from reserved_key(found)


class Flow(Shape):
    """Steps, carried out in their order; the first that fails ends the flow."""

    closed: ClassVar[bool] = True

    name: str
    """For people: a flow is found by the name of its file."""
    description: str = ""
    """For people."""
    private: str = ""
    """Not used."""
    steps: Annotated[Listed[Step], Older(("tasks",))]
    """The steps."""


class Main(Flow):
    """What is done at the start, as a flow."""

    closed: ClassVar[bool] = False

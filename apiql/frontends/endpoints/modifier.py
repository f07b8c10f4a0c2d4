"""One change that a backend makes to a request or an answer, checked. Carries nothing out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from apiql.frontends.endpoints.dynamic import Dynamic
from apiql.frontends.endpoints.json_path import Path


class Target(Enum):
    """What is changed, in the order in which changes are made."""

    HEADER = "header"
    PARAM = "param"
    QUERY = "query"
    BODY = "body"


class Action(StrEnum):
    """What is done. ADD and APD put values behind others, APD and RPL only where there are some."""

    ADD = "ADD"
    APD = "APD"
    SET = "SET"
    RPL = "RPL"
    REN = "REN"
    DEL = "DEL"


class Side(StrEnum):
    """Before the call or behind it; its request or its answer."""

    REQUEST = "REQUEST"
    RESPONSE = "RESPONSE"


@dataclass(frozen=True, slots=True)
class Modifier:
    """A change. `context` None is before the call and behind it, `scope` None the context's side;
    `path` is the key of a body as a path, `renamed` the new one where it is known (REN).
    """

    target: Target
    action: Action
    key: str
    value: Dynamic | None = None
    context: Side | None = None
    scope: Side | None = None
    propagate: bool = False
    path: Path | None = None
    renamed: Path | None = None

    def side(self, phase: Side) -> Side:
        """Whose message it changes in a phase."""
        if self.target in (Target.PARAM, Target.QUERY):
            return Side.REQUEST
        return self.scope or self.context or phase

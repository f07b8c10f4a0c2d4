"""A definition as a plan, by the generation of its file."""

from __future__ import annotations

from apiql.errors import Code, Problem, QueryRefused
from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.lower.lowered import Ground, Lowered


def lower_any(of: Kind, name: str, ground: Ground) -> Lowered:
    """The plan of a definition.

    Raises:
        QueryRefused: it cannot be made.
    """
    document = ground.definitions.documents[of][name]
    first = document.origin.generation is Generation.V1
    raise QueryRefused((Problem(Code.INTERNAL, f"not yet {first}"),))

"""A definition as a plan, by the generation of its file."""

from __future__ import annotations

from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.lower.lowered import Ground, Lowered
from apiql.frontends.definitions.lower.v1_lower import lower_v1
from apiql.frontends.definitions.lower.v2_gateway import lower_v2


def lower_any(of: Kind, name: str, ground: Ground) -> Lowered:
    """The plan of a definition.

    Raises:
        QueryRefused: it cannot be made.
    """
    document = ground.definitions.documents[of][name]
    lower = lower_v1 if document.origin.generation is Generation.V1 else lower_v2
    return lower(of, name, ground)

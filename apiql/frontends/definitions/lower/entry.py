"""Definitions as plans, each by the generation of its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from apiql.frontends.definitions.kinds import Generation, Kind
from apiql.frontends.definitions.lower.lowered import Count, Ground, Lowered
from apiql.frontends.definitions.lower.v1_lower import lowering_v1
from apiql.frontends.definitions.lower.v2_gateway import lowering_v2


def lowering(ground: Ground, count: Count | None = None) -> Callable[[Kind, str], Lowered]:
    """Lowers definitions of a ground, by kind and name; what several call is made once. `count` is
    told what they count.

    A name that nothing has is what the second generation makes of one.

    Raises (what it gives):
        QueryRefused: a plan cannot be made.
    """
    ground = replace(ground, count=count)
    first, second = lowering_v1(ground), lowering_v2(ground)

    def lowered(of: Kind, name: str) -> Lowered:
        document = ground.definitions.documents[of].get(name)
        is_first = document is not None and document.origin.generation is Generation.V1
        return (first if is_first else second)(of, name)

    return lowered

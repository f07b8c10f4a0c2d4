"""All targets. What reads bytes from outside belongs here: a module that is new adds a file of
targets beside the others and its tuple to this one.
"""

from __future__ import annotations

from tests.fuzz import callers, clients, definitions, operators, upstreams

ALL = (
    *callers.TARGETS,
    *clients.TARGETS,
    *upstreams.TARGETS,
    *operators.TARGETS,
    *definitions.TARGETS,
)
TARGETS = {target.name: target for target in ALL}

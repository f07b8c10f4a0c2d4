"""All targets. What reads bytes from outside belongs here: a module that is new adds a file of
targets beside the others and its tuple to this one.
"""

from __future__ import annotations

from tests.fuzz import clients, definitions, operators, upstreams

ALL = (*clients.TARGETS, *upstreams.TARGETS, *operators.TARGETS, *definitions.TARGETS)
TARGETS = {target.name: target for target in ALL}

"""All targets. What reads bytes from outside belongs here: a module that is new (tokens, rights,
archives) adds a file of targets beside the others and its tuple to this one.
"""

from __future__ import annotations

from tests.fuzz import clients, operators, upstreams

TARGETS = {
    target.name: target for target in (*clients.TARGETS, *upstreams.TARGETS, *operators.TARGETS)
}

"""What a template is lowered against: upstreams, permissions and limits of this engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from apiql.frontends.call_templates.document import METHODS
from apiql.ir.request import CREDENTIALS, Endpoint
from apiql.sources.call import Origin

USUAL_TIME = 5.0
"""Seconds of a call that says nothing else, as the notation has it."""


@dataclass(frozen=True, slots=True)
class Around:
    """`upstreams` are those that are configured, by name: paths go to the one called `default`,
    absolute URLs to the one whose place they name; `permits` says whether others may be named.
    """

    upstreams: Mapping[str, Endpoint] = field(default_factory=dict)
    permits: Callable[[Origin, str], bool] = lambda origin, target: False
    methods: frozenset[str] = frozenset(METHODS)
    credentials: frozenset[str] = CREDENTIALS
    tasks: int = 20
    params: int = 100
    segments: int = 16
    call_timeout: float = USUAL_TIME

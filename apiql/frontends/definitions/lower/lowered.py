"""What a definition is lowered to, what it is lowered on, and what its plan starts with.

A plan of a definition has the parameters `origin` (the body of the request as JSON, `{}` without
one), `query` (the first value of each name), `headers` (names in lower case) and `base` (of the
second generation: `root`, `type`, `start`, `src`, `uuid`), and its outcome is that of one task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import Struct

from apiql.errors import Code, Failure
from apiql.frontends.definitions.folder import Definitions
from apiql.frontends.definitions.kinds import Kind
from apiql.gotemplate.calls import Function
from apiql.ir.plan import Parameter, Plan

Count: TypeAlias = Callable[[Mapping[str, str]], None]
"""Is told the labels of what a definition counts: `httpInOut`, `root`, `type`, `child`, `code` and
the `duration` in seconds.
"""
ORIGIN, QUERY, HEADERS, BASE = "origin", "query", "headers", "base"
PARAMETERS = tuple(Parameter(name, required=False) for name in (ORIGIN, QUERY, HEADERS, BASE))


class Ended(Struct, frozen=True):
    """What a plan came to: a `value`, or JSON as it came (`body`), or a `failure`."""

    value: Any = None
    body: bytes | None = None
    failure: Failure | None = None


class Answered(Struct, frozen=True):
    """The answer to a request: status, Content-Type (empty for none), body; `code` is what the log
    has, where something failed.
    """

    status: int
    media: str
    body: bytes
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Lowered:
    """A definition as a plan. `answer` makes the answer of what it came to; `data` is the plan for
    those that select from it, whose outcome is its JSON. `any_body`: a body that is no JSON counts
    as none, instead of being refused.
    """

    kind: Kind
    name: str
    plan: Plan
    answer: Callable[[Ended], Answered]
    data: Plan
    any_body: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What definitions are lowered on.

    `functions` are those of plug-ins for templates, `values` those for `from: func`, `environ` what
    the second generation calls `env`, `permits` says whether a URL that only a run knows may be
    called, `now` is Unix time in seconds, `pinned` the places (scheme and authority) that
    definitions name, `count` is told what they count. `strict`: escape and break as the original
    does. `bucket` is the one that all these definitions stand in, which tells what is kept for them
    from what is kept for others.
    """

    definitions: Definitions
    functions: Mapping[str, Function] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    permits: Callable[[str], bool] = lambda url: False
    now: Callable[[], float] = lambda: 0.0
    pinned: frozenset[str] = frozenset()
    strict: bool = False
    values: Mapping[str, Callable[..., str]] = field(default_factory=dict)
    count: Count | None = None
    bucket: str = ""

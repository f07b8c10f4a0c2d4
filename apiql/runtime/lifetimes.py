"""How long the answer of a run may be used again: what its replies and its clauses say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apiql.ir.plan import Plan, with_otherwise
from apiql.ir.values import Apply, Literal, Value, children
from apiql.ir.works import Nested, inner_works
from apiql.runtime.freshness import (
    SILENT,
    UNSTORABLE,
    Freshness,
    cache_control,
    combined,
    freshness_of,
)
from apiql.runtime.inputs import duration_of
from apiql.runtime.run import Run
from apiql.runtime.step import Executable, Step
from apiql.sources.call import Headers

TELLING = frozenset(("cache-control", "expires", "age", "vary", "set-cookie"))
"""Header fields that say something about caching."""


def cache_control_of(executable: Executable, run: Run) -> str | None:
    """The Cache-Control of an answer without errors; None where nobody says anything."""
    most = executable.plan.settings.most_age
    if most is None and not executable.caches and not _told(run):
        return None
    parts = [_part(*found) for found in run.replies]
    bound = None if most is None else duration_of(most, run.scope.params)
    return cache_control(combined(parts, bound))


def _told(run: Run) -> bool:
    """Whether anything but silence came: the usual case is found out quickly."""
    for step, headers, age, _ in run.replies:
        if not step.is_read or age is not None:
            return True
        if headers and not TELLING.isdisjoint([name for name, _ in headers]):
            return True
    return False


def _part(
    step: Step, headers: Headers | None, age: float | None, params: Mapping[str, Any]
) -> Freshness:
    if not step.is_read:
        return UNSTORABLE
    if headers is None:
        return SILENT
    caching = step.policy.caching
    keep = None if caching.keep is None else duration_of(caching.keep, params)
    most = None if caching.most_age is None else duration_of(caching.most_age, params)
    return freshness_of(headers, age, keep, most, caching.off)


def header_names(plan: Plan) -> frozenset[str]:
    """The headers of the caller's request that an answer depends on; `*` where only a run knows."""
    found: frozenset[str] = frozenset()
    for task in plan.tasks:
        for one in with_otherwise(task):
            found |= _in_values(one.values())
            for work in inner_works(one.work):
                found |= header_names(work.plan) if isinstance(work, Nested) else frozenset()
    return found | _in_values(plan.shown())


def _in_values(values: Iterable[Value]) -> frozenset[str]:
    return frozenset[str]().union(*map(_in_value, values))


def _in_value(value: Value) -> frozenset[str]:
    found = _in_values(children(value))
    match value:
        case Apply("cookie"):
            return found | {"Cookie"}
        case Apply("header", (Literal(str(name)),)):
            return found | {name}
        case Apply("header"):
            return found | {"*"}
    return found

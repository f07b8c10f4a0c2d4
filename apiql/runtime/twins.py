"""Reads of one plan that may turn out to be the same call once their values are known."""

from __future__ import annotations

from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.works import Fetch, Repeat


def twins_of(plan: Plan) -> frozenset[str]:
    """What reads have in common that may turn out equal once their values are known."""
    keys: dict[str, int] = {}
    for task in plan.tasks:
        for one in with_otherwise(task):
            if (key := call_key(one)) is not None:
                keys[key] = keys.get(key, 0) + (2 if isinstance(one.work, Repeat) else 1)
    return frozenset(key for key, count in keys.items() if count > 1)


def call_key(task: Task) -> str | None:
    """What must be the same of two reads, their values aside, for them to be one call."""
    work = task.work.each if isinstance(task.work, Repeat) else task.work
    if not isinstance(work, Fetch) or not work.is_read:
        return None
    after = ",".join(sorted(task.after))
    return f"{work.method} {work.endpoint!r} {task.policy!r} {after} {task.when!r}"

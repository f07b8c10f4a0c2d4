"""Reads of one plan that may turn out to be the same call once their values are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.request import Place
from apiql.ir.values import ElementRoot, Ref
from apiql.ir.works import Fetch, Repeat

ELEMENT = Ref(ElementRoot(0))


def twins_of(plan: Plan) -> Mapping[str, int]:
    """What reads have in common that may turn out equal once their values are known, and how many
    selects have it: of one alone the calls of its fan-out may.
    """
    selects: Counter[str] = Counter()
    repeated: set[str] = set()
    for task in plan.tasks:
        for one in with_otherwise(task):
            if (key := call_key(one)) is not None:
                selects[key] += 1
                repeated |= {key} if isinstance(one.work, Repeat) else set()
    return {key: count for key, count in selects.items() if count > 1 or key in repeated}


def call_key(task: Task) -> str | None:
    """What must be the same of two reads, their values aside, for them to be one call."""
    work = task.work.each if isinstance(task.work, Repeat) else task.work
    if not isinstance(work, Fetch) or not work.is_read:
        return None
    after = ",".join(sorted(task.after))
    return f"{work.method} {work.endpoint!r} {task.policy!r} {after} {task.when!r}"


def tells_apart(work: Repeat) -> bool:
    """Whether calls for different elements of one list are different where these are all texts or
    all integers (1 and '1' are written alike): the element stands in the URL as it is.
    """
    bindings = work.each.bindings if isinstance(work.each, Fetch) else ()
    bare = (b.place for b in bindings if b.value == ELEMENT and b.style is None)
    return work.batch is None and not {Place.PATH, Place.QUERY}.isdisjoint(bare)

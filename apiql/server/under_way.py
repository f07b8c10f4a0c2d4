"""The queries that run now, for who asks at /admin/queries. Shows names, no value and no text."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from apiql.server.task_names import hidden_names
from apiql.server.visit import Look, Visit

MOST = 1000
"""Queries that are shown at a time, the oldest first."""

Fingerprint = Callable[[Visit], str]


class UnderWay:
    """Watches which queries run."""

    wants_events = False

    def __init__(self, fingerprint: Fingerprint) -> None:
        self._visits: set[Visit] = set()
        self._fingerprint = fingerprint
        self.begun: Look = self._visits.add
        self.ended: Look = self._visits.discard

    def shown(self) -> list[dict[str, Any]]:
        """Each with its age and what of it is still to be done."""
        now = perf_counter()
        oldest = sorted(self._visits, key=lambda visit: visit.begun)
        return [self._shown(visit, now) for visit in oldest[:MOST]]

    def _shown(self, visit: Visit, now: float) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": visit.request_id.decode(), "seconds": round(now - visit.begun, 3),
            "kind": visit.kind, "route": visit.route,
        }  # fmt: skip
        if visit.name:
            found["query"] = visit.name
        elif fingerprint := self._fingerprint(visit):
            found["fingerprint"] = fingerprint
        if visit.principal.is_known:
            found["principal"] = visit.principal.name
        return found | _tasks(visit)


def _tasks(visit: Visit) -> dict[str, Any]:
    """Of a plan that is carried out: what has ended, what is under way, what waits for that."""
    plan, run = visit.plan, visit.run
    if plan is None or run is None:
        return {"stage": "read" if plan is None else "waiting for its turn"}
    ended = set(run.scope.outcomes)
    ended |= {name for name, task in (run.ended or {}).items() if task.done()}
    left = [task for task in plan.tasks if task.name not in ended]
    hidden = hidden_names(visit)
    shown = {task.name: hidden.get(task.name, task.name) for task in left}
    return {
        "stage": "carried out", "calls": visit.calls, "ended": len(plan.tasks) - len(left),
        "under_way": [shown[task.name] for task in left if task.needs <= ended],
        "waiting": [shown[task.name] for task in left if not task.needs <= ended],
    }  # fmt: skip

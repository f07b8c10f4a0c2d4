"""What the clauses of a task and the configuration of its source come to, taken together."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from apiql.ir.plan import Task
from apiql.ir.policy import REPEATABLE, Policy, Retry
from apiql.ir.works import Fetch, Nested

USUAL = Policy()


def work_name(work: Fetch | Nested) -> str:
    """The service of a fetch, the name of a nested plan: for people."""
    return work.endpoint.service if isinstance(work, Fetch) else work.name


def is_plain(task: Task) -> bool:
    """Whether it is one call of which no clause says more than its time."""
    usual = replace(task.policy, timeout=None, tolerance=USUAL.tolerance) == USUAL
    work = task.work
    if not usual or not isinstance(work, Fetch) or task.when or task.otherwise:
        return False
    return work.endpoint.retry.each is None


def retry_of(task: Task, fetch: Fetch | None) -> Retry | None:
    """What the query says of more tries, else the source: only of what may be called twice."""
    if fetch is None:
        return None
    asked, usual = task.policy.retry, fetch.endpoint.retry
    if asked is not None:
        return replace(asked, patience=usual.patience)
    return usual if usual.times and fetch.method in REPEATABLE else None


def timeout_of(task: Task, fetch: Fetch | None, call_timeout: float) -> float:
    """The seconds of one call: what the query says, else the source, else the settings; a nested
    plan has what is left of the query's time.
    """
    asked = task.policy.timeout
    if isinstance(asked, float):
        return asked
    if fetch is None:
        return inf
    own = fetch.endpoint.timeout
    return call_timeout if own is None else own

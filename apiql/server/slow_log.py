"""Queries that took long: their plan and where their time went, as names and templates. No value of
a text, a parameter or an answer is in it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from apiql.events import CallMade, TaskEnded
from apiql.ir.explain_task import call_text
from apiql.ir.plan import Plan, Task
from apiql.ir.request import Endpoint
from apiql.ir.works import Fetch, Nested, Repeat, Work
from apiql.server.log_lines import FIELDS
from apiql.server.notices import THINNED, Thinning, more
from apiql.server.task_names import hidden_names, segments_of
from apiql.server.under_way import Fingerprint
from apiql.server.visit import Visit
from apiql.settings import Settings

log = logging.getLogger("apiql.slow")

Template = tuple[str, str]
Known = frozenset[Template]
Hidden = Mapping[str, str]
"""What stands for names of tasks that are not told."""
MOST_TASKS = 20
MOST_CALLS = 5
"""Of the calls that took longest."""


class SlowLog:
    """Tells of queries beyond a time, and in `debug` of each."""

    begun = None

    def __init__(
        self, settings: Settings, fingerprint: Fingerprint, thinning: Thinning | None = None
    ) -> None:
        self._fingerprint = fingerprint
        self._thinning = thinning or Thinning()
        self.debugging = settings.log.level == "debug"
        """Whether each query is told of."""
        self.settle(settings)

    def settle(self, settings: Settings) -> None:
        """Minds other settings from now on."""
        self._slow = settings.log.slow
        self._written = frozenset(_templates(settings))

    @property
    def wants_events(self) -> bool:
        """Whether any query may be told of."""
        return self._slow is not None or self.debugging

    def ended(self, visit: Visit) -> None:
        """Tells of it, if it took long."""
        slow = self._slow
        if slow is not None and visit.seconds >= slow:
            held = self._thinning.passes(visit.name or visit.kind)
            if held is not None:
                self._tell(logging.WARNING, f"a slow query{more(held)}", visit)
        elif self.debugging:
            self._tell(logging.DEBUG, "a query", visit)

    def _tell(self, level: int, message: str, visit: Visit) -> None:
        fields: dict[str, Any] = {
            "request_id": visit.request_id.decode("latin-1"), "route": visit.route,
            "status": visit.status, "ms": _ms(visit.seconds),
            **self._who_and_what(visit), "calls": visit.calls,
        }  # fmt: skip
        if visit.codes:
            fields["codes"] = visit.codes
        if visit.plan is not None:
            known = _known(self._written, visit)
            tasks = {task.name: task for task in visit.plan.tasks}
            hidden = hidden_names(visit)
            fields["plan"] = [*plan_lines(visit.plan, known, hidden)]
            fields["tasks"] = [*_tasks(visit, hidden)]
            fields["longest"] = [*_longest(visit, tasks, known, hidden)]
        log.log(level, "%s", message, extra={FIELDS: fields, **THINNED})

    def _who_and_what(self, visit: Visit) -> dict[str, str]:
        found: dict[str, str] = {}
        if visit.principal.is_known:
            found["principal"] = visit.principal.name
        if visit.name:
            return found | {"query": visit.name}
        fingerprint = self._fingerprint(visit)
        return found | {"fingerprint": fingerprint} if fingerprint else found


def _templates(settings: Settings) -> Iterator[Template]:
    """What the operator has written: an upstream and a path."""
    for name, upstream in settings.upstreams.items():
        prefix = urlsplit(upstream.url).path.rstrip("/")
        yield from ((name, prefix + source.path) for source in upstream.sources.values())


def _known(written: Known, visit: Visit) -> Known | None:
    """The paths that may be shown whole; None: all, those of a stored query are the operator's."""
    return None if visit.kind == "query" or visit.name else written


def plan_lines(plan: Plan, known: Known | None, hidden: Hidden) -> Iterator[str]:
    """A line for each task: its call, the names of what it is made of, and what it waits for."""
    for task in plan.tasks[:MOST_TASKS]:
        yield " ".join(_words(task, known, hidden))


def _words(task: Task, known: Known | None, hidden: Hidden) -> Iterator[str]:
    each = task.work.each if isinstance(task.work, Repeat) else task.work
    yield f"{hidden.get(task.name, task.name)}:"
    if isinstance(task.work, Repeat):
        yield "for each" if task.work.batch is None else "in batches"
    yield call_of(task.work, known)
    if isinstance(each, Fetch):
        names = dict.fromkeys(".".join(b.name) or b.place.value for b in each.bindings)
        yield from [f"with {', '.join(names)}"] if names else []
    yield from ["when"] if task.when is not None else []
    yield from ["rows"] if task.rows is not None else []
    yield from ["else"] if task.otherwise is not None else []
    needs = sorted(hidden.get(name, name) for name in task.needs)
    yield from [f"needs {', '.join(needs)}"] if needs else []


def call_of(work: Work, known: Known | None) -> str:
    """`GET users /users/{id}`, `query.shop.cart`."""
    match work:
        case Repeat(each):
            return call_of(each, known)
        case Fetch(method, endpoint):
            whole = known is None or (endpoint.service, endpoint.template) in known
            path = endpoint.template if whole else masked_path(endpoint)
            return f"{method.upper()} {endpoint.service} {path}"
        case Nested(name):
            return name
        case _:
            return call_text(work)


def masked_path(endpoint: Endpoint) -> str:
    """The path that a client wrote, and the names of its parameters, without what may be values."""
    names = [name for name, _ in endpoint.query]
    return "/" + "/".join(segments_of(endpoint)) + (f"?{'&'.join(names)}" if names else "")


def _tasks(visit: Visit, hidden: Hidden) -> Iterator[dict[str, Any]]:
    """How long each task took, the longest first."""
    ended = [event for event in visit.events or () if isinstance(event, TaskEnded)]
    for event in sorted(ended, key=_duration, reverse=True)[:MOST_TASKS]:
        name = hidden.get(event.task, event.task)
        found = {"task": name, "ms": _ms(_duration(event)), "ending": event.ending}
        yield found if event.code is None else found | {"code": event.code}


def _longest(
    visit: Visit, tasks: Mapping[str, Task], known: Known | None, hidden: Hidden
) -> Iterator[dict[str, Any]]:
    """The calls that took longest."""
    made = [event for event in visit.events or () if isinstance(event, CallMade)]
    for event in sorted(made, key=_duration, reverse=True)[:MOST_CALLS]:
        task = tasks.get(event.task)
        name = hidden.get(event.task, event.task)
        found: dict[str, Any] = {"task": name, "service": event.service}
        if task is not None:
            found["call"] = call_of(task.work, known)
        found |= {"ms": _ms(_duration(event)), "status": event.status}
        yield found if event.code is None else found | {"code": event.code}


def _duration(event: CallMade | TaskEnded) -> float:
    return event.ended - event.started


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)

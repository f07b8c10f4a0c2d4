"""A rule: what is secret, and what says who asks, goes nowhere but where it belongs.

Configured secrets are for the host that they name. Credentials of the caller's request (its
Authorization, its cookies, its keys) go to upstreams that list them (`forward`), whatever a text
says. Names of headers that only a run knows are looked at there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.ir.forwarding import caller_reads, withheld_of
from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.request import CREDENTIALS
from apiql.ir.secret import Secret, astray
from apiql.ir.values import secrets
from apiql.ir.works import Fetch, Nested, Repeat, Send, Work, inner_works


def only_where_it_belongs(plan: Plan) -> Plan:
    """The same plan.

    Raises:
        QueryRefused: FORBIDDEN_UPSTREAM, something would go where it does not belong.
    """
    problems = [p for task in plan.tasks for one in with_otherwise(task) for p in _of_task(one)]
    problems += _of_answer(plan)
    problems += _of_nested_answers(plan)
    if problems:
        raise QueryRefused(tuple(problems))
    return plan


def _of_task(task: Task) -> Iterator[Problem]:
    each = task.work.each if isinstance(task.work, Repeat) else task.work
    home = _home(each)
    sent = [secret for value in task.work.values() for secret in secrets(value)]
    sent += [s for _, value in (task.made.let if task.made else ()) for s in secrets(value)]
    if isinstance(each, Fetch):
        sent += [value for _, value in each.endpoint.headers if isinstance(value, Secret)]
    shown = [] if task.when is None else [*secrets(task.when)]
    if task.rows is not None:
        shown += [secret for value in task.rows.values() for secret in secrets(value)]
    if task.otherwise is not None:
        values = task.otherwise.projection.values()
        shown += [secret for value in values for secret in secrets(value)]
    if shown or any(secret.home != home for secret in sent):
        yield astray(task.location, task.name)
    withheld = withheld_of(task.work)
    read = {name for value in task.work.values() for name in caller_reads(value)}
    for name in sorted(name for name in read if name is not None and name in withheld):
        yield _withheld(name, task, each)


def _home(work: Work) -> str | None:
    """Whose secrets a work may hold."""
    match work:
        case Fetch(_, endpoint):
            return endpoint.base
        case Send(home=home):
            return home
        case _:
            return None


def _of_answer(plan: Plan) -> Iterator[Problem]:
    for output in plan.outputs:
        if any(True for value in output.projection.values() for _ in secrets(value)):
            yield astray(output.location, output.name)
    if plan.returned is not None and any(True for _ in secrets(plan.returned)):
        yield astray(plan.returned_at or Location(1, 1))


def _of_nested_answers(plan: Plan) -> Iterator[Problem]:
    """Stored plans that answer with credentials, where other calls may read that answer."""
    needed = frozenset[str]().union(*(task.needs for task in plan.tasks))
    for task in plan.tasks:
        for one in with_otherwise(task):
            for each in inner_works(one.work):
                if task.name not in needed or not isinstance(each, Nested):
                    continue
                if not _tells(each.plan):
                    continue
                message = f"{task.name}: {each.name} answers with credentials of the request"
                hint = "no other select may read that"
                place = (task.location,)
                yield Problem(Code.FORBIDDEN_UPSTREAM, message, place, hint, task=task.name)


def _tells(plan: Plan) -> bool:
    """Whether the answer of a plan holds credentials of the request."""
    read = (name for value in plan.shown() for name in caller_reads(value))
    if any(name is None or name in CREDENTIALS for name in read):
        return True
    return any(_tells(inner) for inner in _nested(plan.tasks))


def _nested(tasks: Iterable[Task]) -> Iterator[Plan]:
    for task in tasks:
        for one in with_otherwise(task):
            yield from (w.plan for w in inner_works(one.work) if isinstance(w, Nested))


def _withheld(name: str, task: Task, each: Work) -> Problem:
    where = each.endpoint.service if isinstance(each, Fetch) else getattr(each, "name", task.name)
    message = f"{task.name}: `{name}` of the request may not be sent to {where}"
    hint = f'only an upstream or a source that lists it gets it: forward = ["{name}"]'
    return Problem(Code.FORBIDDEN_UPSTREAM, message, (task.location,), hint, task=task.name)

"""One task of a plan for people: its call, its clauses, its policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apiql.ir.plan import Making, Task
from apiql.ir.policy import Duration, Policy, Tolerance, time_text
from apiql.ir.projection import Kept, Named
from apiql.ir.push import Pushed, Sendable
from apiql.ir.request import Binding, Place, Slot
from apiql.ir.rows import Count, Rows, SortKey, Unsent
from apiql.ir.values import Literal, json_text
from apiql.ir.works import (
    Act,
    Aside,
    Batch,
    Choose,
    Compute,
    Fetch,
    Loop,
    Nested,
    Repeat,
    Send,
    Work,
    inner_works,
)

PLACES = {
    Place.PATH: "where",
    Place.QUERY: "query",
    Place.HEADER: "header",
    Place.COOKIE: "cookie",
    Place.MEMBER: "body",
    Place.BODY: "body",
    Place.FORM: "form",
}


def call_text(work: Work) -> str:
    """`GET shop /users/{id}`, `query.shop.cart`."""
    match work:
        case Repeat(each):
            return call_text(each)
        case Nested(name):
            return name
        case Fetch(method, endpoint):
            return f"{method.upper()} {endpoint.service} {endpoint.template}"
        case Send(method, shown=shown):
            return f"{method.upper()} {shown}"
        case Choose(_, cases, default):
            return f"choose of {', '.join(text for text, _ in cases)}{' or else' * bool(default)}"
        case Loop(each=each, width=width):
            return f"loop of {call_text(each)}" + (f", {width} at a time" if width > 1 else "")
        case Aside(each):
            return f"aside {call_text(each)}"
        case Compute():
            return "compute"
        case Act(name):
            return f"act {name}"


def call_object(work: Work) -> dict[str, Any]:
    """The call as JSON: method, service, location, slots, bindings."""
    each = work.each if isinstance(work, Repeat) else work
    if not isinstance(each, Fetch | Nested):
        inner = [call_object(one) for one in inner_works(work) if one is not work]
        return {"does": call_text(work), **({"inner": inner} if inner else {})}
    bindings = [
        {"place": b.place.value, "name": ".".join(b.name), "value": str(b.value)}
        for b in (each.bindings if isinstance(each, Fetch) else ())
    ]
    bindings += [
        {"place": Place.QUERY.value, "name": name, "value": _sent(found)}
        for pushed in _pushed(work)
        for name, found in pushed.pairs
    ]
    if isinstance(each, Nested):
        shown = {name: str(value) for name, value in each.arguments}
        return {"query": each.name, "arguments": shown}
    return {
        "method": each.method,
        "service": each.endpoint.service,
        "location": each.endpoint.template,
        "slots": [part.name for part in each.endpoint.path if isinstance(part, Slot)],
        "bindings": bindings,
    }


def work_lines(task: Task) -> Iterator[str]:
    """What the call is made of and what becomes of its result."""
    each = task.work.each if isinstance(task.work, Repeat) else task.work
    if not isinstance(each, Fetch | Nested):
        yield from _of_definition(each)
    elif isinstance(each, Nested):
        yield from (f"where {name} = {value}" for name, value in each.arguments)
    else:
        yield from (_binding(binding) for binding in each.bindings)
        pairs = (pair for pushed in each.pushed for pair in pushed.pairs)
        yield from (f"query {name} = {_sent(found)}" for name, found in pairs)
    yield from clause_lines(task)


def _of_definition(work: Work) -> Iterator[str]:
    """What only plans of definitions do."""
    match work:
        case Send(url=url, headers=headers, body=body):
            parts = (("url", url), ("headers", headers), ("body", body))
            yield from (f"{name} {value}" for name, value in parts if value != Literal(None))
        case Choose(key):
            yield f"by {key}"
        case Loop(count):
            yield f"as often as {count}"
        case Compute(value):
            yield f"value {value}"
        case Act(_, arguments):
            yield from (f"where {name} = {value}" for name, value in arguments)


def _making(made: Making) -> Iterator[str]:
    yield from (f"let {name} = {value}" for name, value in made.let)
    yield from () if made.result is None else (f"result {made.result}",)
    yield from () if made.instead is None else (f"instead {made.instead}",)
    yield from () if made.lane is None else (f"at most {made.lane.width} at a time",)


def clause_lines(task: Task) -> Iterator[str]:
    """The clauses that are no bindings and no policy."""
    if task.made is not None:
        yield from _making(task.made)
    if isinstance(task.work, Repeat):
        yield _repeat(task.work)
    if task.when is not None:
        yield f"when {task.when}"
    if task.rows is not None:
        yield from rows_lines(task.rows)
    if _pushed(task.work):
        yield f"pushed: {', '.join(pushed.clause for pushed in _pushed(task.work))}"
    if task.otherwise is not None:
        other = task.otherwise.task
        yield f"else {call_text(other.work)}"
        yield from (f"  {line}" for line in work_lines(other))
        yield from [f"  {policy_text(other.policy)}"] if policy_text(other.policy) else []


def rows_lines(rows: Rows) -> Iterator[str]:
    """The row clauses in the order in which they are carried out."""
    if rows.at:
        yield f"rows {'.'.join(rows.at)}"
    for condition in (rows.having, rows.group_having):
        if condition is not None:
            yield f"having {condition}" + (" (of groups)" if condition is rows.group_having else "")
    if rows.group is not None:
        fields = ", ".join(map(_field, rows.fields))
        yield f"group by ({', '.join(map(str, rows.group))}) to {fields}"
    if rows.order:
        yield f"order by {', '.join(map(_key, rows.order))}"
    if rows.distinct:
        yield "distinct"
    if rows.limit is not None or rows.offset != 0:
        limit = "" if rows.limit is None else f"limit {_count(rows.limit)} "
        yield f"{limit}{_offset(rows.offset)}".strip()


def policy_text(policy: Policy) -> str:
    """The policy in words, empty where nothing is said."""
    words = [f"timeout {_time(policy.timeout)}"] if policy.timeout is not None else []
    if policy.within is not None:
        substitute = policy.within.substitute
        shown = "stale" if substitute is None else substitute.text.decode()
        words.append(f"within {_time(policy.within.time)} or {shown}")
    if policy.retry is not None:
        words.append(f"retry {policy.retry.times} backoff {_time(policy.retry.backoff)}")
    words += _caching(policy)
    if policy.tolerance is not Tolerance.DEFAULT:
        words.append(policy.tolerance.value)
    if policy.fallback is not None:
        words.append(f"fallback {policy.fallback.text.decode()}")
    return ", ".join(words)


def _caching(policy: Policy) -> Iterator[str]:
    caching = policy.caching
    if caching.off:
        yield "no cache"
    if caching.keep is not None:
        yield f"cache {_time(caching.keep)}"
    if caching.most_age is not None:
        yield f"max-age {_time(caching.most_age)}"


def _binding(binding: Binding) -> str:
    name = ".".join(binding.name)
    style = f" as {binding.style}" if binding.style else ""
    return f"{PLACES[binding.place]} {f'{name} = ' if name else ''}{binding.value}{style}"


def _repeat(work: Repeat) -> str:
    axes = [" and ".join(map(str, axis.values)) for axis in work.axes]
    text = f"for each of {' × '.join(axes)}"
    return text if work.batch is None else f"{text} {_batch(work.batch)}"


def _batch(batch: Batch) -> str:
    size = "all" if batch.size is None else str(batch.size)
    key = f" matched by {'.'.join(batch.key)}" if batch.key else ""
    return f"{'bulk' if batch.declared else 'batch'} {size}{key}"


def _field(field: Kept | Named) -> str:
    return ".".join(field.path) if isinstance(field, Kept) else f"{field.value} as {field.name}"


def _key(key: SortKey) -> str:
    order = " desc" if key.descending else ""
    return f"{key.value}{order}{' nulls first' if key.nulls_first else ''}"


def _pushed(work: Work) -> tuple[Pushed, ...]:
    each = work.each if isinstance(work, Repeat) else work
    return each.pushed if isinstance(each, Fetch) else ()


def _sent(found: Sendable) -> str:
    """What is sent as it is; where it would not show as a text in quotes."""
    text = str(found)
    return text if text.isprintable() else json_text(text)


def _offset(offset: Count | Unsent) -> str:
    if isinstance(offset, Unsent):
        return f"offset {_count(offset.count)} where it is not sent"
    return f"offset {_count(offset)}" if offset != 0 else ""


def _count(count: Count) -> str:
    return str(count) if isinstance(count, int) else f"${count.name}"


def _time(duration: Duration) -> str:
    if not isinstance(duration, float):
        return f"${duration.name}"
    return time_text(duration)

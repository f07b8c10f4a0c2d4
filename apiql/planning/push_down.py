"""Row clauses and projections are sent to upstreams that can carry them out themselves.

What is sent is promised to change nothing: a clause goes only where all before it went too. The
row clauses stay and find nothing left to do, but for an offset: it cannot be done twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote

from apiql.ir.plan import Plan, Task, with_otherwise
from apiql.ir.projection import Path
from apiql.ir.push import SORTED, Push, Pushed, Sendable, SentCount, Style
from apiql.ir.request import Place
from apiql.ir.rows import Count, Rows, SortKey, Unsent
from apiql.ir.sendable import MOST_INTEGER
from apiql.ir.values import ParamRoot, Ref, RowRoot, Value
from apiql.ir.works import Fetch, Repeat
from apiql.planning.conditions import condition_of, never_refuses, parts_of
from apiql.planning.filter_texts import pairs_of, said
from apiql.planning.wanted_fields import (
    Paths,
    Readers,
    fields_text,
    projected,
    readers_of,
    shown_of,
    wanted_in_rows,
)

PAGING = {
    Style.ODATA: frozenset({"$skiptoken", "$deltatoken", "$apply"}),
    Style.GOOGLE: frozenset({"pageToken"}),
}
RANGE = "header Range"
NO_ROWS = Rows()


def push_down(plan: Plan) -> Plan:
    """The plan with what its upstreams carry out themselves sent to them."""
    fetches = (_fetch(task) for first in plan.tasks for task in with_otherwise(first))
    if not any(fetch is not None and fetch.endpoint.push for fetch in fetches):
        return plan
    readers = readers_of(plan)
    tasks = tuple(_with_pushed(task, shown_of(task, plan), readers) for task in plan.tasks)
    return replace(plan, tasks=tasks)


def _fetch(task: Task) -> Fetch | None:
    """The call of a task, or of each element of its list; batches answer for several. What was
    looked at once is not looked at again.
    """
    work = task.work
    each = work.each if isinstance(work, Repeat) and work.batch is None else work
    return each if isinstance(each, Fetch) and each.method == "get" and not each.pushed else None


def _with_pushed(task: Task, shown: Paths, readers: Readers) -> Task:
    """The task and what may take its place, each with its own clauses."""
    if task.otherwise is not None:
        other = replace(task.otherwise.task, name=task.name)
        made = _with_pushed(other, projected(task.otherwise.projection), readers)
        task = replace(task, otherwise=replace(task.otherwise, task=made))
    each = _fetch(task)
    if each is None or each.endpoint.push is None or task.name in readers.replies:
        return task
    clauses = _Clauses(task.rows or NO_ROWS, each.endpoint.push, _taken(each))
    pushed, rows = clauses.pushed(shown | readers.reads[task.name])
    fetch = replace(each, pushed=pushed)
    work = replace(task.work, each=fetch) if isinstance(task.work, Repeat) else fetch
    return replace(task, work=work, rows=task.rows and rows)


def _taken(fetch: Fetch) -> frozenset[str]:
    """The parameters that the call has by itself; of headers those that choose rows."""
    filled = {b.name[0] for b in fetch.bindings if b.place is Place.PATH}
    pairs = [(unquote(name), part) for name, part in fetch.endpoint.query]
    query = {name for name, part in pairs if isinstance(part, str) or part.name in filled}
    query |= {b.name[0] for b in fetch.bindings if b.place is Place.QUERY}
    headers = {b.name[0].lower() for b in fetch.bindings if b.place is Place.HEADER}
    headers |= {name.lower() for name, _ in fetch.endpoint.headers}
    return frozenset(query | ({RANGE} if "range" in headers else set()))


@dataclass(frozen=True, slots=True)
class _Clauses:
    """The row clauses of a task; `taken` are the parameters that its call has already."""

    rows: Rows
    push: Push
    taken: frozenset[str]

    def pushed(self, wanted: Paths) -> tuple[tuple[Pushed, ...], Rows]:
        """What is sent, and what is left to do. `wanted` is what is read of the result."""
        names = self.push.names
        if names.get("fields") in self.taken:
            return (), self.rows
        sent = [*self._fields(wanted)]
        if self._is_paged() or self.rows.at != self.push.rows:
            return tuple(sent), self.rows
        having, all_of_having = self._having()
        order = self._order() if self.rows.group is None else None
        sent += [found for found in (having, order) if found is not None]
        if not all_of_having or (self.rows.order and order is None) or self.rows.limit is None:
            return tuple(sent), self.rows
        if self.rows.group is not None or self.rows.distinct:
            return tuple(sent), self.rows
        return self._window(sent)

    def _can(self, ability: str) -> bool:
        return ability in self.push.can and self.push.names.get(ability) not in self.taken

    def _is_paged(self) -> bool:
        """Whether the call chooses among the rows by itself: what is before and after differs."""
        names = {self.push.names.get("limit"), self.push.names.get("offset"), RANGE}
        paging = names | self.push.paging | PAGING.get(self.push.style, frozenset())
        pages = self.push.style is Style.JSONAPI and any(n.startswith("page[") for n in self.taken)
        return pages or not paging.isdisjoint(self.taken)

    # -- each clause

    def _fields(self, wanted: Paths) -> Iterator[Pushed]:
        if not self._can("fields"):
            return
        paths = wanted_in_rows(self.rows, wanted)
        text = fields_text(self.push, self.rows.at, paths)
        if text is not None:
            yield Pushed("fields", ((self.push.names["fields"], text),))

    def _having(self) -> tuple[Pushed | None, bool]:
        """What is sent of `having`, and whether that is all of it."""
        if self.rows.having is None:
            return None, True
        if not self._can("filter"):
            return None, False
        parts = tuple(parts_of(self.rows.having))
        conditions = [condition_of(part, self.push) for part in parts]
        found = [c and said(c, self.push, self.taken) for c in conditions]
        left = [part for part, words in zip(parts, found, strict=True) if words is None]
        pairs = pairs_of([each for words in found for each in words or ()], self.push)
        if not pairs or not all(never_refuses(part, self.push) for part in left):
            return None, False
        return Pushed("having in part" if left else "having", pairs), not left

    def _order(self) -> Pushed | None:
        """The order, made total by the key: equal rows stand as they would have come."""
        key = self.push.key
        if not self.rows.order or key is None or not self._can("order"):
            return None
        keys = self.rows.order
        if key not in [_member(each.value, self.push) for each in keys]:
            keys = (*keys, SortKey(_at_key(key, self.push)))
        texts = [self._key(each) for each in keys]
        found = [text for text in texts if text is not None]
        if len(found) < len(texts):
            return None
        return Pushed("order by", ((self.push.names["order"], ",".join(found)),))

    def _key(self, key: SortKey) -> str | None:
        name = _member(key.value, self.push)
        if name is None or self.push.members[name].kind not in SORTED:
            return None
        nullable = self.push.members[name].nullable
        match self.push.style:
            case Style.POSTGREST:
                nulls = (".nullsfirst" if key.nulls_first else ".nullslast") if nullable else ""
                return f"{name}.{'desc' if key.descending else 'asc'}{nulls}"
            case Style.ODATA if not nullable or key.nulls_first is not key.descending:
                return f"{name} desc" if key.descending else name  # null is the least there
            case Style.JSONAPI | Style.PARAM if not nullable:
                before, behind = ("-", "") if self.push.minus else ("", " desc")
                return f"{before}{name}{behind}" if key.descending else name
        return None

    def _window(self, sent: list[Pushed]) -> tuple[tuple[Pushed, ...], Rows]:
        """Also what is sent of `limit` and `offset`: an offset that is left here takes its rows
        from those that are asked for.
        """
        rows, skip, count = self.rows, self.rows.offset, self.rows.limit
        assert count is not None
        assert not isinstance(skip, Unsent)
        offset = _bounded(skip, 0, MOST_INTEGER) if skip != 0 else None
        if offset is not None and self._can("offset"):
            sent.append(Pushed("offset", ((self.push.names["offset"], offset),)))
            unsure = tuple(value for pushed in sent for value in pushed.open)
            rows = replace(rows, offset=Unsent(skip, unsure) if unsure else 0)
            skip = 0
        limit = _bounded(_sum(skip, count), 1, self.push.most)
        if limit is not None and self._can("limit"):
            sent.append(Pushed("limit", ((self.push.names["limit"], limit),)))
        return tuple(sent), rows


def _at_key(key: str, push: Push) -> Ref:
    """The key as a field of the row."""
    inside = push.style is Style.JSONAPI and key != "id"
    return Ref(RowRoot(), ("attributes", key) if inside else (key,))


def _member(value: Value, push: Push) -> str | None:
    if not isinstance(value, Ref) or not isinstance(value.root, RowRoot):
        return None
    path: Path = tuple(step for step in value.path if isinstance(step, str))
    return push.member_at(path) if len(path) == len(value.path) else None


def _sum(skip: Count, count: Count) -> Count | None:
    """The rows that are read; None where a parameter is one of two."""
    if skip == 0:
        return count
    return skip + count if isinstance(skip, int) and isinstance(count, int) else None


def _bounded(count: Count | None, least: int, most: int) -> Sendable | None:
    if isinstance(count, ParamRoot):
        return SentCount(count, least, most)
    return str(count) if count is not None and least <= count <= most else None

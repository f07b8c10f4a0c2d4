"""What a plan can reach: every name that it selects from itself, whatever becomes of a run.

Knows nothing of who asks. A stored query or template is one name: what it calls inside is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from apiql.ir.plan import Plan, with_otherwise
from apiql.ir.works import Fetch, Nested, Send, inner_works


class Kind(StrEnum):
    """What a name is the name of: a stored query, a call template, a named source, an upstream
    whose paths a text writes, a host of an absolute URL; the definitions of the older notation;
    gateway endpoints.
    """

    QUERY = "query"
    TEMPLATE = "template"
    SOURCE = "source"
    UPSTREAM = "upstream"
    HOST = "host"
    HTTPAPI = "httpapi"
    FLOW = "flow"
    SCHEDULE = "schedule"
    ENDPOINT = "endpoint"

    __hash__ = str.__hash__  # that of enums is written in Python, and each request asks for it


Name = tuple[Kind, str]
Sees = Callable[[Kind, str], bool]
Exact = Mapping[str, Name]
"""By full name the names that cannot be read off it: those with dots of their own."""
NONE: Exact = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reach:
    """`names` are all that can be called or carried out, `methods` those that the text chooses
    itself: a named source has its own.
    """

    names: frozenset[Name] = frozenset()
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there for one caller: all names that `sees` says yes to; `methods` None: any."""

    sees: Sees
    methods: frozenset[str] | None = None


def reached(plan: Plan, exact: Exact = NONE) -> Reach:
    """All that a run of the plan can reach: what `else` takes in its place too, what `when` may
    leave out, what a list that is empty calls for nothing.
    """
    names: set[Name] = set()
    methods: set[str] = set()
    for work in _works(plan):
        match work:
            case Nested(full, inner):
                if "." in full:
                    names.add(stored_as(full, exact))
                else:  # a part of the plan that it stands in
                    part = reached(inner, exact)
                    names |= part.names
                    methods |= part.methods
            case Send(service=service):
                names.add((Kind.HOST, service))
            case Fetch(method, endpoint):
                if endpoint.source:
                    names.add((Kind.SOURCE, endpoint.source))
                    continue
                kind = Kind.UPSTREAM if endpoint.pinned else Kind.HOST
                names.add((kind, endpoint.service))
                methods.add(method)
    return Reach(frozenset(names), frozenset(methods))


def _works(plan: Plan) -> Iterator[Fetch | Send | Nested]:
    for task in plan.tasks:
        for one in with_otherwise(task):
            yield from inner_works(one.work)


def stored_as(full: str, exact: Exact = NONE) -> Name:
    """The kind of what is stored and its name, for all revisions: `query.shop.cart@2` is the query
    `shop/cart`.
    """
    if full in exact:
        return exact[full]
    kind, _, name = full.partition(".")
    return Kind(kind), name.partition("@")[0].replace(".", "/")

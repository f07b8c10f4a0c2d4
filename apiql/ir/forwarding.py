"""What of the caller's request goes to an upstream: the headers that its endpoint lists."""

from __future__ import annotations

from collections.abc import Iterator

from apiql.ir.plan import with_otherwise
from apiql.ir.request import Binding, Endpoint, Place
from apiql.ir.secret import Secret
from apiql.ir.values import Apply, Literal, Ref, Value, ValueRoot, children
from apiql.ir.works import Fetch, Nested, Send, Work, inner_works

AS_SENT = "sent"
"""The style of a header that is passed on as it came, letters beyond ASCII included."""


def with_forwarded(endpoint: Endpoint, bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
    """The bindings of a call, and those of the headers that are passed on by themselves: where the
    call says nothing of one, and in the place of a configured one that the caller sends too.
    """
    if not endpoint.forward:
        return bindings
    said = {b.name[0].lower() for b in bindings if b.place is Place.HEADER}
    if any(b.place is Place.COOKIE for b in bindings):
        said.add("cookie")
    own = {name.lower(): value for name, value in endpoint.headers}
    passed = (_passed_on(name, own.get(name)) for name in endpoint.forward if name not in said)
    return (*passed, *bindings)


def _passed_on(name: str, own: str | Secret | None) -> Binding:
    """`header('name')?`, or what is configured where the caller sends none."""
    value: Value = Ref(ValueRoot(Apply("header", (Literal(name),))), optional=True)
    if own is not None:
        value = Apply("coalesce", (value, own if isinstance(own, Secret) else Literal(own)))
    return Binding(Place.HEADER, (name,), value, AS_SENT)


def withheld_of(work: Work) -> frozenset[str]:
    """The headers of the caller's request that no value of this work may hold: of a stored plan
    those that any of its upstreams does not list.
    """
    match work:
        case Fetch(_, endpoint):
            return endpoint.withheld
        case Send():
            return frozenset()  # what a definition sends on, its owner has written
        case Nested(_, plan):
            works = (one.work for task in plan.tasks for one in with_otherwise(task))
            return frozenset[str]().union(*map(withheld_of, works))
        case _:
            return frozenset[str]().union(*map(withheld_of, inner_works(work)))


def caller_reads(value: Value) -> Iterator[str | None]:
    """The headers of the request that a value reads, in lower case; None for a computed name."""
    match value:
        case Apply("cookie"):
            yield "cookie"
        case Apply("header", (Literal(str(name)),)):
            yield name.lower()
        case Apply("header"):
            yield None
    for child in children(value):
        yield from caller_reads(child)

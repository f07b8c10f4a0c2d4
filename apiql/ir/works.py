"""What tasks do: calls, stored plans, and what is done with several of these.

Work = Fetch | Send | Nested | Repeat | Choose | Loop | Aside | Compute | Act
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from apiql.ir.caching import CacheRule
from apiql.ir.projection import Path
from apiql.ir.push import Pushed
from apiql.ir.request import Binding, Endpoint
from apiql.ir.values import Value

if TYPE_CHECKING:
    from apiql.ir.plan import Plan

READS = frozenset({"get", "head"})
MOST_ROUNDS = 1000
"""Of one loop, unless lists may be longer."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Work: one upstream call. Each of `pushed` is sent if those before it are."""

    method: str
    endpoint: Endpoint
    bindings: tuple[Binding, ...] = ()
    pushed: tuple[Pushed, ...] = ()
    wants_object: bool = False  # an answer that is a list or a scalar is none

    @property
    def is_read(self) -> bool:
        """Whether equal calls may be one."""
        return self.method in READS

    def values(self) -> Iterator[Value]:
        """Every value that the call is made of."""
        return (binding.value for binding in self.bindings)


class Accepts(Enum):
    """The statuses of an answer that is a result."""

    SUCCESS = "2xx"
    OK = "200"
    ANY = "any"

    def takes(self, status: int) -> bool:
        """Whether an answer of this status is a result."""
        match self:
            case Accepts.SUCCESS:
                return 200 <= status < 300
            case Accepts.OK:
                return status == 200
            case Accepts.ANY:
                return True


class Media(Enum):
    """What the body of an answer is taken for: what its Content-Type says, JSON whatever that
    says, JSON where that says so and else a text, or the bytes that came.
    """

    DECLARED = "declared"
    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Send:
    """Work: one upstream call whose URL, headers and body a definition makes as a whole.

    `url` is an absolute URL, `headers` a list of `[name, value]` (null for none), `body` a text or
    bytes (null for none); or `url` makes an `Outgoing`, which is all three. `home` is what its
    secrets are for. `pinned` are the places (scheme and authority) that the operator's definitions
    name; what else a run makes is only called where `permits` lets it. `trusted` are the places
    that may see its private values, where a run says which one it is. `expires`, made of the
    reply, are the seconds for which that is kept; what is null, or refused, is not kept.
    """

    method: str
    service: str
    url: Value
    headers: Value
    body: Value
    home: str = ""
    pinned: frozenset[str] = frozenset()
    trusted: frozenset[str] | None = None
    permits: Callable[[str], bool] | None = field(default=None, repr=False, compare=False)
    accepts: Accepts = Accepts.SUCCESS
    media: Media = Media.DECLARED
    timeout: float | None = None
    cache: CacheRule | None = field(default=None, repr=False)
    expires: Value | None = None
    shown: str = ""
    """The URL for people, as the definition has it."""

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.method in READS

    def values(self) -> Iterator[Value]:
        """URL, headers and body, and how long the answer is kept."""
        yield from (self.url, self.headers, self.body)
        yield from () if self.expires is None else (self.expires,)


@dataclass(frozen=True, slots=True)
class Nested:
    """Work: a stored plan, run with these arguments as its parameters; its data is the result."""

    name: str
    plan: Plan
    arguments: tuple[tuple[str, Value], ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether it only reads."""
        return not self.plan.writes

    def values(self) -> Iterator[Value]:
        """Its arguments."""
        return (value for _, value in self.arguments)


@dataclass(frozen=True, slots=True)
class Axis:
    """One `in`: the lists whose elements are walked; several advance together (`zip`)."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Elements that go together: at most `size` in a call (None: all).

    `key` is where a row of the answer says whose it is, `rows` where the rows are; without a
    key the result is one list of all rows. `declared`: the source asks for it, not the text.
    """

    size: int | None
    key: Path | None = None
    rows: Path = ()
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """Work: the same for each element of a list, or of the cross product of several."""

    each: Fetch | Nested
    axes: tuple[Axis, ...]
    batch: Batch | None = None

    @property
    def is_read(self) -> bool:
        """Whether equal elements may be one call."""
        return self.each.is_read

    def values(self) -> Iterator[Value]:
        """The lists, and what each call is made of."""
        yield from (value for axis in self.axes for value in axis.values)
        yield from self.each.values()


@dataclass(frozen=True, slots=True)
class Choose:
    """Work: of several plans the first whose text is that of `key`; without one the `default`."""

    key: Value
    cases: tuple[tuple[str, Nested], ...]
    default: Nested | None = None

    @property
    def is_read(self) -> bool:
        """Whether none of them writes."""
        return all(each.is_read for each in inner_works(self))

    def values(self) -> Iterator[Value]:
        """The key, and the arguments of all."""
        yield self.key
        yield from (value for each in inner_works(self) for value in each.values())


@dataclass(frozen=True, slots=True)
class Loop:
    """Work: a plan, run `count` times; the number of the round is element 0.

    Each round gets what is carried as its parameter `carry`, and its result is `[carried, value]`.
    With a `width` of 1 the rounds follow each other and hand on what they carry, beginning with
    `start`; else up to `width` run side by side and all get `start`. The result is
    `[carried, [value, …]]`, the values in order. What is no number is no round.
    """

    count: Value
    start: Value
    each: Nested
    carry: str
    width: int = 1

    @property
    def is_read(self) -> bool:
        """Whether no round writes."""
        return self.each.is_read

    def values(self) -> Iterator[Value]:
        """How often, what the first round carries, and the arguments of all."""
        yield from (self.count, self.start)
        yield from self.each.values()


@dataclass(frozen=True, slots=True)
class Aside:
    """Work: a plan that is begun and not waited for; the result is null. It has time of its own,
    is waited for when the server stops, and told of where it fails.
    """

    each: Nested

    @property
    def is_read(self) -> bool:
        """It may do anything."""
        return False

    def values(self) -> Iterator[Value]:
        """Its arguments."""
        return self.each.values()


@dataclass(frozen=True, slots=True)
class Compute:
    """Work: nothing is called; the result is the value."""

    value: Value

    @property
    def is_read(self) -> bool:
        """It changes nothing."""
        return True

    def values(self) -> Iterator[Value]:
        """The value."""
        yield self.value


@dataclass(frozen=True, slots=True)
class Act:
    """Work: something that the engine can do beside calls, by its name, with these arguments."""

    name: str
    arguments: tuple[tuple[str, Value], ...] = ()

    @property
    def is_read(self) -> bool:
        """It may do anything."""
        return False

    def values(self) -> Iterator[Value]:
        """Its arguments."""
        return (value for _, value in self.arguments)


Work: TypeAlias = Fetch | Send | Nested | Repeat | Choose | Loop | Aside | Compute | Act


def inner_works(work: Work) -> Iterator[Fetch | Send | Nested]:
    """The calls and plans of a work: one of most, several where it chooses, of some none."""
    match work:
        case Fetch() | Send() | Nested():
            yield work
        case Repeat(each) | Aside(each):
            yield each
        case Loop():
            yield work.each
        case Choose(_, cases, default):
            yield from (each for _, each in cases)
            yield from () if default is None else (default,)
        case Compute() | Act():
            return

"""A compiled plan: what the runtime carries out, made once and run many times."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from apiql.errors import Failure
from apiql.ir.embedding import Embed
from apiql.ir.plan import Lane, Plan, Task
from apiql.ir.policy import Policy, Retry
from apiql.ir.reach import Reach
from apiql.ir.works import Accepts, Batch
from apiql.runtime.decode import Reader
from apiql.runtime.request import Build
from apiql.runtime.scope import Evaluate, Scope
from apiql.runtime.shape import Shape
from apiql.runtime.skeleton import Skeleton

RowStage: TypeAlias = Callable[[bytes, Scope], bytes]
"""From a body to what the row clauses make of it."""


@dataclass(frozen=True, slots=True)
class Fan:
    """A fan-out: the lists of its axes, and which of them wait for no result; `merge`: equal
    elements are one call; `width` calls at a time (None: as many as the query may make);
    `missing` is told where an element is not there; `read_key` reads the keys of a batch's rows.
    `plain`: no clause says more about its calls than their time; `apart`: no two are equal, nor is
    one to any other of the plan, where `Cells.alike`.
    """

    axes: tuple[tuple[Evaluate, ...], ...]
    known: tuple[bool, ...]
    merge: bool
    batch: Batch | None
    width: int | None
    missing: str
    read_key: Reader | None = None
    plain: bool = False
    apart: bool = False


@dataclass(frozen=True, slots=True)
class NestedCall:
    """A stored plan that a task runs, and the values of its parameters."""

    executable: Executable
    arguments: tuple[tuple[str, Evaluate], ...]


@dataclass(frozen=True, slots=True)
class Strand:
    """An output that stands inside another: its number, and those of the keys they are joined by
    in the reads of their tasks.
    """

    source: int
    embed: Embed
    own_key: int = -1
    target_key: int = -1


@dataclass(frozen=True, slots=True)
class Weave:
    """All that comes into an output, by its number. `keyed`: it goes into another by keys itself,
    so that its rows must stay in step with them.
    """

    target: int
    strands: tuple[Strand, ...]
    keyed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """What a task of a definition is compiled to. `does` carries out its work, `pick` takes from
    its value what others read, `decoded` reads the body of an answer.
    """

    let: tuple[tuple[str, Evaluate], ...]
    does: Callable[..., Awaitable[Any]]
    result: Evaluate | None
    instead: Evaluate | None
    lane: Lane | None
    pick: Callable[[Any], tuple[Any, ...]]
    decoded: Callable[[bytes], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A task ready to be carried out.

    `early`: nothing of its call waits for a result, so the call is made up before the first is
    sent. `checks` are the parts of other values that can be looked at that early too. `after`
    are the tasks that must not have failed, though nothing of theirs is read. `exact` says of
    each read whether it keeps lost elements apart. `plain`: one call and no clause that says
    more about it than its time. `retry` is what it says of more tries, or else what the source
    says. `stated`: it is one of a definition.
    """

    name: str
    task: Task
    build: Build | None
    early: bool
    checks: tuple[Evaluate, ...]
    needs: tuple[str, ...]
    after: tuple[str, ...]
    read: Reader
    exact: tuple[bool, ...]
    rows: RowStage | None
    shapes: tuple[Shape, ...]
    policy: Policy
    retry: Retry | None
    on_timeout: str
    timeout: float
    service: str
    method: str
    is_read: bool
    twin: str | None
    plain: bool
    when: Evaluate | None
    fan: Fan | None
    nested: NestedCall | None
    otherwise: Step | None
    accepts: Accepts = Accepts.SUCCESS
    stated: Stated | None = None

    def alternatives(self) -> Iterator[Step]:
        """The step and what may take its place, one after the other."""
        yield self
        if self.otherwise is not None:
            yield from self.otherwise.alternatives()


@dataclass(frozen=True, slots=True)
class Stranger:
    """A name that is probably none of a field: what is told, by the number of the output, if no
    answer to the step has such a `member`, but its rows have one called `beside`, give or take
    capitals and `_` (None: any at all).
    """

    output: int
    step: Step
    member: re.Pattern[bytes]
    beside: str | None
    failure: Failure


@dataclass(frozen=True, slots=True)
class Executable:
    """A compiled plan. `places` says where each output's JSON is: (step's name, its number);
    `skeleton` is what surrounds them in the answer where nothing else is to be made of them; else
    `weaves` put some into others and `returned` gives it a shape (`checks` are its parts that can
    be looked at before the first call). `timed` are the steps whose times parameters hold.
    `wide`: the text alone does not say how many calls it makes. `caches`: a clause says how long
    something may be used again; `varies` are the caller's headers that the answer depends on.
    `reach` is what whoever asks must be allowed to. `looked_at` are the steps of which something
    can be known before the first call. `chain`: each step waits for the one before it.
    `strangers` are looked for where there are any.
    """

    plan: Plan
    steps: tuple[Step, ...]
    places: tuple[tuple[str, int], ...]
    skeleton: Skeleton | None
    timed: tuple[Step, ...]
    has_twins: bool
    returned: Evaluate | None
    checks: tuple[Evaluate, ...]
    weaves: tuple[Weave, ...]
    wide: bool
    caches: bool
    varies: frozenset[str]
    reach: Reach
    looked_at: tuple[Step, ...]
    writes: bool = False
    chain: bool = False
    strangers: tuple[Stranger, ...] = ()

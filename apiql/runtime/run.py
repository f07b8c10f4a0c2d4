"""One run of a plan: what it starts with, how far it may go, and what it has seen so far."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from apiql.errors import CallFailed, Code
from apiql.ir.plan import Lane
from apiql.runtime.cells import Cells, FanLimits
from apiql.runtime.outcome import Outcome
from apiql.runtime.scope import Scope
from apiql.runtime.slots import Slots
from apiql.runtime.sought import Sought
from apiql.runtime.step import NestedCall, Step
from apiql.runtime.told import Tell
from apiql.sources.call import Call, Headers, Layer, Reply

Memo: TypeAlias = dict[tuple[Any, ...], "asyncio.Future[Reply | CallFailed]"]
Answered: TypeAlias = tuple[Step, Headers | None, float | None, Mapping[str, Any]]
"""A reply without its body, which may be large and is let go once it is read: its headers (None
where none came) and age, and the parameters of the plan that its step is in.
"""
Doing: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Something beside calls: takes its arguments by name, and makes a value."""
Begin: TypeAlias = "Callable[[Step, NestedCall, Mapping[str, Any], Run], None]"


class Nest(Protocol):
    """Runs a plan within a plan, for the elements of one call."""

    def __call__(
        self, step: Step, call: NestedCall, elements: tuple[Any, ...], run: Run,
        more: Mapping[str, Any] | None = None,
    ) -> Awaitable[Outcome]: ...  # fmt: skip


ROUNDS = 10_000
"""Of all loops of a query together: each of them may be short, and stand within others."""


class Budget(Struct):
    """The upstream calls that a query may still make, and the rounds of its loops; `turned` is when
    these last let others have their turn.
    """

    left: int
    allowed: int
    rounds: int = ROUNDS
    turned: float = 0.0

    def spend(self) -> None:
        """Counts one call.

        Raises:
            CallFailed: BUDGET_EXCEEDED, nothing is left.
        """
        if self.left <= 0:
            message = f"the query would make more calls than the limit calls = {self.allowed}"
            hint = "narrow its lists, use `batch`, or raise [limits] calls"
            raise CallFailed(Code.BUDGET_EXCEEDED, message, hint)
        self.left -= 1

    def spend_round(self) -> None:
        """Counts one round of a loop.

        Raises:
            CallFailed: FANOUT_LIMIT, there were as many already as may be.
        """
        if self.rounds <= 0:
            message = f"the loops of this query would go round more than {ROUNDS} times together"
            hint = "ask for less: rounds within rounds multiply"
            raise CallFailed(Code.FANOUT_LIMIT, message, hint)
        self.rounds -= 1

    @property
    def spent(self) -> int:
        """The calls that were made so far."""
        return self.allowed - self.left


class Run(Struct, eq=False):
    """One run of a plan. `deadline` is its end on the loop's clock; `calls`, `cells` and the calls
    `made` of these are made up ahead of time. `call_timeout` bounds times that parameters hold,
    `ended` are the tasks that others may wait for, `replies` all that upstreams answered. `nest`
    runs a nested plan, with more arguments than it has by itself; `acts` is what can be done beside
    calls, `aside` begins a plan that is not waited for. `apart` are fan-outs of which no call is
    equal to any other; `sought` looks at answers where something is looked for in them.
    """

    scope: Scope
    layer: Layer
    deadline: float
    clock: Callable[[], float]
    budget: Budget
    width: int
    call_timeout: float
    fan_limits: FanLimits
    observe: Tell | None = None
    calls: dict[Step, Call] = {}
    cells: Mapping[Step, Cells] | None = None
    made: Mapping[Step, Sequence[Call]] | None = None
    timeouts: Mapping[Step, float] | None = None
    slots: Slots | None = None
    memo: Memo | None = None
    ended: Mapping[str, asyncio.Future[Outcome]] | None = None
    replies: list[Answered] = []
    nest: Nest | None = None
    lanes: dict[str, Slots] = {}
    acts: Mapping[str, Doing] | None = None
    aside: Begin | None = None
    apart: frozenset[Step] = frozenset()
    sought: Sought | None = None

    def time_of(self, step: Step) -> float:
        """The seconds that a task's call may take with all its tries."""
        own = self.timeouts.get(step) if self.timeouts is not None else None
        return own or step.timeout

    def deadline_of(self, step: Step) -> float:
        """When a call that starts now must have ended."""
        until = self.clock() + self.time_of(step)
        return until if until < self.deadline else self.deadline

    def inside(self, scope: Scope, deadline: float, observe: Tell | None) -> Run:
        """The run of a plan within the plan, which has the same time, calls and places."""
        return Run(
            scope, self.layer, deadline, self.clock, self.budget, self.width, self.call_timeout,
            self.fan_limits, observe, {}, None, None, None, self.slots, None, None, self.replies,
            self.nest, {}, self.acts, self.aside,
        )  # fmt: skip

    def lane(self, lane: Lane) -> Slots:
        """The places of tasks that go side by side."""
        found = self.lanes.get(lane.name)
        if found is None:
            found = self.lanes[lane.name] = Slots(lane.width)
        return found

    def may_repeat(self, step: Step) -> bool:
        """Whether a call of a step that has a twin may be equal to another one of this run."""
        return step not in self.apart

    def stood_in_for(self, step: Step) -> None:
        """Notes a failed step for which something else stands in: how long its own answer would
        hold, nobody knows.
        """
        self.replies.append((step, None, None, self.scope.params))

    async def await_all(self, needs: Iterable[str]) -> None:
        """Waits until these tasks have ended, however they end."""
        for need in needs:
            if need not in self.scope.outcomes:  # tasks that follow each other have ended already
                assert self.ended is not None
                self.scope.outcomes[need] = await asyncio.shield(self.ended[need])

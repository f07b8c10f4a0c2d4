"""One run of a plan: what it starts with, how far it may go, and what it has seen so far."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from apiql.errors import CallFailed, Code
from apiql.events import Observer
from apiql.runtime.cells import Cells, FanLimits
from apiql.runtime.outcome import Outcome
from apiql.runtime.scope import Scope
from apiql.runtime.slots import Slots
from apiql.runtime.step import Step
from apiql.sources.call import Call, Layer, Reply

Memo: TypeAlias = dict[tuple[Any, ...], "asyncio.Future[Reply | CallFailed]"]


@dataclass(slots=True)
class Budget:
    """The upstream calls that a query may still make."""

    left: int
    allowed: int

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


@dataclass(slots=True)
class Run:
    """One run of a plan. `deadline` is its end on the loop's clock; `calls`, `cells` and the calls
    `made` of these are made up ahead of time. `call_timeout` bounds times that parameters hold,
    `ended` are the tasks that others may wait for, `replies` stand with the parameters of their
    plan. `nest` runs a nested plan.
    """

    scope: Scope
    layer: Layer
    deadline: float
    clock: Callable[[], float]
    budget: Budget
    width: int
    call_timeout: float
    fan_limits: FanLimits
    observe: Observer | None = None
    calls: dict[Step, Call] = field(default_factory=dict)
    cells: Mapping[Step, Cells] | None = None
    made: Mapping[Step, Sequence[Call]] | None = None
    timeouts: Mapping[Step, float] | None = None
    slots: Slots | None = None
    memo: Memo | None = None
    ended: Mapping[str, asyncio.Future[Outcome]] | None = None
    replies: list[tuple[Step, Reply, Mapping[str, Any]]] = field(default_factory=list)
    nest: Callable[[Step, tuple[Any, ...], Run], Awaitable[Outcome]] | None = None

    def time_of(self, step: Step) -> float:
        """The seconds that a task's call may take with all its tries."""
        own = self.timeouts.get(step) if self.timeouts is not None else None
        return own or step.timeout

    def deadline_of(self, step: Step) -> float:
        """When a call that starts now must have ended."""
        until = self.clock() + self.time_of(step)
        return until if until < self.deadline else self.deadline

    async def await_all(self, needs: Iterable[str]) -> None:
        """Waits until these tasks have ended, however they end."""
        for need in needs:
            assert self.ended is not None
            self.scope.outcomes[need] = await asyncio.shield(self.ended[need])

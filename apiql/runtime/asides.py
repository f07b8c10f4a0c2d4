"""Plans that were begun and are not waited for: what is under way, and how it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from apiql.errors import Failure
from apiql.events import AsideFailed, Told
from apiql.runtime.outcome import Failed, Skipped
from apiql.runtime.prepare import RunLimits
from apiql.runtime.run import Budget, Run
from apiql.runtime.slots import Slots
from apiql.runtime.stated import seeing
from apiql.runtime.step import NestedCall, Step


class Asides:
    """What an engine has begun aside; each has the time and the calls of a query of its own.

    At most `most` are under way: one more is refused and told of, as one that fails is.
    """

    def __init__(self, limits: RunLimits, told: Told | None, most: int = 1000) -> None:
        self._limits, self._told, self._most = limits, told, most
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def begin(self, step: Step, call: NestedCall, seen: Mapping[str, Any], run: Run) -> None:
        """Begins a plan for a task of a run."""
        if len(self._tasks) >= self._most:
            self._tell(step, f"{self._most} are under way already")
            return
        task = asyncio.get_running_loop().create_task(self._carried_out(step, call, seen, run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self, patience: float) -> None:
        """Waits for all that are under way, at most so many seconds; ends what is left."""
        if not self._tasks:
            return
        _, left = await asyncio.wait(self._tasks, timeout=patience)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    async def _carried_out(
        self, step: Step, call: NestedCall, seen: Mapping[str, Any], run: Run
    ) -> None:
        limits = self._limits
        own = replace(
            run, deadline=run.clock() + limits.query_timeout, replies=[], observe=None,
            budget=Budget(limits.calls, limits.calls), slots=Slots(limits.concurrency),
            scope=replace(run.scope),
        )  # fmt: skip
        assert own.nest is not None
        seeing(own.scope, dict(seen))
        outcome = await own.nest(step, call, (0,), own)
        if isinstance(outcome, Failed | Skipped):
            self._tell(step, _why(outcome.failure))

    def _tell(self, step: Step, why: str) -> None:
        if self._told is not None:
            self._told(AsideFailed(step.name, why))


def _why(failure: Failure) -> str:
    return f"{failure.code}: {failure.message}"

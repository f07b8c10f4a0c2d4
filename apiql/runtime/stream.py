"""An answer in pieces: a line for each member as soon as it is there, and an end.

A member is there when its own task and all that comes into it have ended. What has been sent
cannot be taken back: where a failure would make the whole answer null (`required`, `use errors
all or nothing`), nothing goes out before it is certain that it does not. Lines are made when
somebody asks for them: a slow reader holds up nothing, and what waits for it are the results.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from msgspec import Struct

from apiql.errors import Failure
from apiql.ir.plan import Output
from apiql.ir.policy import Tolerance
from apiql.runtime.assemble import (
    ANSWER_TOO_DEEP,
    NULL,
    Part,
    assemble,
    part_of,
    tolerances_of,
    too_large,
    verdict,
)
from apiql.runtime.decode import to_json
from apiql.runtime.entries import Details, entry_of, entry_of_answer
from apiql.runtime.insertion import TooLarge, whole
from apiql.runtime.run import Run
from apiql.runtime.scheduler import carry_out
from apiql.runtime.step import Executable, Step, Weave
from apiql.runtime.weave import woven


class Line(Struct, frozen=True):
    """A member of the answer: its JSON, and the errors of all that is in it."""

    name: str
    data: bytes
    errors: tuple[dict[str, Any], ...] = ()


class End(Struct, frozen=True):
    """The rest: status and completeness as those of `Answer`, the errors that no line has told.

    `data` is what `return` makes, `null` where the answer as a whole is null, else None.
    """

    status: int
    complete: bool
    data: bytes | None
    errors: tuple[dict[str, Any], ...] = ()


Piece: TypeAlias = Line | End


async def pieces(
    executable: Executable, run: Run, details: Details, most_bytes: int
) -> AsyncGenerator[Piece, None]:
    """Carries a plan out and yields its answer. Left early, it takes its upstream calls along."""
    telling, woken = _Telling(executable, run, details, most_bytes), asyncio.Event()

    def finished(step: Step) -> None:
        telling.ended.append(step.name)
        woken.set()

    work = asyncio.get_running_loop().create_task(carry_out(executable, run, finished))
    work.add_done_callback(lambda _: woken.set())
    try:
        while not work.done():
            await woken.wait()
            woken.clear()
            for line in telling.lines():
                yield line
        await work
        for line in telling.last_lines():
            yield line
        yield telling.end()
    finally:
        work.cancel()
        await asyncio.wait([work])


@dataclass(slots=True)
class _Root:
    """An output that goes into no other, with all that comes into it: `inside` are the numbers of
    these outputs, its own included, `waits` those of their tasks that have not ended. `decisive`:
    a failure in it can make the answer null.
    """

    output: Output
    number: int
    inside: tuple[int, ...]
    weaves: tuple[Weave, ...]
    waits: set[str]
    decisive: bool
    parts: Sequence[Part] = ()
    data: bytes = NULL
    told: bool = False


class _Telling:
    """How much of an answer has been told; `ended` are the tasks in the order of their ends."""

    def __init__(self, executable: Executable, run: Run, details: Details, most_bytes: int) -> None:
        self.ended: deque[str] = deque()
        self._executable, self._run, self._details = executable, run, details
        self._most, self._left = most_bytes, most_bytes - 1
        self._tolerances = tolerances_of(executable)
        self._roots = [] if executable.plan.returned is not None else _roots(executable)
        self._ready: deque[_Root] = deque()
        self._refused = False
        self._failure: Failure | None = None

    def lines(self) -> Iterator[Line]:
        """The lines that can go out now."""
        while self.ended:
            self._settle(self.ended.popleft())
        if self._refused or any(root.decisive and root.waits for root in self._roots):
            return
        self._spend(sum(map(_size, self._ready)))
        while self._ready and self._failure is None:
            root = self._ready.popleft()
            root.told = True
            yield Line(root.output.name, root.data, self._entries(root.parts))

    def last_lines(self) -> Iterator[Line]:
        """The lines that are left once all tasks have ended, those included of which nothing was
        heard yet.
        """
        self.ended.extend(step.name for step in self._executable.steps)
        return self.lines()

    def end(self) -> End:
        """What is left to tell once all tasks have ended."""
        if self._executable.plan.returned is not None:
            found = assemble(self._executable, self._run, self._details, self._most)
            return End(found.status, found.complete, found.data, found.errors)
        numbered = sorted(
            ((number, part) for root in self._roots
             for number, part in zip(root.inside, root.parts, strict=True)),
            key=itemgetter(0),
        )  # fmt: skip
        parts = [part for _, part in numbered]
        gathered = verdict(self._executable, parts, b"", self._failure)
        errors = [entry for root in self._roots if not root.told
                  for entry in self._entries(root.parts)]  # fmt: skip
        if gathered.failure is not None:
            errors.insert(0, entry_of_answer(gathered.failure))
        data = NULL if gathered.data == NULL else None
        return End(gathered.status, gathered.complete, data, tuple(errors))

    def _settle(self, task: str) -> None:
        """Makes up what was waiting for this task alone."""
        for root in self._roots:
            if task in root.waits:
                root.waits.discard(task)
                if not root.waits:
                    self._make_up(root)

    def _make_up(self, root: _Root) -> None:
        parts = {number: self._part(number) for number in root.inside}
        root.parts = tuple(parts.values())
        try:
            self._weave(root, parts)
            root.data = whole(parts[root.number].found, self._most)
        except TooLarge:
            self._failure = too_large(self._most)
        except RecursionError:
            self._failure = ANSWER_TOO_DEEP
        if root.decisive:
            strict = self._executable.plan.settings.all_or_nothing
            self._refused = self._refused or any(part.takes_all(strict) for part in root.parts)
        if root.output.is_member:
            self._ready.append(root)

    def _part(self, number: int) -> Part:
        name, own = self._executable.places[number]
        output = self._executable.plan.outputs[number]
        part = part_of(output, self._tolerances[name], self._run.scope.outcomes[name], own)
        if self._run.sought is not None:
            part.failures += self._run.sought.told().get(number, [])
        return part

    def _weave(self, root: _Root, parts: Mapping[int, Part]) -> None:
        """Puts what comes into a root in its place.

        Raises:
            TooLarge: it would have more bytes than an answer may.
        """
        if not root.weaves:
            return
        outputs = self._executable.plan.outputs
        found: list[Any] = [None] * len(outputs)
        outcomes: list[Any] = [None] * len(outputs)
        for number, part in parts.items():
            found[number], outcomes[number] = part.found, part.outcome
        names = [output.name for output in outputs]
        misfits = woven(root.weaves, found, outcomes, names, self._most)
        for number, failures in misfits.items():
            parts[number].failures += failures
        parts[root.number].found = found[root.number]

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            self._failure = too_large(self._most)

    def _entries(self, parts: Iterable[Part]) -> tuple[dict[str, Any], ...]:
        return tuple(
            entry_of(part.output, failure, part.tolerance, self._details)
            for part in parts
            for failure in part.failures
        )


def _size(root: _Root) -> int:
    """The bytes of a member in the answer as a whole: its name, its data and two marks."""
    return len(to_json(root.output.name)) + len(root.data) + 2


def _roots(executable: Executable) -> list[_Root]:
    outputs = executable.plan.outputs
    goals = {output.name: output.into.into for output in outputs if output.into is not None}
    inside: dict[str, list[int]] = {}
    for number, output in enumerate(outputs):
        name = output.name
        while name in goals:
            name = goals[name]
        inside.setdefault(name, []).append(number)
    return [
        _root(executable, number, tuple(inside[output.name]))
        for number, output in enumerate(outputs)
        if output.into is None
    ]


def _may_be_fatal(step: Step) -> bool:
    """Whether the lateness of one call can take the whole answer with it: of the step's own, of
    one in its place, or of one in a stored plan.
    """
    for one in step.alternatives():
        inner = one.nested.executable.steps if one.nested is not None else ()
        if one.on_timeout == "required" or any(map(_may_be_fatal, inner)):
            return True
    return False


def _root(executable: Executable, number: int, inside: tuple[int, ...]) -> _Root:
    tasks = {executable.places[each][0] for each in inside}
    steps = [step for step in executable.steps if step.name in tasks]
    strict = any(s.policy.tolerance is Tolerance.REQUIRED or _may_be_fatal(s) for s in steps)
    return _Root(
        output=executable.plan.outputs[number], number=number, inside=inside,
        weaves=tuple(weave for weave in executable.weaves if weave.target in inside),
        waits=tasks,
        decisive=executable.plan.settings.all_or_nothing or strict,
    )  # fmt: skip

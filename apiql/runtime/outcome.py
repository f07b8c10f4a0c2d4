"""How a task ended. Failures are values: they travel to the answer, never across a task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from msgspec import Struct

from apiql.errors import Code, Failure
from apiql.sources.call import Headers


class _Missing:
    """What a path finds where there is nothing; null is something else."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

Nest: TypeAlias = Any
"""Levels of a fan-out as lists; what stands at its leaves depends on the place."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands in a list of elements for one whose call failed or that is missing."""

    failure: Failure


class Done(Struct):
    """The upstream answered 2xx with a body that is what it says.

    `reads` holds what references see, by the path's number in the compiled plan; `shaped` holds
    the projected JSON (or why it could not be made) for each output of the task. `failures` are
    told beside the data: warnings, and for a fan-out the elements that failed. `status` is None
    where nothing was answered (a substitute stands in).
    """

    status: int | None
    headers: Headers
    reads: tuple[Any, ...] = ()
    shaped: tuple[bytes | Failure, ...] = ()
    failures: tuple[Failure, ...] = ()
    value: Any = MISSING
    """The result of a definition's task, as it is; MISSING where that is JSON (`shaped`)."""


class Several(Done):
    """A fan-out of which at least one call succeeded (or that had none to make).

    `nest` has its levels as lists, with the number of a result or a gap at each leaf; `pieces`
    are the shaped leaves of each output, `replies` status and headers of each result.
    """

    nest: Nest = None
    pieces: tuple[tuple[bytes, ...], ...] = ()
    replies: tuple[tuple[int | None, Headers], ...] = ()


class Failed(Struct):
    """The call was made (or could not be), and there is no result. `among` are the failures of a
    fan-out's elements, where it is one; its data has a null for each. `unsent`: the upstream has
    seen nothing of it.
    """

    failure: Failure
    status: int | None = None
    headers: Headers = ()
    several: Several | None = None
    unsent: bool = False


class Skipped(Struct):
    """The call was not made, because of what the task needs."""

    failure: Failure


class LeftOut(Struct):
    """`when` was not true, here or in what the task reads: null, and no error."""


Outcome: TypeAlias = Done | Failed | Skipped | LeftOut
ENDINGS: Final = {
    Done: "done", Several: "done", Failed: "failed", Skipped: "skipped", LeftOut: "left out",
}  # fmt: skip
"""The word for each outcome, as events have it."""


class Unmet(Exception):
    """A value that cannot be made: something it reads is missing or failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


TOO_DEEP: Final = Failure(Code.BAD_VALUE, "what it reads is nested too deeply")


class NotAsked(Exception):
    """A value reads what `when` left out."""


def unmet(code: Code, message: str, cause: Failure | None = None, task: str = "") -> Unmet:
    """The exception for a missing value, with the task where the trouble began."""
    if cause is None:
        return Unmet(Failure(code, message))
    return Unmet(Failure(code, message, cause=cause.cause or task, root=cause.root or cause.code))


def at(failure: Failure, path: tuple[int, ...]) -> Failure:
    """The same failure, of the element at these list indexes."""
    return replace(failure, path=(*path, *failure.path)) if path else failure

"""How a task ended. Failures are values: they travel to the answer, never across a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from apiql.errors import Code, Failure
from apiql.sources.call import Headers


class _Missing:
    """What a path finds where there is nothing; null is something else."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(slots=True)
class Done:
    """The upstream answered 2xx with a body that is what it says.

    `reads` holds what references see, by the path's number in the compiled plan; `shaped` holds
    the projected JSON (or why it could not be made) for each output of the task.
    """

    status: int
    headers: Headers
    reads: tuple[Any, ...] = ()
    shaped: tuple[bytes | Failure, ...] = ()


@dataclass(slots=True)
class Failed:
    """The call was made (or could not be), and there is no result."""

    failure: Failure
    status: int | None = None
    headers: Headers = field(default=())


@dataclass(slots=True)
class Skipped:
    """The call was not made, because of what the task needs."""

    failure: Failure


Outcome: TypeAlias = Done | Failed | Skipped


class Unmet(Exception):
    """A value that cannot be made: something it reads is missing or failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def unmet(code: Code, message: str, cause: Failure | None = None, task: str = "") -> Unmet:
    """The exception for a missing value, with the task where the trouble began."""
    if cause is None:
        return Unmet(Failure(code, message))
    return Unmet(Failure(code, message, cause=cause.cause or task, root=cause.root or cause.code))

"""Every error APIQL can answer with: its code, the stage that raises it, its HTTP status.

What is raised (all other failures are bugs and answer INTERNAL):

    ApiqlError
    ├── RequestRefused   the HTTP request itself: answered as an RFC 9457 problem
    ├── QueryRefused     a text or its parameters, before the first upstream call: 400 or 422
    ├── ValueRefused     a value that a function, operator or place cannot take
    └── CallFailed       one upstream call; becomes a `Failure`, never crosses a task

Across tasks failures are values (`Failure`), so one broken upstream never hides what the
others answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """Where in the life of a request an error arises; the docs are grouped by it."""

    HTTP = "http"
    READ = "read"
    LIMITS = "limits"
    CALLER = "caller"
    UPSTREAM = "upstream"
    PLAN = "plan"
    INTERNAL = "internal"


class Code(StrEnum):
    """The stable word for one cause, with the stage it arises in and the status it answers."""

    stage: Stage
    status: int

    def __new__(cls, word: str, stage: Stage, status: int) -> Code:
        self = str.__new__(cls, word)
        self._value_ = word
        self.stage = stage
        self.status = status
        return self

    BAD_REQUEST = "BAD_REQUEST", Stage.HTTP, 400
    NOT_FOUND = "NOT_FOUND", Stage.HTTP, 404
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED", Stage.HTTP, 405
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT", Stage.HTTP, 408
    BODY_TOO_LARGE = "BODY_TOO_LARGE", Stage.HTTP, 413
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE", Stage.HTTP, 415
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE", Stage.HTTP, 431

    SYNTAX = "SYNTAX", Stage.READ, 400
    VALIDATION = "VALIDATION", Stage.READ, 422
    UNKNOWN_SOURCE = "UNKNOWN_SOURCE", Stage.READ, 422
    UNKNOWN_NAME = "UNKNOWN_NAME", Stage.READ, 422
    DUPLICATE_NAME = "DUPLICATE_NAME", Stage.READ, 422
    CYCLE = "CYCLE", Stage.READ, 422
    MISSING_PARAMETER = "MISSING_PARAMETER", Stage.READ, 422
    MISSING_VARIABLE = "MISSING_VARIABLE", Stage.READ, 422
    VARIABLE_TYPE = "VARIABLE_TYPE", Stage.READ, 422

    LIMIT_EXCEEDED = "LIMIT_EXCEEDED", Stage.LIMITS, 422
    FANOUT_LIMIT = "FANOUT_LIMIT", Stage.LIMITS, 422
    ZIP_LENGTH = "ZIP_LENGTH", Stage.LIMITS, 422
    BAD_VALUE = "BAD_VALUE", Stage.LIMITS, 422

    UNAUTHENTICATED = "UNAUTHENTICATED", Stage.CALLER, 401
    REPLAYED = "REPLAYED", Stage.CALLER, 401
    FORBIDDEN = "FORBIDDEN", Stage.CALLER, 403
    RATE_LIMITED = "RATE_LIMITED", Stage.CALLER, 429
    OVERLOADED = "OVERLOADED", Stage.CALLER, 503
    FORBIDDEN_UPSTREAM = "FORBIDDEN_UPSTREAM", Stage.CALLER, 403
    LOOP = "LOOP", Stage.CALLER, 508
    QUERY_NOT_FOUND = "QUERY_NOT_FOUND", Stage.CALLER, 404
    BROKEN_DEFINITION = "BROKEN_DEFINITION", Stage.CALLER, 503
    QUERY_NOT_ALLOWED = "QUERY_NOT_ALLOWED", Stage.CALLER, 403

    UPSTREAM_STATUS = "UPSTREAM_STATUS", Stage.UPSTREAM, 502
    UPSTREAM_CONNECT = "UPSTREAM_CONNECT", Stage.UPSTREAM, 502
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT", Stage.UPSTREAM, 504
    QUERY_TIMEOUT = "QUERY_TIMEOUT", Stage.UPSTREAM, 504
    BAD_PAYLOAD = "BAD_PAYLOAD", Stage.UPSTREAM, 502
    UPSTREAM_TOO_LARGE = "UPSTREAM_TOO_LARGE", Stage.UPSTREAM, 502
    CIRCUIT_OPEN = "CIRCUIT_OPEN", Stage.UPSTREAM, 503
    UPSTREAM_BUSY = "UPSTREAM_BUSY", Stage.UPSTREAM, 503
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED", Stage.UPSTREAM, 502

    MISSING_DEPENDENCY = "MISSING_DEPENDENCY", Stage.PLAN, 502
    DEPENDENCY_FAILED = "DEPENDENCY_FAILED", Stage.PLAN, 502
    CANCELLED = "CANCELLED", Stage.PLAN, 502

    INTERNAL = "INTERNAL", Stage.INTERNAL, 500


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text; both numbers count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a query, found before anything was called.

    `excerpt` is the line of the text and a line with a caret under the token; `hint` says what
    was expected and what to do.
    """

    code: Code
    message: str
    locations: tuple[Location, ...] = ()
    hint: str | None = None
    excerpt: str | None = None
    task: str | None = None

    def entry(self) -> dict[str, Any]:
        """The member of the answer's `errors` list."""
        found: dict[str, Any] = {"code": self.code.value, "message": self.message}
        if self.task is not None:
            found["task"] = self.task
        if self.locations:
            found["locations"] = [{"line": p.line, "column": p.column} for p in self.locations]
        if self.excerpt is not None:
            found["excerpt"] = self.excerpt
        if self.hint is not None:
            found["hint"] = self.hint
        return found

    def __str__(self) -> str:
        at = f"{self.locations[0].line}:{self.locations[0].column}: " if self.locations else ""
        lines = [f"{at}{self.code}: {self.message}"]
        lines += [part for part in (self.excerpt, self.hint) if part]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result: a value that travels through the run into `errors`.

    `upstream` is what the interface really answered (`service`, `status`, `body`) and `request`
    what it was asked (`GET /users/9`): both are shown only as far as the configuration allows.
    `cause` names the task where a chain of skipped tasks began, `root` the code it began with;
    `path` are list indexes after the task's name. A `warning` spoils nothing: the data is whole
    without it, a `fatal` one spoils all of it; `count` is the number of failures that it stands
    for, where that is not one. `wait` are the seconds after which it may be worth to ask again.
    """

    code: Code
    message: str
    status: int | None = None
    hint: str | None = None
    retryable: bool = False
    upstream: Mapping[str, Any] | None = None
    cause: str | None = None
    path: tuple[int, ...] = ()
    root: Code | None = None
    request: str | None = None
    warning: bool = False
    count: int | None = None
    fatal: bool = False
    wait: float | None = None


class ApiqlError(Exception):
    """Whatever APIQL raises on purpose."""


class RequestRefused(ApiqlError):
    """The HTTP request cannot be read as a query. `headers` go into the answer (`Allow`, …);
    `guard` is who has refused its caller, empty where it is not about who asks, `status` that of
    the code where nothing else is said.
    """

    def __init__(
        self, code: Code, detail: str, headers: Mapping[str, str] | None = None, guard: str = "",
        status: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.guard = guard
        self.code = code
        self.status = status or code.status
        self.detail = detail
        self.headers = dict(headers or {})


class QueryRefused(ApiqlError):
    """A query that cannot be run, with every independent problem found in it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems

    @property
    def status(self) -> int:
        """A text that does not parse is 400 whatever else is wrong; else the gravest status."""
        statuses = [p.code.status for p in self.problems]
        return 400 if 400 in statuses else min(statuses)


class ValueRefused(ApiqlError):
    """What a function, an operator or a place cannot take: BAD_VALUE, where it says no other code;
    `status` is the HTTP status that a definition answers with then.
    """

    def __init__(
        self, message: str, hint: str | None = None, code: Code | None = None,
        status: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.status = status


@dataclass
class CallFailed(ApiqlError):
    """One upstream call did not yield an answer. `message` never names secrets or addresses; `wait`
    are the seconds after which it may be worth to make it again.
    """

    code: Code
    message: str
    hint: str | None = None
    retryable: bool = field(default=False)
    wait: float | None = None

    def __post_init__(self) -> None:
        super().__init__(self.message)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a mistaken one, None if none is close: for `did you mean`. One that
    differs only in capitals is the closest.
    """
    names, meant = list(known), word[:128].casefold()
    found = [name for name in names if name.casefold() == meant]
    found = found or get_close_matches(word[:128], names, n=1, cutoff=0.6)
    return found[0] if found else None

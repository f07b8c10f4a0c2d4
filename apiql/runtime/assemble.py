"""Outcomes --assemble--> answer: the data as JSON bytes, the errors, the HTTP status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from msgspec import Struct

from apiql.errors import Code, Failure, Stage
from apiql.ir.plan import Output
from apiql.ir.policy import StatusRule, Tolerance
from apiql.runtime.compile import Executable
from apiql.runtime.decode import to_json
from apiql.runtime.outcome import Done, Failed, Outcome

TIMEOUTS = frozenset({Code.UPSTREAM_TIMEOUT, Code.QUERY_TIMEOUT})
NULL = b"null"
PARTIAL = 294
"""Some data, some errors (the status proposed for partial answers of GraphQL over HTTP)."""


class Details(Enum):
    """How much of an upstream's answer an error shows."""

    STATUS = "status"
    FULL = "full"


class Answer(Struct, frozen=True):
    """`data` is JSON (None: the answer has none), `errors` are members of its list.

    `status` is that of `application/apiql-response+json`; `complete` is False for partial data.
    """

    status: int
    data: bytes | None
    errors: tuple[dict[str, Any], ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    """An output and what became of it: its JSON, or why there is none."""

    output: Output
    tolerance: Tolerance
    found: bytes | Failure
    outcome: Outcome


def assemble(
    executable: Executable, outcomes: dict[str, Outcome], details: Details, most_bytes: int
) -> Answer:
    """The answer of a run."""
    return _all_well(executable, outcomes, most_bytes) or _in_part(
        executable, outcomes, details, most_bytes
    )


def _all_well(
    executable: Executable, outcomes: dict[str, Outcome], most_bytes: int
) -> Answer | None:
    """The answer if there is nothing to tell but data (most answers), else None."""
    if executable.plan.settings.status is not StatusRule.ANY_OK:
        return None
    pieces: list[bytes] = []
    for opening, (name, number) in zip(executable.openings, executable.places, strict=True):
        outcome = outcomes[name]
        found = outcome.shaped[number] if type(outcome) is Done else None
        if type(found) is not bytes:
            return None
        if opening:
            pieces += (opening, found)
    if not pieces:
        return Answer(204, None)
    pieces.append(b"}")
    data = b"".join(pieces)
    return Answer(200, data) if len(data) <= most_bytes else None


def _in_part(
    executable: Executable, outcomes: dict[str, Outcome], details: Details, most_bytes: int
) -> Answer:
    parts = _parts(executable, outcomes)
    failed = [part for part in parts if isinstance(part.found, Failure)]
    errors = tuple(_entry(part, part.found, details) for part in failed
                   if isinstance(part.found, Failure))  # fmt: skip
    grave = [part for part in failed if part.tolerance is not Tolerance.OPTIONAL]
    shown = [part for part in parts if not part.output.hidden]
    strict = executable.plan.settings.all_or_nothing
    if any(part.tolerance is Tolerance.REQUIRED or strict for part in grave):
        return Answer(_status(executable, parts, grave, True), NULL, errors, False)
    data = _object(shown)
    if len(data) > most_bytes:
        return _too_large(errors, most_bytes)
    status = _status(executable, parts, grave, False)
    return Answer(status, data, errors, not grave)


def _parts(executable: Executable, outcomes: dict[str, Outcome]) -> list[_Part]:
    tolerances = {step.name: step.policy.tolerance for step in executable.steps}
    parts = []
    for output, (name, number) in zip(executable.plan.outputs, executable.places, strict=True):
        outcome = outcomes[name]
        found = outcome.shaped[number] if isinstance(outcome, Done) else outcome.failure
        parts.append(_Part(output, tolerances[name], found, outcome))
    return parts


def _object(shown: Sequence[_Part]) -> bytes:
    pieces = [
        to_json(part.output.name) + b":" + (NULL if isinstance(part.found, Failure) else part.found)
        for part in shown
    ]
    return b"{" + b",".join(pieces) + b"}"


def _too_large(errors: tuple[dict[str, Any], ...], most_bytes: int) -> Answer:
    entry = {
        "code": Code.LIMIT_EXCEEDED.value,
        "message": f"the answer goes over the limit answer_bytes = {most_bytes}",
        "hint": "select fewer fields, or raise [limits] answer_bytes",
    }
    return Answer(502, NULL, (entry, *errors), False)


# -- errors -------------------------------------------------------------------------------------


def _entry(part: _Part, failure: Failure, details: Details) -> dict[str, Any]:
    """The member of `errors`: `{"code", "message", "task", "path", …}`."""
    output = part.output
    entry: dict[str, Any] = {
        "code": failure.code.value,
        "message": f"{output.name}: {_message(failure, details)}",
        "task": output.name,
        "path": [output.name, *failure.path],
        "locations": [{"line": output.location.line, "column": output.location.column}],
    }
    if failure.status is not None:
        entry["status"] = failure.status
    if failure.cause is not None:
        entry["cause"] = failure.cause
    if failure.code.stage is Stage.UPSTREAM:
        entry["retryable"] = failure.retryable
    if failure.hint is not None:
        entry["hint"] = failure.hint
    if failure.upstream is not None:
        entry["upstream"] = _shown(failure, details)
    if part.tolerance is Tolerance.OPTIONAL:
        entry["warning"] = True
    return entry


def _message(failure: Failure, details: Details) -> str:
    """Who answered what: the request itself only where details are allowed."""
    if failure.request is None:
        return failure.message
    service = str((failure.upstream or {}).get("service", "the upstream"))
    subject = failure.request if details is Details.FULL else service
    return f"{subject} {failure.message}"


def _shown(failure: Failure, details: Details) -> dict[str, Any]:
    upstream = {k: v for k, v in (failure.upstream or {}).items() if v is not None}
    if details is Details.FULL:
        return upstream | ({"request": failure.request} if failure.request else {})
    return {key: value for key, value in upstream.items() if key in ("service", "status")}


# -- the status ---------------------------------------------------------------------------------


def _status(
    executable: Executable, parts: Sequence[_Part], grave: Sequence[_Part], refused: bool
) -> int:
    if executable.plan.settings.status is StatusRule.MAX:
        return max((_own_status(part) for part in parts
                    if part.tolerance is not Tolerance.OPTIONAL), default=200)  # fmt: skip
    if not grave:
        return 200
    outputs = [part for part in parts
               if not part.output.hidden and part.tolerance is not Tolerance.OPTIONAL]  # fmt: skip
    if not refused and any(not isinstance(part.found, Failure) for part in outputs):
        return PARTIAL
    if not refused and not outputs:
        return PARTIAL
    mirrored = _mirrored(executable, grave)
    return mirrored or (504 if _all_timed_out(grave) else 502)


def _mirrored(executable: Executable, grave: Sequence[_Part]) -> int | None:
    """A query of one call answers with the upstream's own 4xx (but 407: that is our proxy's)."""
    if len(executable.steps) != 1 or not isinstance(grave[0].outcome, Failed):
        return None
    failure = grave[0].outcome.failure
    status = failure.status
    if failure.code is not Code.UPSTREAM_STATUS or status is None or status == 407:
        return None
    return status if 400 <= status < 500 else None


def _all_timed_out(grave: Iterable[_Part]) -> bool:
    failures = [part.found for part in grave if isinstance(part.found, Failure)]
    return all((failure.root or failure.code) in TIMEOUTS for failure in failures)


def _own_status(part: _Part) -> int:
    """Under `use status max`: the upstream's own, 408 timeout, 400 skipped, 502 else."""
    if isinstance(part.found, bytes):
        return part.outcome.status if isinstance(part.outcome, Done) else 200
    failure = part.found
    if failure.code in (Code.DEPENDENCY_FAILED, Code.MISSING_DEPENDENCY):
        return 400
    if failure.code in TIMEOUTS:
        return 408
    if failure.code is Code.UPSTREAM_STATUS and failure.status is not None:
        return failure.status
    return 502

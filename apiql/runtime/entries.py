"""Failures -> members of `errors`, with as much of the upstream as may be shown."""

from __future__ import annotations

from enum import Enum
from typing import Any

from apiql.errors import Failure, Stage
from apiql.ir.plan import Output
from apiql.ir.policy import Tolerance


class Details(Enum):
    """How much of an upstream's answer an error shows."""

    STATUS = "status"
    FULL = "full"


def entry_of(
    output: Output, failure: Failure, tolerance: Tolerance, details: Details
) -> dict[str, Any]:
    """The member of `errors`: `{"code", "message", "task", "path", …}`."""
    place = {"line": output.location.line, "column": output.location.column}
    entry: dict[str, Any] = {
        "code": failure.code.value,
        "message": f"{output.name}: {_message(failure, details)}",
        "task": output.name,
        "path": [output.name, *failure.path],
        "locations": [place],
    }
    entry |= _particulars(failure, details)
    if failure.warning or tolerance is Tolerance.OPTIONAL:
        entry["warning"] = True
    return entry


def entry_of_answer(failure: Failure) -> dict[str, Any]:
    """The entry for what concerns the answer as a whole."""
    found = {"code": failure.code.value, "message": failure.message}
    return found if failure.hint is None else found | {"hint": failure.hint}


def _particulars(failure: Failure, details: Details) -> dict[str, Any]:
    found: dict[str, Any] = {"status": failure.status, "cause": failure.cause}
    if failure.code.stage is Stage.UPSTREAM:
        found["retryable"] = failure.retryable
    found |= {"hint": failure.hint, "count": failure.count}
    if failure.upstream is not None:
        found["upstream"] = _shown(failure, details)
    return {key: value for key, value in found.items() if value is not None}


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

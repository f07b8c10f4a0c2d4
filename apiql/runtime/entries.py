"""Failures -> members of `errors`, with as much of the upstream as may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Raw

from apiql.errors import Failure, Stage
from apiql.ir.plan import Output
from apiql.ir.policy import Tolerance
from apiql.ir.redaction import Redaction
from apiql.runtime.decode import Undecodable, checked

NOTHING = Redaction(())


@dataclass(frozen=True, slots=True)
class Details:
    """How much of an upstream's answer an error shows, and what it never does."""

    full: bool = False
    hide: Redaction = NOTHING


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
    if not details.hide:
        return entry
    return {key: _without_secrets(value, details.hide) for key, value in entry.items()}


def entry_of_answer(failure: Failure) -> dict[str, Any]:
    """The entry for what concerns the answer as a whole."""
    found = {"code": failure.code.value, "message": failure.message}
    return found if failure.hint is None else found | {"hint": failure.hint}


def _without_secrets(value: Any, hide: Redaction) -> Any:
    match value:
        case Raw():
            told = bytes(value).decode("utf-8", "replace")
            hidden = hide(told)
            return value if hidden == told else _json_or_text(hidden)
        case dict():
            return {key: _without_secrets(inner, hide) for key, inner in value.items()}
    return hide.data(value)


def _json_or_text(text: str) -> Any:
    """JSON, unless what was taken out of it was more than a part of a text."""
    try:
        return Raw(checked(text.encode()))
    except Undecodable:
        return text


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
    subject = failure.request if details.full else service
    return f"{subject} {failure.message}"


def _shown(failure: Failure, details: Details) -> dict[str, Any]:
    upstream = {k: v for k, v in (failure.upstream or {}).items() if v is not None}
    if details.full:
        return upstream | ({"request": failure.request} if failure.request else {})
    return {key: value for key, value in upstream.items() if key in ("service", "status")}

"""What definitions answer: JSON, and problems as the rest of APIQL tells them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from apiql.errors import Code, Failure
from apiql.frontends.definitions.lower.lowered import Answered
from apiql.gotemplate import Kind, quoting
from apiql.gotemplate.values import seen

JSON: Final = "application/json; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
PROBLEM: Final = "application/problem+json"
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_TITLES: Final = {
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


def to_json(value: Any) -> bytes:
    """A value as JSON, members in the order of their names, every digit kept."""
    try:
        return _ENCODER.encode(value)
    except (OverflowError, UnicodeEncodeError):  # integers of more than 64 bits, half surrogates
        return quoting.json_text(seen(value, Kind.NUMBER)).encode("utf-8", "replace")


def problem(status: int, code: Code, detail: str, hint: str | None = None) -> Answered:
    """A refusal (RFC 9457)."""
    told = {"code": code.value, "message": detail, **({"hint": hint} if hint else {})}
    body = {
        "type": "about:blank", "title": _TITLES.get(status, code.value), "status": status,
        "detail": detail, "code": code.value, "errors": [told],
    }  # fmt: skip
    return Answered(status, PROBLEM, to_json(body), code)


def failed(status: int, failure: Failure) -> Answered:
    """The refusal for a failure."""
    return problem(status, failure.code, failure.message, failure.hint)

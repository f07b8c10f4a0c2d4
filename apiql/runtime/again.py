"""Whether a call that failed is made again, and after which pause. Pure; chance is passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

from apiql.errors import Code, Failure
from apiql.ir.policy import Retry
from apiql.runtime.outcome import Failed
from apiql.sources.call import Headers

AGAIN = frozenset({Code.UPSTREAM_CONNECT, Code.UPSTREAM_TIMEOUT, Code.BAD_PAYLOAD})
"""Failures after which a call that may be made twice is tried again, if a query asks for it."""
REFUSED = frozenset({Code.CIRCUIT_OPEN, Code.UPSTREAM_BUSY, Code.BUDGET_EXCEEDED})
"""Failures of our own making: what was refused a moment ago is refused again."""
_BITS = 16
_LONGEST_DIGITS = 9


def may_help(retry: Retry, failed: Failed) -> bool:
    """Whether another try may end better, and is wanted after such a failure."""
    failure = failed.failure
    if failure.code in REFUSED:
        return False
    if retry.on is None:
        return failure.retryable or failure.code in AGAIN
    return not set(retry.on).isdisjoint(_words(failed, failure))


def _words(failed: Failed, failure: Failure) -> tuple[str, ...]:
    """What settings call a failure."""
    match failure.code:
        case Code.UPSTREAM_TIMEOUT:
            return ("timeout",)
        case Code.UPSTREAM_CONNECT:
            return ("connect",) if failed.unsent and failure.retryable else ("broken",)
        case Code.BAD_PAYLOAD if failure.status is None:  # no answer, not one with a bad body
            return ("broken",)
        case Code.UPSTREAM_STATUS if failure.status is not None:
            return (str(failure.status), f"{failure.status // 100}xx")
    return ()


def pause(retry: Retry, number: int, failed: Failed, bits: Callable[[int], int]) -> float | None:
    """The seconds before a try, which counts from 1: what the upstream asks for, and a part of the
    backoff by chance on top; None where it asks for too much.
    """
    most = retry.backoff * 2 ** (number - 1) if retry.doubles else retry.backoff
    drawn = min(most, retry.longest) * bits(_BITS) / ((1 << _BITS) - 1)
    asked = retry_after(failed.headers)
    if asked is None:
        return drawn
    return None if asked > retry.patience else asked + drawn


def retry_after(headers: Headers) -> float | None:
    """The seconds of a `Retry-After`, None where there is none that can be read. A moment counts
    from the answer's own `Date`, so that no clock but the upstream's matters.
    """
    fields = dict(reversed(headers))
    text = fields.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_LONGEST_DIGITS])
    then, now = _moment(text), _moment(fields.get("date", ""))
    return max(0.0, then - now) if then is not None and now is not None else None


def _moment(text: str) -> float | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

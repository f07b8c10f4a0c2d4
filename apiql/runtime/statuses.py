"""The HTTP statuses that failures make, by their codes. Knows neither answers nor plans."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import ceil

from apiql.errors import Code, Failure

REFUSED = frozenset({Code.CIRCUIT_OPEN, Code.UPSTREAM_BUSY})
TIMEOUTS = frozenset({Code.UPSTREAM_TIMEOUT, Code.QUERY_TIMEOUT})


def gateway_status(failures: Collection[Failure]) -> int:
    """503 where nothing was called because it was known to be in vain, 504 where nothing was in
    time.
    """
    codes = {failure.root or failure.code for failure in failures}
    if codes <= REFUSED:
        return 503
    return 504 if codes <= TIMEOUTS else 502


def retry_after(failures: Iterable[Failure]) -> int:
    """The seconds after which all that was refused may be called."""
    return max(1, ceil(max((failure.wait or 0.0 for failure in failures), default=0.0)))


def if_well(status: int | None) -> int:
    """A status of success; others are those of failures, which a fallback makes warnings."""
    return status if status is not None and status < 300 else 200


def status_of(failure: Failure) -> int:
    """Under `use status max`, of one failure."""
    if failure.code in (Code.DEPENDENCY_FAILED, Code.MISSING_DEPENDENCY):
        return 400
    if failure.code in TIMEOUTS:
        return 408
    if failure.code in REFUSED:
        return 503
    if failure.code is Code.UPSTREAM_STATUS and failure.status is not None:
        return failure.status
    return 502

"""The sections that say how calls are guarded: tries, circuit breakers. They know no upstream."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from apiql.settings.section import Section
from apiql.settings.values import Count, Duration, refusal, shown

WORDS = ("connect", "broken", "timeout", "5xx")
_STATUS = re.compile(r"[45][0-9][0-9]")

OnTimeout = Literal["error", "required", "warning"]
"""What it means for the answer that a call was not in time: an error as any other, no data at all,
or a warning.
"""


def failure_word(value: str) -> str:
    """A failure after which a call is tried again."""
    if value not in WORDS and _STATUS.fullmatch(value) is None:
        raise refusal(
            f"{shown(value)} is no failure",
            '"connect", "broken", "timeout", "5xx", or a status like "429"',
        )
    return value


FailureWords = Annotated[tuple[Annotated[str, AfterValidator(failure_word)], ...], Strict(False)]


class Retry(Section):
    """When and how a call that failed is made again, where the query does not say `retry`."""

    times: int = Field(default=1, ge=0, le=100)
    """More tries; 0: none."""
    on: FailureWords = ("connect",)
    """Failures that it is for; `connect`: nothing was sent; `broken`: the connection broke, or the
    answer is none.
    """
    backoff: Duration = 0.025
    """Each pause is drawn from 0 up to this, which doubles with every try."""
    doubles: bool = True
    longest: Duration = 0.25
    """No pause is drawn from more than this."""
    each: Duration | None = None
    """The time of one try; unset: what is left of the call's."""
    retry_after: Duration = 5.0
    """The longest `Retry-After` of the upstream that is waited for."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.longest < self.backoff:
            wrong = f"longest = {self.longest:g}s is shorter than backoff = {self.backoff:g}s"
            raise refusal(wrong, "longest of at least the backoff", "longest")
        if self.times and not self.on:
            raise refusal("it is for no failure", '["connect"], or times = 0', "on")
        return self


class Breaker(Section):
    """When the way to a host is closed for a while because it fails."""

    failures: Count = 5
    """So many in a row open it."""
    rate: float = 0.5
    """So does this part of the calls of the window, if there are at least `calls`."""
    calls: Count = 20
    window: Duration = 10.0
    open: Duration = 10.0
    """How long nothing but one probe goes through; doubles each time the probe fails."""
    longest: Duration = 300.0

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        if not 0 < self.rate <= 1:
            raise refusal(f"{self.rate:g} is no part of the calls", "above 0, at most 1", "rate")
        if self.longest < self.open:
            wrong = f"longest = {self.longest:g}s is shorter than open = {self.open:g}s"
            raise refusal(wrong, "longest of at least open", "longest")
        if max(self.failures, self.calls) > MOST_CALLS:
            key = "failures" if self.failures > MOST_CALLS else "calls"
            wrong = f"so many calls are never looked at together (at most {MOST_CALLS})"
            raise refusal(wrong, "as many as a window can have", key)
        return self


MOST_CALLS = 1_000_000


def breaker_of(value: object) -> object:
    """`true` is a breaker with its defaults, `false` none."""
    if isinstance(value, bool):
        return Breaker() if value else None
    return value


BreakerOrNot = Annotated[Breaker | None, BeforeValidator(breaker_of)]

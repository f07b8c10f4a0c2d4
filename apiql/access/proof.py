"""What becomes of a claim that is not believed. Knows no scheme and no request."""

from __future__ import annotations

from apiql.errors import ApiqlError


class NotProved(ApiqlError):
    """A claim that proves nobody. `why` is for the operator, and never holds what was shown."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TooMany(ApiqlError):
    """So many claims are being checked that this one is not."""

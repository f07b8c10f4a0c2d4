"""Calls that are not made although they could be: what the guards of an upstream refuse.

None of it says anything about the upstream's health, and nothing was sent.
"""

from __future__ import annotations

from apiql.sources.limits import Unreached


class Refused(Unreached):
    """A guard of ours did not let the call through."""


class NotAgain(Refused):
    """There have been too many more tries: the failure of the try before stands."""

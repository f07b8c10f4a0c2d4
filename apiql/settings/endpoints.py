"""The section of gateway endpoints. Knows no configuration of theirs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from apiql.settings.section import Section


class Endpoints(Section):
    """The configurations of conf/endpoints, a folder for each environment."""

    environment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """The folder that is served; unset: the only one there is."""
    cache_rules: Literal["documented", "as-it-does"] = "documented"
    """What `only-if-methods` and `only-if-status-codes` of the root mean, absent or empty."""

"""What every table of settings has in common. Knows none of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of settings: what it does not know is an error, and nothing changes later."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

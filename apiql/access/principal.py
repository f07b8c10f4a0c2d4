"""Who asks: what a guard has found out about a caller, and nothing it has taken on trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Principal(Struct, frozen=True):
    """A caller whose claim was proved by `scheme` (`key`, `jwt`, `signature`, `basic`).

    `name` is what rights and logs call it; `scopes` are what it was granted; `bucket` is the
    tenant it belongs to, empty for the usual one. `claims` are those of its token.
    """

    name: str
    scheme: str
    scopes: frozenset[str] = frozenset()
    bucket: str = ""
    claims: Mapping[str, Any] = {}

    @property
    def is_known(self) -> bool:
        """Whether anything was proved."""
        return bool(self.scheme)


ANYONE = Principal("", "")
"""Who has proved nothing."""

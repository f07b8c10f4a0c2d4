"""Who asks: what a guard has found out about a caller, and nothing it has taken on trust."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr


class Principal(Struct, frozen=True):
    """A caller whose claim was proved by `scheme` (`key`, `jwt`, `signature`, `basic`).

    `name` is what rights and logs call it; `scopes` are what it was granted; `bucket` is the
    tenant it belongs to, empty for the usual one. `claims` are those of its token. `mark` are
    16 bytes that tell it from any other, one of the same name who has proved it in another way too.
    """

    name: str
    scheme: str
    scopes: frozenset[str] = frozenset()
    bucket: str = ""
    claims: Mapping[str, Any] = {}
    mark: bytes = b""

    def __post_init__(self) -> None:
        told = "\0".join((self.scheme, self.bucket, self.name)).encode(errors="surrogatepass")
        force_setattr(self, "mark", blake2b(told, digest_size=16).digest())

    @property
    def is_known(self) -> bool:
        """Whether anything was proved."""
        return bool(self.scheme)


ANYONE = Principal("", "")
"""Who has proved nothing."""

"""API keys: a key that was shown -> who it belongs to. Holds digests, never a key.

A key is random and has 128 bits or more, so nobody finds it from its SHA-256, however quick that
is. It is looked up by the whole digest: how long that takes says nothing about any key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from hashlib import sha256

from apiql.access.principal import Principal
from apiql.access.proof import NotProved
from apiql.settings import ApiKey

MOST_BYTES = 512
"""Of a key; what is longer is none."""

Prove = Callable[[bytes], Principal]


def proves_keys(keys: Mapping[str, ApiKey], wall: Callable[[], float]) -> Prove:
    """Tells who shows a key; `wall` are seconds since 1970."""
    known = dict(entry for name, key in keys.items() for entry in _entries(name, key))

    def prove(shown: bytes) -> Principal:
        found = known.get(sha256(shown[:MOST_BYTES]).digest())
        if found is None or len(shown) > MOST_BYTES:
            raise NotProved("no such key")
        principal, ends = found
        if wall() > ends:
            raise NotProved(f"the time of the key {principal.name} is over")
        return principal

    return prove


def _entries(name: str, key: ApiKey) -> list[tuple[bytes, tuple[Principal, float]]]:
    principal = Principal(name, "key", frozenset(key.scopes), key.bucket)
    ends = math.inf if key.expires is None else key.expires.timestamp()
    digests = (bytes.fromhex(text.removeprefix("sha256:")) for text in key.hashes)
    return [(digest, (principal, ends)) for digest in digests]

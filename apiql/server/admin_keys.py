"""Whether a request to the admin listener comes from who may ask: by its key, or because nobody
else reaches the listener. Knows no route.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest

from apiql.errors import Code, RequestRefused

_BEARER = b"bearer "


def check_caller(
    fields: Mapping[bytes, bytes], hosts: frozenset[str], keys: Sequence[str], is_local: bool
) -> None:
    """Lets an operator in. With keys, each request brings one, under whatever name the listener is
    reached. Without, only this machine may ask, and the Host must be the listener's own: a name
    that was made to mean 127.0.0.1 is not.

    Raises:
        RequestRefused: UNAUTHENTICATED without a right key; FORBIDDEN under another name.
    """
    if keys:
        if not is_known(fields.get(b"authorization", b""), keys):
            message = "send the key of an operator: Authorization: Bearer <key>"
            raise RequestRefused(Code.UNAUTHENTICATED, message, {"WWW-Authenticate": "Bearer"})
        return
    if not is_local:  # a reload has taken the keys away, and others reach this listener
        message = "there are no keys in the settings, and this listener is not this machine's alone"
        raise RequestRefused(Code.FORBIDDEN, message)
    if fields.get(b"host", b"").decode("latin-1").lower() not in hosts:
        message = f"ask by an address of this listener: {', '.join(sorted(hosts))}"
        raise RequestRefused(Code.FORBIDDEN, message)


def is_known(authorization: bytes, keys: Sequence[str]) -> bool:
    """Whether it brings a key of these hashes; takes as long for a wrong one."""
    bearer = authorization[: len(_BEARER)].lower() == _BEARER
    given = authorization[len(_BEARER) :].strip() if bearer else b""
    found = f"sha256:{sha256(given).hexdigest()}"
    right = [compare_digest(found, key) for key in keys]
    return bearer and any(right)

"""Signed requests: the text that is signed, the header that carries the signature, whether it is
right. Knows no server, no clock and no settings.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from msgspec import Struct

SCHEME = "APIQL-HMAC-SHA256"
NAMES = frozenset({"app", "timestamp", "nonce", "signature"})
LONGEST = 1024
"""Bytes of the header: what is longer is none."""
_USUAL = re.compile(
    r"app=([A-Za-z0-9_.:/+=-]{1,128}), timestamp=(0|[1-9][0-9]{0,11}), "
    r"nonce=([A-Za-z0-9_.:/+=-]{16,128}), signature=([0-9a-f]{64})"
)
"""As docs and examples write it: the quick way of what stands below."""
_PAIR = re.compile(r'[ \t]*([a-z]+)=("?)([A-Za-z0-9_.:/+=-]{1,128})\2[ \t]*')
_TIME = re.compile(r"0|[1-9][0-9]{0,11}")
_NONCE = re.compile(r"[A-Za-z0-9_.:/+=-]{16,128}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


Begun = tuple[Any, Any]
"""SHA-256 of both halves of a key."""


class Claim(Struct, frozen=True):
    """What a request says of itself: which app it is of, when it was made (seconds since 1970), a
    word that no other request has, and the signature in hexadecimal digits.
    """

    app: str
    timestamp: int
    nonce: str
    signature: str


class Message(Struct, frozen=True):
    """What is signed of a request, as it was sent: `path` and `query` are not decoded."""

    method: str
    path: bytes
    query: bytes
    body: bytes


def claim_in(parameters: str) -> Claim | None:
    """The claim of a header, behind its scheme; in any order, each of the four once. None: it is
    none.
    """
    if len(parameters) > LONGEST:
        return None
    usual = _USUAL.fullmatch(parameters)
    if usual is not None:
        app, timestamp, nonce, signature = usual.groups()
        return Claim(app, int(timestamp), nonce, signature)
    pairs = [_PAIR.fullmatch(part) for part in parameters.split(",")]
    found = {pair[1]: pair[3] for pair in pairs if pair is not None}
    if len(pairs) != len(NAMES) or found.keys() != NAMES:
        return None
    kinds = {"timestamp": _TIME, "nonce": _NONCE, "signature": _SIGNATURE}
    if any(kind.fullmatch(found[name]) is None for name, kind in kinds.items()):
        return None
    return Claim(found["app"], int(found["timestamp"]), found["nonce"], found["signature"])


def canonical_text(claim: Claim, message: Message) -> bytes:
    """What is signed: eight lines, without one more at the end."""
    head = f"{SCHEME}\n{claim.app}\n{claim.timestamp}\n{claim.nonce}\n{message.method}".encode()
    digest = sha256(message.body).hexdigest().encode()
    return b"\n".join((head, message.path, message.query, digest))


def signature_of(key: bytes, claim: Claim, message: Message) -> str:
    """The signature of a request, in hexadecimal digits."""
    return hmac.digest(key, canonical_text(claim, message), "sha256").hex()


class Keys:
    """The keys of all apps. That an app is unknown takes as long as that its signature is wrong:
    every app has as many keys, of one length, and one that is unknown those of nobody.
    """

    def __init__(self, apps: Mapping[str, Iterable[str]], nobody: bytes) -> None:
        known = {
            app: tuple(_begun(secret.encode()) for secret in secrets)
            for app, secrets in apps.items()
        }
        most = max(map(len, known.values()), default=1)
        fill = (_begun(nobody),) * most
        self._known = {app: ((keys + fill)[:most], len(keys)) for app, keys in known.items()}
        self._nobody = (fill, 0)

    def have_signed(self, claim: Claim, message: Message) -> bool:
        """Whether the app that is named has signed."""
        keys, count = self._known.get(claim.app, self._nobody)
        text, given = canonical_text(claim, message), bytes.fromhex(claim.signature)
        found = False
        for place, key in enumerate(keys):
            found |= hmac.compare_digest(_mac(key, text), given) & (place < count)
        return found


def _begun(secret: bytes) -> Begun:
    """The HMAC of a secret (RFC 2104) as far as it needs no text: that is done once, and by hand,
    as Python's own takes four times as long for a text of this length.
    """
    key = (sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in key)), sha256(bytes(byte ^ 0x5C for byte in key))


def _mac(begun: Begun, text: bytes) -> bytes:
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(text)
    outer.update(inner.digest())
    found: bytes = outer.digest()
    return found

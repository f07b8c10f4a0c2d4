"""Signed requests: the text that is signed, the header that carries the signature, whether it is
right. Knows no server, no clock and no settings.
"""

from __future__ import annotations

import hmac
import re
from binascii import hexlify
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import repeat
from typing import Any

from msgspec import Struct

SCHEME = "APIQL-HMAC-SHA256"
NAMES = frozenset({b"app", b"timestamp", b"nonce", b"signature"})
LONGEST = 1024
"""Bytes of the header: what is longer is none."""
_USUAL = re.compile(
    rb"app=([A-Za-z0-9_.:/+=-]{1,128}), timestamp=(0|[1-9][0-9]{0,11}), "
    rb"nonce=([A-Za-z0-9_.:/+=-]{16,128}), signature=([0-9a-f]{64})"
)
"""As docs and examples write it: the quick way of what stands below."""
_PAIR = re.compile(rb'[ \t]*([a-z]+)=("?)([A-Za-z0-9_.:/+=-]{1,128})\2[ \t]*')
_KINDS = {
    b"timestamp": re.compile(rb"0|[1-9][0-9]{0,11}"),
    b"nonce": re.compile(rb"[A-Za-z0-9_.:/+=-]{16,128}"),
    b"signature": re.compile(rb"[0-9a-f]{64}"),
}
_SCHEME = SCHEME.encode()


Begun = tuple[Any, Any]
"""SHA-256 of both halves of a key."""


class Claim(Struct, frozen=True):
    """What a request says of itself: which app it is of, when it was made (seconds since 1970), a
    word that no other request has, and the signature in hexadecimal digits.
    """

    app: bytes
    timestamp: int
    nonce: bytes
    signature: bytes


class Message(Struct, frozen=True):
    """What is signed of a request, as it was sent: `path` and `query` are not decoded."""

    method: bytes
    path: bytes
    query: bytes
    body: bytes


def claim_in(parameters: bytes) -> Claim | None:
    """The claim of a header, behind its scheme; in any order, each of the four once. None: it is
    none.
    """
    usual = _USUAL.fullmatch(parameters)
    if usual is not None:
        app, timestamp, nonce, signature = usual.groups()
        return Claim(app, int(timestamp), nonce, signature)
    if len(parameters) > LONGEST:
        return None
    pairs = [_PAIR.fullmatch(part) for part in parameters.split(b",")]
    found = {pair[1]: pair[3] for pair in pairs if pair is not None}
    if len(pairs) != len(NAMES) or found.keys() != NAMES:
        return None
    if any(kind.fullmatch(found[name]) is None for name, kind in _KINDS.items()):
        return None
    return Claim(found[b"app"], int(found[b"timestamp"]), found[b"nonce"], found[b"signature"])


def canonical_text(claim: Claim, message: Message) -> bytes:
    """What is signed: eight lines, without one more at the end."""
    return b"%b\n%b\n%d\n%b\n%b\n%b\n%b\n%b" % (
        _SCHEME, claim.app, claim.timestamp, claim.nonce,
        message.method, message.path, message.query, hexlify(sha256(message.body).digest()),
    )  # fmt: skip


def signature_of(key: bytes, claim: Claim, message: Message) -> bytes:
    """The signature of a request, in hexadecimal digits."""
    return hexlify(hmac.digest(key, canonical_text(claim, message), "sha256"))


class Keys:
    """The keys of all apps. That an app is unknown takes as long as that its signature is wrong:
    every app has as many keys, of one length, and one that is unknown those of nobody.
    """

    def __init__(self, apps: Mapping[str, Iterable[str]], nobody: bytes) -> None:
        known = {
            app.encode(): tuple(_begun(secret.encode()) for secret in secrets)
            for app, secrets in apps.items()
        }
        most = max(map(len, known.values()), default=1)
        fill = (_begun(nobody),) * most
        idle = tuple(zip(fill, repeat(False)))  # tried for the time alone that it takes
        self._known = {
            app: (*zip(keys, repeat(True)), *idle[len(keys) :]) for app, keys in known.items()
        }
        self._nobody = idle

    def have_signed(self, claim: Claim, message: Message) -> bool:
        """Whether the app that is named has signed."""
        text, given, found = canonical_text(claim, message), claim.signature, False
        for key, counts in self._known.get(claim.app, self._nobody):
            found |= hmac.compare_digest(_mac(key, text), given) & counts
        return found


def _begun(secret: bytes) -> Begun:
    """The HMAC of a secret (RFC 2104) as far as it needs no text: that is done once, and by hand,
    as Python's own takes four times as long for a text of this length.
    """
    key = (sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in key)), sha256(bytes(byte ^ 0x5C for byte in key))


def _mac(begun: Begun, text: bytes) -> bytes:
    """In hexadecimal digits."""
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(text)
    outer.update(inner.digest())
    found: bytes = outer.hexdigest().encode()
    return found

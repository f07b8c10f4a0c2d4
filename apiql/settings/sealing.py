"""Private values at rest: AES-256-GCM with the value's full name bound to it, as `enc:v1:<base64>`.
Knows no file. Imported only where a value is sealed: the cipher comes with an extra.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apiql.settings.private_file import SEALED, SealBroken

NONCE_BYTES = 12


def seal(text: str, name: str, key: bytes, nonce: bytes) -> str:
    """The text as it is kept; the nonce must be one that was never used with this key."""
    found = AESGCM(key).encrypt(nonce, text.encode(), _bound(name))
    return SEALED + base64.b64encode(nonce + found).decode()


def unseal(sealed: str, name: str, key: bytes) -> str:
    """The text that was sealed under this name.

    Raises:
        SealBroken: with another key or name, or it was damaged.
    """
    try:
        whole = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
        nonce, found = whole[:NONCE_BYTES], whole[NONCE_BYTES:]
        if len(nonce) < NONCE_BYTES:
            raise SealBroken("it is cut short")
        return AESGCM(key).decrypt(nonce, found, _bound(name)).decode()
    except InvalidTag:
        raise SealBroken("it was sealed with another key or under another name") from None
    except (binascii.Error, ValueError):
        raise SealBroken("it is no sealed value") from None


def _bound(name: str) -> bytes:
    return b"apiql private " + name.encode()

"""New keys, and the hashes of keys and passwords that settings hold. Keeps and prints nothing."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Callable

from apiql.errors import ApiqlError

MARK = "apiql_"
"""How our keys begin, so that those who look for leaked ones know them."""
KEY_BYTES, SALT_BYTES, HASH_BYTES = 32, 16, 32
N, R, P = 1 << 14, 8, 5
"""The cost of a password: 16 MiB and about a fifth of a second (OWASP, Password Storage)."""
LEAST_KEY, LEAST_PASSWORD = 22, 8
"""Characters: 128 random bits in base64 take 22."""

Random = Callable[[int], bytes]


class TooShort(ApiqlError):
    """A key or password that could be guessed."""


def new_key() -> str:
    """A key of 256 random bits."""
    return MARK + secrets.token_urlsafe(KEY_BYTES)


def key_hash(key: str) -> str:
    """What settings hold of a key.

    Raises:
        TooShort: it cannot be random.
    """
    if len(key) < LEAST_KEY:
        least = f"{LEAST_KEY} random characters or more"
        raise TooShort(f"the key is too short: {least}; `apiql key new` makes one")
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def password_hash(password: str, random: Random = secrets.token_bytes) -> str:
    """What settings hold of a password.

    Raises:
        TooShort: it is guessed at once.
    """
    if len(password) < LEAST_PASSWORD:
        raise TooShort(f"the password is too short: {LEAST_PASSWORD} characters or more")
    salt = random(SALT_BYTES)
    found = hashlib.scrypt(
        password.encode(), salt=salt, n=N, r=R, p=P, maxmem=1 << 26, dklen=HASH_BYTES
    )
    return f"scrypt:{N}:{R}:{P}:{b64encode(salt).decode()}:{b64encode(found).decode()}"

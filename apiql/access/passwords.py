"""Users with passwords (Basic, RFC 7617): what was shown -> who it is. Holds hashes alone.

A password can be guessed, so its hash is slow (scrypt, RFC 7914) and is computed in a thread, few
at a time. A name that nobody has takes the very same way: a hash that no password has stands in.
What was right is remembered for a while under a keyed digest.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping

from cachetools import TTLCache

from apiql.access.principal import Principal
from apiql.access.proof import NotProved, TooMany
from apiql.settings import Scrypt, User, scrypt_of

AT_A_TIME, IN_LINE = 2, 64
"""Passwords that are hashed side by side, each in 16 MiB or more, and those that wait for it."""
REMEMBERED, REMEMBERED_FOR = 1000, 60.0
"""Right passwords that need no hashing, and for how many seconds."""
MOST_BYTES = 1024
"""Of what is shown."""

Random = Callable[[int], bytes]
_WRONG = "no such user, or another password"


def matches(password: bytes, kept: Scrypt) -> bool:
    """Whether this is the password. It takes its time: to be called in a thread."""
    n, r, p, salt, hashed = kept
    room = 128 * r * (n + p + 2) + (1 << 20)
    found = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=room, dklen=len(hashed))
    return hmac.compare_digest(found, hashed)


class Passwords:
    """The users of the settings. `clock` are seconds that never go back."""

    def __init__(
        self, users: Mapping[str, User], clock: Callable[[], float],
        random: Random = secrets.token_bytes,
    ) -> None:  # fmt: skip
        self._users = {
            name: (Principal(name, "basic", frozenset(user.scopes), user.bucket),
                   scrypt_of(user.hash))
            for name, user in users.items()
        }  # fmt: skip
        some = next(kept for _, kept in self._users.values())
        self._nobody = (None, some._replace(salt=random(16), hash=random(len(some.hash))))
        self._key = random(32)
        self._right: TTLCache[bytes, Principal] = TTLCache(REMEMBERED, REMEMBERED_FOR, clock)
        self._places = asyncio.Semaphore(AT_A_TIME)
        self._waiting = 0

    async def prove(self, shown: bytes) -> Principal:
        """Who shows `name:password` in base64.

        Raises:
            NotProved: there is no such user, or it is another password.
            TooMany: too many wait to be looked at.
        """
        name, password = _read(shown)
        mark = hashlib.blake2b(shown, key=self._key, digest_size=32).digest()
        found = self._right.get(mark)
        if found is not None:
            return found
        if self._waiting >= IN_LINE:
            raise TooMany("too many passwords are being checked")
        self._waiting += 1
        try:
            async with self._places:
                return self._right.get(mark) or await self._hashed(name, password, mark)
        finally:
            self._waiting -= 1

    async def _hashed(self, name: str, password: bytes, mark: bytes) -> Principal:
        principal, kept = self._users.get(name, self._nobody)
        right = await asyncio.to_thread(matches, password, kept)
        if principal is None or not right:
            raise NotProved(_WRONG)
        self._right[mark] = principal
        return principal


def _read(shown: bytes) -> tuple[str, bytes]:
    if len(shown) > MOST_BYTES:
        raise NotProved("the user and password are too long")
    try:
        name, mark, password = b64decode(shown, validate=True).partition(b":")
        if mark:
            return name.decode(), password
    except (Error, UnicodeDecodeError):
        pass
    raise NotProved("this is no user and password")

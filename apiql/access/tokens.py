"""Signed tokens (JWT, RFC 7519; checked as RFC 8725 says): a token -> who it was given to.

The issuer is looked up by what the token says; which keys and algorithms count is the settings'
alone. What was right is remembered by its digest until it ends, or until its issuer's keys change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Protocol

from cachetools import LRUCache
from msgspec import Struct

from apiql.access.principal import Principal
from apiql.access.proof import NotProved
from apiql.access.signatures import Keys, is_signed, key_for
from apiql.access.token_text import Shown, moment, read_token
from apiql.settings import BUCKET_NAME, Issuer

REMEMBERED = 4 * 1024 * 1024
"""Bytes of tokens, together, whose owners are remembered."""
MOST_NAME = 256


class KeySource(Protocol):
    """Where the keys of an issuer are."""

    generation: int

    def mind(self) -> None:
        """Keeps them up to date."""

    async def with_key(self, kid: str | None) -> Keys:
        """All of them; this one is looked for."""


class FixedKeys:
    """Keys that stand in the settings, or in a file that they name."""

    generation = 0

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def mind(self) -> None:
        """They stay."""

    async def with_key(self, kid: str | None) -> Keys:
        """The keys."""
        return self._keys


class Trusted(Struct, frozen=True):
    """An issuer, its name in the settings, and its keys."""

    name: str
    expected: Issuer
    keys: KeySource


class _Known(Struct, frozen=True):
    principal: Principal
    ends: float
    trusted: Trusted
    generation: int
    size: int


def _place(text: bytes) -> bytes:
    """Under what a token is remembered; BLAKE2 is begun quicker than OpenSSL's hashes."""
    return blake2b(text, digest_size=32).digest()


class Tokens:
    """The issuers of the settings; `wall` are seconds since 1970."""

    def __init__(self, trusted: Iterable[Trusted], wall: Callable[[], float]) -> None:
        self._trusted = {each.expected.issuer: each for each in trusted}
        self._longest = max(each.expected.max_bytes for each in self._trusted.values())
        self._wall = wall
        self._right: LRUCache[bytes, _Known] = LRUCache(REMEMBERED, lambda known: known.size)

    def known(self, text: bytes) -> Principal | None:
        """Who shows a token, where that is remembered.

        Raises:
            NotProved: it is too long to be one.
        """
        if len(text) > self._longest:
            raise NotProved("the token is too long")
        digest = _place(text)
        known = self._right.get(digest)
        if known is None:
            return None
        known.trusted.keys.mind()
        if known.generation == known.trusted.keys.generation and self._wall() < known.ends:
            return known.principal
        del self._right[digest]
        return None

    async def prove(self, text: bytes) -> Principal:
        """Who shows a token.

        Raises:
            NotProved: it is not to be believed.
        """
        principal = self.known(text)
        if principal is not None:
            return principal
        known = await self._checked(text)
        self._right[_place(text)] = known
        return known.principal

    async def _checked(self, text: bytes) -> _Known:
        shown = read_token(text)
        said = shown.claims.get("iss")
        trusted = self._trusted.get(said) if isinstance(said, str) else None
        if trusted is None:
            raise NotProved("the token is of an issuer that is not trusted")
        expected = trusted.expected
        if len(text) > expected.max_bytes:
            raise NotProved("the token is too long")
        await _check_signature(shown, trusted)
        ends = _check_times(shown.claims, self._wall(), expected.leeway)
        _check_audience(shown.claims.get("aud"), expected.audience)
        principal = _principal(shown.claims, trusted)
        return _Known(principal, ends, trusted, trusted.keys.generation, len(text))


async def _check_signature(shown: Shown, trusted: Trusted) -> None:
    """By the settings' algorithms and the issuer's keys: a token only chooses among these."""
    algorithm = shown.header.alg
    if algorithm not in trusted.expected.algorithms:
        raise NotProved(f"tokens of {trusted.name} are not signed with this algorithm")
    keys = await trusted.keys.with_key(shown.header.kid)
    key = key_for(keys, shown.header.kid, algorithm)
    if key is None:
        raise NotProved(f"no key of {trusted.name} is known that this token was signed with")
    if not is_signed(shown, key):
        raise NotProved(f"the token was not signed by {trusted.name}")


def _check_times(claims: Mapping[str, Any], now: float, leeway: float) -> float:
    """When it ends, by our clock and the leeway."""
    ends, begins, made = (moment(claims, name) for name in ("exp", "nbf", "iat"))
    if ends is None:
        raise NotProved("the token does not say when it ends")
    if now >= ends + leeway:
        raise NotProved("the time of the token is over")
    if begins is not None and now < begins - leeway:
        raise NotProved("the time of the token has not begun")
    if made is not None and now < made - leeway:
        raise NotProved("the token was made in the future")
    return ends + leeway


def _check_audience(said: Any, wanted: tuple[str, ...]) -> None:
    found = [said] if isinstance(said, str) else said
    if not isinstance(found, list) or not any(one in wanted for one in found):
        raise NotProved("the token is for somebody else")


def _principal(claims: Mapping[str, Any], trusted: Trusted) -> Principal:
    """Called `<issuer>:<name>`: its users may choose their names, and none shall be a key's."""
    expected = trusted.expected
    name = claims.get(expected.name)
    if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME or not name.isprintable():
        raise NotProved("the token does not say who it was given to")
    bucket = "" if expected.bucket is None else claims.get(expected.bucket, "")
    if not isinstance(bucket, str) or (bucket and BUCKET_NAME.fullmatch(bucket) is None):
        raise NotProved("the token names no bucket")
    scopes = _scopes(claims.get(expected.scopes))
    return Principal(f"{trusted.name}:{name}", "jwt", scopes, bucket, claims)


def _scopes(said: Any) -> frozenset[str]:
    """Words with spaces between them, or a list of words."""
    found = said.split() if isinstance(said, str) else said
    if found is None:
        return frozenset()
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise NotProved("the scopes of the token have another form")
    return frozenset(found)

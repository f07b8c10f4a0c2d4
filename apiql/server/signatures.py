"""A scheme of callers: requests that are signed by an app (access/signed.py says how)."""

from __future__ import annotations

from collections.abc import Awaitable
from hashlib import blake2b
from secrets import token_bytes
from typing import NoReturn

from apiql.access.principal import Principal
from apiql.access.proof import NotProved
from apiql.access.signed import SCHEME, Claim, Keys, Message, claim_in
from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.body import read_body, take_body
from apiql.server.callers import AUTHORIZATION, Scheme, after_word
from apiql.server.visit import Visit
from apiql.settings import Settings, Signing

NAME = "signature"
MARGIN = 10.0
"""Seconds that a nonce is remembered beyond the time stamps that could come with it: the clocks of
a store and of its machines differ.
"""
SHORT = 48
"""Bytes of an app's name and a nonce that are remembered as they are; of longer ones a digest."""
CHALLENGE = {"WWW-Authenticate": SCHEME}
NO_CLAIM = "app, timestamp, nonce and signature do not stand there once each"
NOT_NOW = "the time stamp is further from this server's clock than may be"
NOT_SIGNED = "the signature is not that of a known app for this request"
REPLAYED = "a request with this nonce came already"
FULL = "more signed requests than can be remembered"


def signing_scheme(settings: Settings, around: Around) -> Scheme | None:
    """The scheme, where there are apps."""
    signing = settings.signing
    if not signing.apps:
        return None
    prove = Signatures(signing, settings.limits.body_bytes, around)
    return Scheme(NAME, frozenset({AUTHORIZATION}), SCHEME, after_word(SCHEME), prove)


class Signatures:
    """The apps, their keys, and the nonces that came already."""

    def __init__(self, signing: Signing, body_bytes: int, around: Around) -> None:
        apps = signing.apps.items()
        self._keys = Keys({name: (a.secret, *a.secrets) for name, a in apps}, token_bytes(64))
        self._principals = {
            name.encode(): Principal(name, NAME, frozenset(app.scopes), app.bucket)
            for name, app in apps
        }
        self._window = signing.window
        self._remembered = 2 * self._window + MARGIN
        self._most = body_bytes
        self._once = around.stores.once
        self._at_once = self._once.at_once
        self._wall = around.wall

    def __call__(self, parameters: bytes, visit: Visit) -> Principal | Awaitable[Principal]:
        """Who has signed the request. What costs nothing is looked at first; a nonce is used up
        only by a request that is right.

        Raises:
            NotProved: nobody has, or it is too old or too new.
            RequestRefused: it came before, or nobody can tell.
        """
        claim = claim_in(parameters)
        if claim is None:
            raise NotProved(NO_CLAIM)
        if not -self._window <= self._wall() - claim.timestamp <= self._window:
            raise NotProved(NOT_NOW)
        body, scope = take_body(visit, self._most), visit.scope
        if body is None:
            return self._read(parameters, visit)
        visit.body = body  # for whoever reads it next
        path = scope.get("raw_path") or scope["path"].encode()
        message = Message(scope["method"].encode(), path, scope["query_string"], body)
        if not self._keys.have_signed(claim, message):
            raise NotProved(NOT_SIGNED)
        if self._at_once is None:
            return self._asked(claim)
        first = self._at_once(key_of(claim), self._remembered)
        return self._principals[claim.app] if first else _refuse(first)

    async def _read(self, parameters: bytes, visit: Visit) -> Principal:
        visit.body = await read_body(visit.receive, visit.fields, self._most)
        found = self(parameters, visit)
        return found if isinstance(found, Principal) else await found

    async def _asked(self, claim: Claim) -> Principal:
        first = await self._once.first(key_of(claim), self._remembered)
        return self._principals[claim.app] if first else _refuse(first)


def _refuse(first: bool | None) -> NoReturn:
    if first is None:
        raise RequestRefused(Code.OVERLOADED, FULL, {"Retry-After": "1"}, NAME)
    raise RequestRefused(Code.REPLAYED, REPLAYED, CHALLENGE, NAME)


def key_of(claim: Claim) -> bytes:
    """What its nonce is remembered as: no app's name has a zero byte, and a digest is shorter
    than any of the others.
    """
    key = b"%b\0%b" % (claim.app, claim.nonce)
    return key if len(key) <= SHORT else blake2b(key, digest_size=16).digest()

"""A scheme of callers: requests that are signed by an app (access/signed.py says how)."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from hashlib import blake2b
from secrets import token_bytes

from apiql.access.principal import Principal
from apiql.access.proof import NotProved
from apiql.access.signed import SCHEME, Claim, Keys, Message, claim_in
from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.callers import AUTHORIZATION, Scheme, after_word
from apiql.server.read import read_body
from apiql.server.visit import Scope, Visit
from apiql.settings import Settings, Signing

NAME = "signature"
MARGIN = 10.0
"""Seconds that a nonce is remembered beyond the time stamps that could come with it: the clocks of
a store and of its machines differ.
"""
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
    check = Signatures(signing, settings.limits.body_bytes, around)

    def proved(parameters: bytes, visit: Visit) -> Awaitable[Principal]:
        return check(visit, claim_in(parameters.decode("latin-1")))

    claims = partial(after_word, SCHEME.lower().encode())
    return Scheme(NAME, frozenset({AUTHORIZATION}), SCHEME, claims, proved)


class Signatures:
    """The apps, their keys, and the nonces that came already."""

    def __init__(self, signing: Signing, body_bytes: int, around: Around) -> None:
        apps = signing.apps.items()
        self._keys = Keys({name: (a.secret, *a.secrets) for name, a in apps}, token_bytes(64))
        self._principals = {
            name: Principal(name, NAME, frozenset(app.scopes), app.bucket) for name, app in apps
        }
        self._window = signing.window
        self._most = body_bytes
        self._once = around.stores.once
        self._wall = around.wall

    async def __call__(self, visit: Visit, claim: Claim | None) -> Principal:
        """Who has signed the request. What costs nothing is looked at first; a nonce is used up
        only by a request that is right.

        Raises:
            NotProved: nobody has, or it is too old or too new.
            RequestRefused: it came before, or nobody can tell.
        """
        if claim is None:
            raise NotProved(NO_CLAIM)
        if abs(self._wall() - claim.timestamp) > self._window:
            raise NotProved(NOT_NOW)
        if visit.body is None:
            visit.was_received(await read_body(visit.receive, visit.fields, self._most))
        if not self._keys.have_signed(claim, _message(visit.scope, visit.body or b"")):
            raise NotProved(NOT_SIGNED)
        first = await self._once.first(_key_of(claim), 2 * self._window + MARGIN)
        if first is None:
            raise RequestRefused(Code.OVERLOADED, FULL, {"Retry-After": "1"}, NAME)
        if not first:
            raise RequestRefused(Code.REPLAYED, REPLAYED, CHALLENGE, NAME)
        return self._principals[claim.app]


def _message(scope: Scope, body: bytes) -> Message:
    path = scope.get("raw_path") or scope["path"].encode()
    return Message(scope["method"], path, scope["query_string"], body)


def _key_of(claim: Claim) -> bytes:
    return blake2b(f"{claim.app}\0{claim.nonce}".encode(), digest_size=16).digest()

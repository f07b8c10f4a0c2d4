"""A guard: requests that are signed by an app (access/signed.py says how)."""

from __future__ import annotations

from hashlib import blake2b
from secrets import token_bytes

from apiql.access.principal import Principal
from apiql.access.signed import SCHEME, Claim, Keys, Message, claim_in
from apiql.errors import Code, RequestRefused
from apiql.server.around import Around
from apiql.server.read import read_body
from apiql.server.visit import Guard, Visit
from apiql.settings import Settings, Signing

AUTHORIZATION = b"authorization"
HEADERS = frozenset({AUTHORIZATION})
VARY = (b"vary", b"Authorization")
"""Else a cache between would answer one caller for another."""
MARGIN = 10.0
"""Seconds that a nonce is remembered beyond the time stamps that could come with it: the clocks of
a store and of its machines differ.
"""
CHALLENGE = {"WWW-Authenticate": SCHEME}
NO_CLAIM = f"{SCHEME} wants app, timestamp, nonce (16 to 128 characters) and signature, each once"
NOT_NOW = "the time stamp is further from this server's clock than may be"
NOT_SIGNED = "the signature is not that of a known app for this request"
REPLAYED = "a request with this nonce came already"
FULL = "more signed requests than can be remembered"
WHO = "say who asks: this server answers nobody else"


def signatures(settings: Settings, around: Around) -> Guard | None:
    """The guard, where there are apps; requests without a signature pass it."""
    signing = settings.signing
    if not signing.apps:
        return None
    check = Signatures(signing, settings.limits.body_bytes, around)
    name = SCHEME.lower().encode()

    async def guard(visit: Visit) -> None:
        visit.told.append(VARY)
        scheme, _, parameters = visit.fields.get(AUTHORIZATION, b"").partition(b" ")
        if scheme.lower() == name:
            claim = claim_in(parameters.decode("latin-1")) if _is_one(visit) else None
            visit.principal = await check(visit, claim)
            visit.hide(HEADERS)

    return guard


def _is_one(visit: Visit) -> bool:
    """Whether it says in one way only who asks."""
    return [name for name, _ in visit.scope["headers"]].count(AUTHORIZATION) == 1


def proved(settings: Settings, _: Around) -> Guard | None:
    """The guard that refuses who has proved nothing, where signatures are required."""
    if not settings.signing.required:
        return None

    async def guard(visit: Visit) -> None:
        if not visit.principal.is_known:
            raise RequestRefused(Code.UNAUTHENTICATED, WHO, CHALLENGE)

    return guard


class Signatures:
    """The apps, their keys, and the nonces that came already."""

    def __init__(self, signing: Signing, body_bytes: int, around: Around) -> None:
        apps = signing.apps.items()
        self._keys = Keys({name: (a.secret, *a.secrets) for name, a in apps}, token_bytes(64))
        self._principals = {
            name: Principal(name, "signature", frozenset(app.scopes), app.bucket)
            for name, app in apps
        }
        self._window = signing.window
        self._most = body_bytes
        self._once = around.stores.once
        self._wall = around.wall

    async def __call__(self, visit: Visit, claim: Claim | None) -> Principal:
        """Who has signed the request. What costs nothing is looked at first; a nonce is used up
        only by a request that is right.

        Raises:
            RequestRefused: nobody has, it is too old or too new, or came before.
        """
        if claim is None:
            raise _unproved(NO_CLAIM)
        if abs(self._wall() - claim.timestamp) > self._window:
            raise _unproved(NOT_NOW)
        if not self._keys.have_signed(claim, await self._message(visit)):
            raise _unproved(NOT_SIGNED)
        first = await self._once.first(_key_of(claim), 2 * self._window + MARGIN)
        if first is None:
            raise RequestRefused(Code.OVERLOADED, FULL, {"Retry-After": "1"})
        if not first:
            raise RequestRefused(Code.REPLAYED, REPLAYED, CHALLENGE)
        return self._principals[claim.app]

    async def _message(self, visit: Visit) -> Message:
        scope = visit.scope
        body = await visit.body(lambda receive: read_body(receive, visit.fields, self._most))
        path = scope.get("raw_path") or scope["path"].encode()
        return Message(scope["method"], path, scope["query_string"], body)


def _key_of(claim: Claim) -> bytes:
    return blake2b(f"{claim.app}\0{claim.nonce}".encode(), digest_size=16).digest()


def _unproved(why: str) -> RequestRefused:
    return RequestRefused(Code.UNAUTHENTICATED, why, CHALLENGE)

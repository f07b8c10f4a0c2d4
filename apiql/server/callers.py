"""The guard that finds out who asks: a tuple of schemes, each of which knows one kind of claim.

A request proves itself in one way or not at all. Whatever is wrong, it hears the same 401; why is
told to the operator alone. What has proved somebody is taken out of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from apiql.access.api_keys import proves_keys
from apiql.access.passwords import Passwords
from apiql.access.principal import Principal
from apiql.access.proof import NotProved, TooMany
from apiql.errors import Code, RequestRefused
from apiql.events import CallerRefused, Told
from apiql.server.admission import Overloaded
from apiql.server.client_address import client_address
from apiql.server.visit import Guard, Visit
from apiql.settings import Access, Clients
from apiql.sources.call import Layer

AUTHORIZATION = b"authorization"
UNPROVED = "none"
"""The scheme of a request that shows nothing, or nothing that one scheme takes."""
NOT_KNOWN = "who asks is not known here"
REALM = 'realm="apiql"'

Fields = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to say who one is. `fields` are the headers that it reads, `challenge` is what
    WWW-Authenticate says of it. `claims` finds what a request shows, None where that is nothing of
    its kind; `prove` tells who shows it, at once or when that is known, or raises NotProved (or
    RequestRefused where what is right is refused all the same).
    """

    name: str
    fields: frozenset[bytes]
    challenge: str
    claims: Callable[[Fields], Any]
    prove: Callable[[Any, Visit], Principal | Awaitable[Principal]]


@dataclass(frozen=True, slots=True)
class Callers:
    """What a request must prove, and how it can."""

    schemes: tuple[Scheme, ...]
    required: bool
    pass_on: bool
    clients: Clients
    tell: Told | None = None

    @property
    def challenge(self) -> str:
        """What WWW-Authenticate says: all the ways to prove who one is."""
        return ", ".join(scheme.challenge for scheme in self.schemes)

    def guard(self) -> Guard:
        """Finds out who asks."""
        challenge = self.challenge
        fields = frozenset().union(*(scheme.fields for scheme in self.schemes))
        varies = (b"vary", b", ".join(sorted(name.title() for name in fields)))

        def guard(visit: Visit) -> Awaitable[None] | None:
            visit.told.append(varies)  # else a cache between would answer one caller for another
            scheme = None
            try:
                scheme, claim = self._claimed(visit, fields)
                if scheme is None:
                    self._nobody(visit, challenge)
                    return None
                proved = scheme.prove(claim, visit)
            except NotProved as wrong:
                raise self._refused(visit, scheme, wrong.why) from None
            if not isinstance(proved, Principal):
                return self._awaited(visit, scheme, proved)
            visit.principal = proved
            if not self.pass_on:
                visit.hide(scheme.fields)
            return None

        return guard

    def _nobody(self, visit: Visit, challenge: str) -> None:
        visit.challenge = challenge
        if self.required:
            raise self._refused(visit, None, "it shows nothing")

    async def _awaited(self, visit: Visit, scheme: Scheme, proved: Awaitable[Principal]) -> None:
        try:
            self._let_in(visit, scheme, await proved)
        except NotProved as wrong:
            raise self._refused(visit, scheme, wrong.why) from None
        except TooMany:
            raise Overloaded from None

    def _let_in(self, visit: Visit, scheme: Scheme, who: Principal) -> None:
        visit.principal = who
        if not self.pass_on:
            visit.hide(scheme.fields)

    def _claimed(self, visit: Visit, fields: frozenset[bytes]) -> tuple[Scheme | None, Any]:
        found, made, shown = visit.fields, None, None
        for scheme in self.schemes:
            claim = scheme.claims(found)
            if claim is not None:
                if made is not None:
                    raise NotProved("it shows several credentials")
                made, shown = scheme, claim
        headers = visit.scope["headers"]
        if len(found) != len(headers):  # some header stands there several times
            names = [name for name, _ in headers if name in fields or name == AUTHORIZATION]
            if len(names) != len(set(names)):
                raise NotProved("one header stands there several times")
        if made is None and not fields.isdisjoint(found):
            raise NotProved("it shows no known kind")
        return made, shown

    def _refused(self, visit: Visit, scheme: Scheme | None, why: str) -> RequestRefused:
        """One answer for all reasons."""
        name = "" if scheme is None else scheme.name
        if self.tell is not None:
            self.tell(CallerRefused(name, why, client_address(visit.scope, self.clients)))
        told = {"WWW-Authenticate": self.challenge}
        return RequestRefused(Code.UNAUTHENTICATED, NOT_KNOWN, told, name or UNPROVED)


def schemes_of(
    access: Access, layer: Layer, wall: Callable[[], float], memory: MutableMapping[str, Any],
    tell: Told | None,
) -> tuple[Scheme, ...]:  # fmt: skip
    """The schemes that the settings ask for.

    Raises:
        KeysRefused: a file of keys cannot be used.
    """
    found = []
    if access.tokens:
        found.append(_tokens(access, layer, wall, memory, tell))
    if access.users:
        found.append(_passwords(access))
    if access.keys:
        found.append(_keys(access, wall))
    return tuple(found)


def _keys(access: Access, wall: Callable[[], float]) -> Scheme:
    header, prove = access.key_header.encode(), proves_keys(access.keys, wall)

    def proved(claim: bytes, _: Visit) -> Principal:
        return prove(claim)

    challenge = f'ApiKey {REALM}, header="{access.key_header}"'
    return Scheme("key", frozenset({header}), challenge, lambda found: found.get(header), proved)


def _passwords(access: Access) -> Scheme:
    passwords = Passwords(access.users, _now)

    def proved(claim: bytes, _: Visit) -> Awaitable[Principal]:
        return passwords.prove(claim)

    challenge = f'Basic {REALM}, charset="UTF-8"'
    return Scheme("basic", _IN_AUTHORIZATION, challenge, after_word("Basic"), proved)


def _tokens(
    access: Access, layer: Layer, wall: Callable[[], float], memory: MutableMapping[str, Any],
    tell: Told | None,
) -> Scheme:  # fmt: skip
    from apiql.access.tokens import Tokens  # only who takes tokens has what checks them
    from apiql.access.trusted import trusted_in

    tokens = Tokens(trusted_in(access.tokens, layer, memory, _now, tell), wall)

    def proved(claim: bytes, _: Visit) -> Principal | Awaitable[Principal]:
        return tokens.known(claim) or tokens.prove(claim)

    challenge = f"Bearer {REALM}"
    return Scheme("jwt", _IN_AUTHORIZATION, challenge, after_word("Bearer"), proved)


_IN_AUTHORIZATION = frozenset({AUTHORIZATION})


def after_word(word: str) -> Callable[[Fields], bytes | None]:
    """Finds what stands behind the word of a scheme in Authorization."""
    usual, lower = f"{word} ".encode(), word.lower().encode()
    size = len(usual)

    def after(found: Fields) -> bytes | None:
        value = found.get(AUTHORIZATION)
        if value is None:
            return None
        if value.startswith(usual):
            return value[size:].strip()
        said, _, rest = value.partition(b" ")
        return rest.strip() if said.lower() == lower else None

    return after


def _now() -> float:
    """Seconds that never go back: those of the loop that the requests are on."""
    return asyncio.get_running_loop().time()

"""One request for a token and what may come back (RFC 6749, 4.4 and 5.1). Keeps nothing."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

import msgspec

from apiql.errors import CallFailed, Code
from apiql.settings import Auth
from apiql.sources.addresses import parse_url
from apiql.sources.call import Call, Headers, Layer, Origin, Reply
from apiql.sources.limits import Unreached
from apiql.stores.store import Key

HINT = "its token could not be had"
LIFE = 300.0
"""Seconds of a token whose end is not told."""
LONGEST = 86_400.0
MOST = 64 * 1024
"""Bytes of an answer that is read."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class _Answer(msgspec.Struct):
    access_token: str
    token_type: str = "bearer"
    expires_in: float | str | None = None


class Given(msgspec.Struct, frozen=True):
    """A new token, and the seconds for which it holds, 0 up to a day."""

    value: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The request of one upstream, ready to be sent. `key` names its token in a store: whoever
    asks for the same with the same secret shares it.
    """

    layer: Layer
    origin: Origin
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float
    early: float
    key: Key = field(repr=False)
    clock: Callable[[], float]

    async def ask(self) -> Given:
        """A new token.

        Raises:
            Unreached: there is none.
        """
        deadline = self.clock() + self.timeout
        call = Call("POST", self.origin, self.target, (), self.body, deadline, passing=self.headers)
        try:
            async with asyncio.timeout(self.timeout):
                reply = await self.layer(call)
        except CallFailed as failed:
            message = f"its token endpoint cannot be used: {failed.message}"
            raise no_token(Code.UPSTREAM_CONNECT, message) from None
        except TimeoutError:
            message = "its token endpoint did not answer in time"
            raise no_token(Code.UPSTREAM_CONNECT, message) from None
        return given_by(reply)


def token_request(auth: Auth, layer: Layer, clock: Callable[[], float]) -> TokenRequest:
    """The request that these settings ask for."""
    found, target = parse_url(auth.token_url or "")
    origin = Origin(found.scheme, found.host, found.port, pinned=True)
    secret = auth.client_secret.get_secret_value() if auth.client_secret else ""
    client = auth.client_id or ""
    form = {"grant_type": "client_credentials", "scope": auth.scope, "audience": auth.audience}
    form |= {name: value.get_secret_value() for name, value in auth.extra.items()}
    headers = [
        ("Accept", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    if auth.style == "body":
        form |= {"client_id": client, "client_secret": secret}
    else:
        pair = f"{quote_plus(client)}:{quote_plus(secret)}".encode()
        headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
    body = urlencode({name: value for name, value in form.items() if value is not None}).encode()
    key = ("token", auth.token_url, client, secret, body)
    return TokenRequest(
        layer, origin, target, tuple(headers), body, auth.timeout, auth.early, key, clock
    )


def given_by(reply: Reply) -> Given:
    """The token of an answer.

    Raises:
        Unreached: it has none.
    """
    if reply.status != 200:
        message = f"its token endpoint answered {reply.status}"
        raise no_token(Code.UPSTREAM_STATUS, message)
    try:
        found = msgspec.json.decode(reply.body[: MOST + 1], type=_Answer)
        seconds = LIFE if found.expires_in is None else float(found.expires_in)
    except (msgspec.MsgspecError, ValueError):
        raise _garbage() from None
    if found.token_type.lower() != "bearer" or not _TOKEN.fullmatch(found.access_token):
        raise _garbage()
    within = 0.0 <= seconds <= LONGEST
    return Given(found.access_token, seconds if within else LONGEST if seconds > 0 else 0.0)


def no_token(code: Code, message: str) -> Unreached:
    """The failure of a call that has no token to show."""
    return Unreached(code, message, HINT, retryable=True)


def _garbage() -> Unreached:
    return no_token(Code.UPSTREAM_STATUS, "its token endpoint answered 200 without a bearer token")

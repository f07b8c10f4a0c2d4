"""The layer that shows an upstream who the engine is: basic, bearer, a header, a parameter, OAuth2.

It stands below the caches and around the way of one upstream, so no key holds a credential, and
none of it is seen above: errors, plans and traces have the call as it was before. What the caches
keep is kept by the answer's own headers although the call is sent with `Authorization` (RFC 9111,
section 3.5): the client there is the engine itself, with one identity for all who ask it.
Whatever goes out with a credential passes `own` first: calls to another origin do not.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from urllib.parse import quote, unquote_plus

from msgspec.structs import replace
from pydantic import SecretStr

from apiql.errors import Code
from apiql.settings import Auth
from apiql.sources.call import Call, Layer, Origin, Reply
from apiql.sources.limits import Unreached
from apiql.sources.tokens import Tokens

AGAIN = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
"""Methods that may be made a second time though the first one may have been carried out."""
AUTHORIZATION = "Authorization"

Show = Callable[[Call], Call]


def authorizing(inner: Layer, auth: Auth, origin: Origin) -> Layer:
    """Wraps a layer so that each call shows what does not change."""
    show = shown_by(auth)

    def layer(call: Call) -> Awaitable[Reply]:
        return inner(show(own(call, origin)))

    return layer


def with_tokens(inner: Layer, tokens: Tokens, origin: Origin) -> Layer:
    """Wraps a layer so that each call shows a token. One that is refused (401) is dropped, and the
    call made once more with another: if it may be made twice, or the token was known to be stale.
    """

    async def layer(call: Call) -> Reply:
        call = own(call, origin)
        value = await tokens.value(call.deadline)
        reply = await inner(_bearing(call, value))
        if reply.status != 401:
            return reply
        stale = tokens.is_stale(value)
        if not await tokens.dropped(value) or not (stale or call.method.upper() in AGAIN):
            return reply
        return await inner(_bearing(call, await tokens.value(call.deadline)))

    return layer


def own(call: Call, origin: Origin) -> Call:
    """The call, if it goes to the upstream that the credentials belong to.

    Raises:
        Unreached: it goes elsewhere.
    """
    if call.origin is not origin and call.origin != origin:
        raise Unreached(Code.FORBIDDEN_UPSTREAM, "credentials go to their own upstream only")
    return call


def shown_by(auth: Auth) -> Show:
    """What adds the credentials of a kind that never change."""
    match auth.kind:
        case "basic":
            pair = f"{auth.user}:{_plain(auth.password)}".encode()
            return _header(AUTHORIZATION, f"Basic {b64encode(pair).decode()}")
        case "bearer":
            return _header(AUTHORIZATION, f"Bearer {_plain(auth.token)}")
        case "header":
            return _header(auth.name or "", _plain(auth.value))
        case _:
            return _parameter(auth.name or "", _plain(auth.value))


def with_header(call: Call, lower: str, pair: tuple[str, str]) -> Call:
    """The call with a header in the place of what a query may have set. It is passed beside the
    others, so that none of their memories keeps it.
    """
    headers = call.headers
    if any(name.lower() == lower for name, _ in headers):
        headers = tuple([field for field in headers if field[0].lower() != lower])
    return replace(call, headers=headers, passing=(*call.passing, pair))


def _header(name: str, value: str) -> Show:
    lower, pair = name.lower(), (name, value)
    return lambda call: with_header(call, lower, pair)


def _bearing(call: Call, token: str) -> Call:
    return with_header(call, "authorization", (AUTHORIZATION, f"Bearer {token}"))


def _parameter(name: str, value: str) -> Show:
    """Adds a parameter of the query string; one of its name that the query wrote is left out."""
    encoded = quote(name, safe="")
    pair = f"{encoded}={quote(value, safe='')}"

    def show(call: Call) -> Call:
        path, _, query = call.target.partition("?")
        others = [part for part in query.split("&") if part and not _names(part, name)]
        return replace(call, target=f"{path}?{'&'.join((*others, pair))}")

    return show


def _names(part: str, name: str) -> bool:
    return unquote_plus(part.partition("=")[0]) == name


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()

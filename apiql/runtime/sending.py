"""A call that a definition makes as a whole: its closure, and what its answer is taken for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace as replaced
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from apiql.errors import CallFailed, Code, ValueRefused
from apiql.ir.caching import CacheRule
from apiql.ir.outgoing import Outgoing
from apiql.ir.policy import Caching as Said
from apiql.ir.policy import Policy
from apiql.ir.rewrite import rewritten
from apiql.ir.secret import Secret
from apiql.ir.values import Literal, Value
from apiql.ir.works import Media, Send
from apiql.runtime import encode
from apiql.runtime.attempt import exchanged, tried
from apiql.runtime.decode import Undecodable, as_raw, as_value, checked, to_json
from apiql.runtime.outcome import MISSING, TOO_DEEP, Failed
from apiql.runtime.reading import BOM, json_of, text_of, unreadable
from apiql.runtime.run import Run
from apiql.runtime.scope import Evaluate, Scope
from apiql.runtime.stated import Does, Found, Locals, failure_of, seeing
from apiql.runtime.step import Step
from apiql.sources.addresses import BadUrl, parse_url
from apiql.sources.call import Caching, Call, Headers, Origin, Reply

HOP_BY_HOP = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade"
    " proxy-connection expect x-apiql-depth".split()
)
"""What the transport says itself (RFC 9110, 7.6.1), or how deep a request is: no definition can."""
USUAL: Headers = (("Accept", "application/json, */*;q=0.5"),)
PLAIN_URL = re.compile(r"(https?://[^/?#]+)(/[!-\"$-\[\]-~]*)")
"""A URL of which nothing but its place need be read: its path and query are as they are sent."""
CLIMBING = re.compile(r"(?:/|%2f|%5c)(?:\.|%2e){1,2}(?:/|;|%2f|%5c|%3b|$)", re.IGNORECASE)
"""A way up in a path, also for who takes `%2F`, a backslash or `;` for the end of a segment."""
CONTROLS = re.compile(r"%(?:[01][0-9a-f]|7f)", re.IGNORECASE)
"""Control characters in a path, which end it for some who read it."""
MOST_KNOWN = 64
UNSAID = Said()
NOTHING = Literal(None)
Compile = Callable[[Value], Evaluate]


def without_secrets(value: Value, home: str) -> Value:
    """The value with the texts of its secrets, which are all for this work's own host."""

    def taken(part: Value) -> Value | None:
        return Literal(part.for_host(home)) if isinstance(part, Secret) else None

    return rewritten(value, taken)


def compile_send(send: Send, policy: Policy, compiled: Compile) -> Does:
    """How the work of a Send is carried out, under the policy of its task."""
    each = None if policy.retry is None else policy.retry.each
    is_usual = policy.within is None and policy.caching == UNSAID and each is None
    build = _build(send, compiled)

    async def sent(step: Step, run: Run, seen: Locals) -> Found | Failed:
        try:
            call = build(seeing(run.scope, seen), run.deadline_of(step))
        except (ValueRefused, CallFailed) as refused:
            return Failed(failure_of(refused))
        except RecursionError:
            return Failed(TOO_DEEP)
        is_plain = is_usual and run.slots is None
        reply = await (tried if is_plain else exchanged)(step, call, run)
        return reply if isinstance(reply, Failed) else _found(send.media, step, call, reply)

    return sent


def _build(send: Send, compiled: Compile) -> Callable[[Scope, float], Call]:
    url, headers, body = (
        None if value == NOTHING else compiled(without_secrets(value, send.home))
        for value in (send.url, send.headers, send.body)
    )
    assert url is not None, "every call has a URL"
    method = send.method.upper()
    caching = Caching(rule=send.cache) if send.cache else None
    expires = None if send.expires is None else compiled(send.expires)
    known: dict[str, Origin] = {}

    def build(scope: Scope, until: float) -> Call:
        made = url(scope)
        if type(made) is Outgoing:
            origin, target = _placed(send, made.url, known)
            fields, passing = _as_they_are(made.headers), _as_they_are(made.passing)
            return Call(method, origin, target, fields, made.body, until, caching, 0, passing,
                        send.service)  # fmt: skip
        origin, target = _placed(send, made, known)
        fields = USUAL if headers is None else _headers(headers(scope))
        raw = None if body is None else _bytes(body(scope))
        asked = caching if expires is None else _kept(send, expires, scope)
        return Call(method, origin, target, fields, raw, until, asked, 0, (), send.service)

    return build


def _bytes(sent: Any) -> bytes | None:
    return encode.text_body(sent) if isinstance(sent, str) else sent


def _kept(send: Send, expires: Evaluate, scope: Scope) -> Caching:
    """How the answer to a call is kept: for as long as the definition finds in it."""
    seen = scope.locals

    def until(status: int, headers: Headers, body: bytes) -> float | None:
        if not send.accepts.takes(status):
            return None
        try:
            value = as_value(body.removeprefix(BOM))
            found = expires(seeing(scope, seen, Found(value, b"", status, headers)))
        except (ValueRefused, Undecodable):
            return None
        return float(found) if isinstance(found, int | float | Decimal) else None

    return Caching(rule=replaced(send.cache or CacheRule(), until=until))


def _placed(send: Send, url: Any, known: dict[str, Origin]) -> tuple[Origin, str]:
    """Where a URL leads. `known` are pinned places by their spelling: a plain URL that begins with
    one of these is not read again.

    Raises:
        ValueRefused: it is none.
        CallFailed: nothing lets a definition call it.
    """
    if not isinstance(url, str):
        raise ValueRefused("the URL is no text")
    if "/." in url or "%" in url:
        _mind_path(url.partition("?")[0])
    plain = PLAIN_URL.fullmatch(url)
    if plain is not None and plain[1] in known:
        return known[plain[1]], plain[2]
    try:
        origin, target = parse_url(url)
    except BadUrl as bad:
        raise ValueRefused(f"the URL cannot be called: {bad}") from None
    place = str(origin)
    if send.trusted is not None and place not in send.trusted:
        raise _not_for(origin)
    if place in send.pinned:
        origin = replace(origin, pinned=True)
        if plain is not None and len(known) < MOST_KNOWN:
            known[plain[1]] = origin
        return origin, target
    if send.permits is None or not send.permits(url):
        message = f"{origin.host} is no host that this definition may call"
        hint = "name it in [security] allow_hosts"
        raise CallFailed(Code.FORBIDDEN_UPSTREAM, message, hint)
    return origin, target


def _not_for(origin: Origin) -> CallFailed:
    message = f"the private values of this definition are not for {origin.host}"
    hint = "the definition, or its file of private values, names the hosts that may see them"
    return CallFailed(Code.FORBIDDEN_UPSTREAM, message, hint)


def _mind_path(path: str) -> None:
    """Refuses what no value may make of a path."""
    if CLIMBING.search(path):
        raise ValueRefused("the URL climbs: it holds `.` or `..` as a segment")
    if CONTROLS.search(path):
        raise ValueRefused("the URL holds a control character")


def _as_they_are(headers: Headers) -> Headers:
    """Fields that are sent on, looked at all at once."""
    if encode.PASSED_ON.fullmatch("".join([value for _, value in headers])):
        return headers
    return tuple((name, encode.passed_on(name, value)) for name, value in headers)


def _headers(found: Any) -> Headers:
    if not found:
        return USUAL
    made = tuple((str(name), encode.passed_on(name, value)) for name, value in found)
    named = {name.lower() for name, _ in made}
    if not named.isdisjoint(HOP_BY_HOP):
        made = tuple(pair for pair in made if pair[0].lower() not in HOP_BY_HOP)
    return made if "accept" in named else (*made, *USUAL)


def _found(media: Media, step: Step, call: Call, reply: Reply) -> Found | Failed:
    """What an answer comes to: decoded where something is made of it, else as it came."""
    if media is Media.BYTES:
        return Found(reply.body, b"", reply.status, reply.headers)
    try:
        body = _json(media, call, reply)
        if step.stated is not None and step.stated.result is not None:
            return Found(as_value(body), checked(body), reply.status, reply.headers)
        return Found(MISSING, checked(bytes(as_raw(body))), reply.status, reply.headers)
    except Undecodable as error:
        return unreadable(step, call, reply, str(error))
    except RecursionError:
        return unreadable(step, call, reply, "it is nested too deeply")


def _json(media: Media, call: Call, reply: Reply) -> bytes:
    match media:
        case Media.DECLARED:
            body = json_of(call.method, reply)
        case Media.JSON:
            body = reply.body.removeprefix(BOM)
        case Media.TEXT:
            said = reply.header("content-type") or ""
            if "json" not in said.lower() or not reply.body:
                return to_json(text_of(reply.body, said.lower())) if reply.body else b"null"
            body = reply.body.removeprefix(BOM)
        case Media.BYTES:
            body = reply.body
    return body

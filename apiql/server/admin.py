"""What an operator asks and does, on a listener of its own: figures, state, purging, reloading.

Only this machine reaches it, and no page in a browser on it: the Host must be the listener's own
(a name that was made to mean 127.0.0.1 is not), and what changes something must be JSON, which no
page may send elsewhere without asking first.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apiql import __version__
from apiql.errors import Code, RequestRefused
from apiql.events import Figure
from apiql.runtime.decode import to_json
from apiql.server.counts import figures_of
from apiql.server.current import Current, Held
from apiql.server.envelope import decode_json
from apiql.server.exposition import MEDIA, exposed
from apiql.server.health import configuration
from apiql.server.media import media_type
from apiql.server.read import read_body
from apiql.server.reload import Outcome, Reloader
from apiql.server.render import Rendered, render_problem
from apiql.server.visit import Receive, Scope
from apiql.settings import Limits, Settings

BODY_BYTES = 16 * 1024
PREFIXES = {"tag": "", "url": "url:", "source": "source:", "upstream": "upstream:"}
"""What answers are tagged with, by what they are purged by."""
HIDDEN = "***"
_SECRET = re.compile(r"headers|query|proxy|.*(?:password|secret|token)")
_USER = re.compile(r"(?<=//)[^/@\s]*@")

Answers = Callable[[dict[str, Any]], Awaitable[Rendered]]


@dataclass(frozen=True)
class Admin:
    """The ASGI app of the listener; `hosts` are the names that it may be asked by."""

    hosts: frozenset[str]
    current: Current
    reloader: Reloader | None
    figures: Callable[[], Iterable[Figure]]

    async def __call__(self, scope: Scope, receive: Receive, send: Any) -> None:
        """Answers one request."""
        try:
            rendered = await self._answer(scope, receive)
        except RequestRefused as refused:
            rendered = render_problem(refused, scope["path"])
        headers = [
            *rendered.headers,
            (b"content-length", str(len(rendered.body)).encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Rendered:
        fields: dict[bytes, bytes] = dict(scope["headers"])
        if fields.get(b"host", b"").decode("latin-1").lower() not in self.hosts:
            message = f"ask by an address of this listener: {', '.join(sorted(self.hosts))}"
            raise RequestRefused(Code.FORBIDDEN, message)
        routes: Mapping[str, tuple[str, Answers]] = {
            "/metrics": ("GET", self._metrics),
            "/admin/state": ("GET", self._state),
            "/admin/purge": ("POST", self._purge),
            "/admin/reload": ("POST", self._reload),
        }
        method, answer = routes.get(scope["path"], ("", None))
        if answer is None:
            message = f"there is nothing at this path, only {', '.join(routes)}"
            raise RequestRefused(Code.NOT_FOUND, message)
        if scope["method"] != method:
            raise RequestRefused(Code.METHOD_NOT_ALLOWED, f"{method} it", {"Allow": method})
        return await answer(await _asked(fields, receive) if method == "POST" else {})

    async def _metrics(self, _: dict[str, Any]) -> Rendered:
        return Rendered(200, exposed(self.figures()), [(b"content-type", MEDIA)])

    async def _state(self, _: dict[str, Any]) -> Rendered:
        held = self.current.held
        found: dict[str, Any] = {
            "version": __version__,
            "queries": {"running": self.current.requests, "retired": self.current.retired},
            **_in_force(held),
            "figures": [
                {"name": figure.name, **figure.labels, "value": figure.value}
                for figure in figures_of(held)
            ],
        }
        if held.settings.buckets.enabled:
            found["buckets"] = {name: _in_force(held.buckets[name]) for name in held.buckets}
        if self.reloader is not None:
            found["configuration"] = configuration(self.reloader.state)
        return _json(200, found)

    async def _purge(self, asked: dict[str, Any]) -> Rendered:
        bucket = asked.pop("bucket", "")
        names = [name for name in asked if name in PREFIXES]
        if len(asked) != 1 or not names or not isinstance(asked[names[0]], str):
            message = 'expected one of tag, url, source and upstream: {"source": "users"}'
            raise RequestRefused(Code.VALIDATION, message)
        held = self.current.held.bucket(bucket) if isinstance(bucket, str) else None
        if held is None:
            raise RequestRefused(Code.NOT_FOUND, "there is no bucket of this name")
        tag = PREFIXES[names[0]] + asked[names[0]]
        where = {"bucket": bucket} if bucket else {}
        return _json(200, {"tag": tag, **where, "purged": await held.purge(tag)})

    async def _reload(self, asked: dict[str, Any]) -> Rendered:
        if asked:
            raise RequestRefused(Code.VALIDATION, "a reload takes nothing: send {}")
        if self.reloader is None:
            raise RequestRefused(Code.NOT_FOUND, "there is no conf folder to load")
        outcome = await self.reloader.reload()
        found = {"status": outcome.value, "configuration": configuration(self.reloader.state)}
        return _json(409 if outcome in (Outcome.REFUSED, Outcome.UNSETTLED) else 200, found)


async def _asked(fields: Mapping[bytes, bytes], receive: Receive) -> dict[str, Any]:
    """The JSON object in a body.

    Raises:
        RequestRefused: there is none.
    """
    media, _ = media_type(fields.get(b"content-type", b""))
    if media != "application/json":
        message = "send application/json"
        raise RequestRefused(Code.UNSUPPORTED_MEDIA_TYPE, message)
    found = decode_json(await read_body(receive, fields, BODY_BYTES) or b"{}", Limits())
    if not isinstance(found, dict):
        raise RequestRefused(Code.VALIDATION, "expected an object")
    return found


def _in_force(held: Held) -> dict[str, Any]:
    """What an engine runs on, or that of a bucket."""
    stored = held.engine.catalog.queries.values()
    names = sorted({f"{query.name}@{query.revision}" for query in stored})
    return {"stored": names, "settings": masked(held.settings)}


def _json(status: int, value: Any) -> Rendered:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Rendered(status, to_json(value), headers)


def masked(settings: Settings) -> dict[str, Any]:
    """The settings without what may be a secret: headers, parameters and proxies, and the user of
    any URL. Their names stay.
    """
    found = _masked(settings.model_dump(mode="json"), "")
    assert isinstance(found, dict)
    return found


def _masked(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        hidden = _SECRET.fullmatch(key) is not None
        return {k: HIDDEN if hidden else _masked(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(v, key) for v in value]
    if isinstance(value, str):
        return HIDDEN if _SECRET.fullmatch(key) else _USER.sub(f"{HIDDEN}@", value)
    return value

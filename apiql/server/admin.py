"""What an operator asks and does, on a listener of its own: figures, state, purging, reloading.

No page in a browser reaches it: without a key the Host must be the listener's own, and what changes
something must be JSON, which no page may send elsewhere without asking first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apiql import __version__
from apiql.errors import Code, RequestRefused
from apiql.events import Family
from apiql.runtime.decode import to_json
from apiql.server.admin_keys import check_caller
from apiql.server.body import read_body
from apiql.server.counts import figures_of
from apiql.server.current import Current, Held
from apiql.server.envelope import decode_json
from apiql.server.exposition import MEDIA, OPEN_MEDIA, exposed
from apiql.server.health import configuration
from apiql.server.interventions import Interventions
from apiql.server.masking import masked
from apiql.server.media import media_type
from apiql.server.reload import Outcome, Reloader
from apiql.server.render import Rendered, render_problem
from apiql.server.visit import Receive, Scope
from apiql.settings import Limits

BODY_BYTES = 16 * 1024
PREFIXES = {"tag": "", "url": "url:", "source": "source:", "upstream": "upstream:",
            "endpoint": "endpoint:"}  # fmt: skip
"""What answers are tagged with, by what they are purged by."""
__all__ = ["Admin", "masked"]

Asked = dict[str, Any]
Answers = Callable[[Asked], Awaitable[Rendered]]


@dataclass(frozen=True)
class Admin:
    """The ASGI app of the listener; `hosts` are the names that it may be asked by, `is_local` says
    that only this machine reaches it.
    """

    hosts: frozenset[str]
    current: Current
    reloader: Reloader | None
    figures: Callable[[], Iterable[Family]]
    steps: Interventions = field(default_factory=Interventions)
    is_local: bool = True

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
        keys = self.current.held.settings.admin.keys
        check_caller(fields, self.hosts, keys, self.is_local)
        found = self._routes().get(scope["path"])
        if found is None:
            message = f"there is nothing at this path, only {', '.join(self._routes())}"
            raise RequestRefused(Code.NOT_FOUND, message)
        method = scope["method"]
        answer = found.get(method)
        if answer is None:
            allow = ", ".join(found)
            raise RequestRefused(Code.METHOD_NOT_ALLOWED, f"{allow} it", {"Allow": allow})
        if method == "POST":
            return await answer(await _asked(fields, receive))
        return await answer({"accept": fields.get(b"accept", b"")})

    def _routes(self) -> Mapping[str, Mapping[str, Answers]]:
        return {
            "/metrics": {"GET": self._metrics},
            "/admin/state": {"GET": self._state},
            "/admin/queries": {"GET": self._queries},
            "/admin/circuits": {"GET": self._circuits, "POST": self._close_circuit},
            "/admin/log": {"POST": self._log},
            "/admin/purge": {"POST": self._purge},
            "/admin/reload": {"POST": self._reload},
        }

    async def _metrics(self, asked: Asked) -> Rendered:
        is_open = b"application/openmetrics-text" in asked["accept"]
        media = OPEN_MEDIA if is_open else MEDIA
        return Rendered(200, exposed(self.figures(), is_open), [(b"content-type", media)])

    async def _state(self, _: Asked) -> Rendered:
        held = self.current.held
        found: dict[str, Any] = {
            "version": __version__,
            "queries": {"running": self.current.requests, "retired": self.current.retired},
            "log": {"level": self.steps.log_level},
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

    async def _queries(self, _: Asked) -> Rendered:
        return _json(200, {"queries": self.steps.queries()})

    async def _circuits(self, _: Asked) -> Rendered:
        return _json(200, {"circuits": self.steps.standing()})

    async def _close_circuit(self, asked: Asked) -> Rendered:
        return _json(200, self.steps.close_circuit(asked))

    async def _log(self, asked: Asked) -> Rendered:
        return _json(200, self.steps.turn_level(asked))

    async def _purge(self, asked: Asked) -> Rendered:
        bucket = asked.pop("bucket", "")
        names = [name for name in asked if name in PREFIXES]
        if len(asked) != 1 or not names or not isinstance(asked[names[0]], str):
            message = 'expected one of tag, url, source, upstream, endpoint: {"source": "users"}'
            raise RequestRefused(Code.VALIDATION, message)
        held = self.current.held.bucket(bucket) if isinstance(bucket, str) else None
        if held is None:
            raise RequestRefused(Code.NOT_FOUND, "there is no bucket of this name")
        tag = PREFIXES[names[0]] + asked[names[0]]
        where = {"bucket": bucket} if bucket else {}
        return _json(200, {"tag": tag, **where, "purged": await held.purge(tag)})

    async def _reload(self, asked: Asked) -> Rendered:
        if asked:
            raise RequestRefused(Code.VALIDATION, "a reload takes nothing: send {}")
        if self.reloader is None:
            raise RequestRefused(Code.NOT_FOUND, "there is no conf folder to load")
        outcome = await self.reloader.renew()
        found = {"status": outcome.value, "configuration": configuration(self.reloader.state)}
        return _json(409 if outcome in (Outcome.REFUSED, Outcome.UNSETTLED) else 200, found)


async def _asked(fields: Mapping[bytes, bytes], receive: Receive) -> Asked:
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
    return {"stored": names, "settings": held.engine.redaction.data(masked(held.settings))}


def _json(status: int, value: Any) -> Rendered:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    return Rendered(status, to_json(value), headers)

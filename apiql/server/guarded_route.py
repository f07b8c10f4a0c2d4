"""A route that is no query's, behind the guards that queries pass: what describes the service is
for who may ask it. Knows nothing of what is answered there.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from apiql.errors import Code, RequestRefused
from apiql.server.counts import Counts
from apiql.server.current import Current, Held
from apiql.server.door import Door
from apiql.server.query_route import Asgi, Send
from apiql.server.render import Rendered, render_problem
from apiql.server.visit import Answered, Pairs, Receive, Scope, Visit


@dataclass(frozen=True)
class GuardedRoute:
    """`inner` answers whoever the guards let in; where the settings show nothing it answers
    everybody, as at any path without a route.
    """

    current: Current
    door: Door
    counts: Counts
    inner: Asgi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = self.current.held
        if not held.settings.server.docs:
            await self.inner(scope, receive, send)
            return
        held.requests += 1  # guards may call for keys: the connections stay for so long
        try:
            await self._answer(held, Visit(scope, receive, dict(scope["headers"])), send)
        finally:
            held.requests -= 1
            if held.left is not None:
                held.left()

    async def _answer(self, held: Held, visit: Visit, send: Send) -> None:
        try:
            for guard in held.guards:
                waiting = guard(visit)
                if waiting is not None:
                    await waiting
        except Answered as answered:
            rendered = Rendered(answered.status, b"", [*answered.headers])
        except RequestRefused as refused:
            if refused.code is Code.RATE_LIMITED:
                self.door.limited += 1
            self.counts.refuse(refused)
            rendered = render_problem(refused, visit.scope["path"])
        else:
            await self.inner(visit.scope, visit.receive, _telling(visit.told, send))
            return
        headers = rendered.headers + visit.told
        if rendered.status != 204:
            headers.append((b"content-length", b"%d" % len(rendered.body)))
        await send({"type": "http.response.start", "status": rendered.status, "headers": headers})
        await send({"type": "http.response.body", "body": rendered.body})


def _telling(told: Pairs, send: Send) -> Send:
    """Sends what the guards have to tell along with the answer."""

    async def with_told(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *told]
        await send(message)

    return with_told

"""The demo upstream: a small shop as a plain ASGI app; knows nothing of APIQL.

Writes are answered but nothing is kept, so an example answers the same however often it is run.
Every route waits a little, longer or shorter by its URL, so that a waterfall shows what ran
side by side.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from zlib import crc32

import msgspec

from apiql.demo import answers
from apiql.demo.answers import MOST_WAIT_MS, Answer, Refused, Reply, Request, whole
from apiql.demo.shop_data import Stock, stock

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_BODY = 1 << 20


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    delay_ms: int
    answer: Answer

    def match(self, path: str) -> dict[str, str] | None:
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path), path)
        return found.groupdict() if found else None


def shop(delay: float = 1.0) -> App:
    """The shop as an ASGI app; `delay` scales the wait of every route but /slow (0: no wait)."""
    shelves = stock()
    routes = _routes()

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            try:
                reply = await _reply(routes, shelves, delay, scope, receive)
            except Refused as refused:
                reply = refused.reply
            await _send(reply, scope["method"] == "HEAD", send)

    return app


def _routes() -> tuple[Route, ...]:
    return (
        Route("GET", "/users", 18, answers.users),
        Route("GET", "/users/{id}", 14, answers.user),
        Route("GET", "/posts", 22, answers.posts),
        Route("GET", "/posts/{id}", 15, answers.post),
        Route("GET", "/posts/{id}/comments", 24, answers.comments_of),
        Route("GET", "/comments", 28, answers.comments),
        Route("GET", "/orders", 26, answers.orders),
        Route("POST", "/orders", 30, answers.create_order),
        Route("GET", "/orders/{id}", 16, answers.order),
        Route("PUT", "/orders/{id}", 25, answers.replace_order),
        Route("DELETE", "/orders/{id}", 20, answers.delete_order),
        Route("GET", "/items", 20, answers.items),
        Route("GET", "/items/{id}", 12, answers.item),
        Route("GET", "/cart/{userId}", 11, answers.cart),
        Route("GET", "/recommendations/{userId}", 120, answers.recommendations),
        Route("GET", "/slow/{ms}", 0, answers.slow),
        Route("GET", "/stock/{sku}", 13, answers.stock),
        Route("GET", "/status/{code}", 10, answers.status),
        Route("GET", "/broken", 10, answers.broken),
        Route("GET", "/prices", 17, answers.prices),
        Route("POST", "/soa/10225/getHealth", 19, answers.health),
        Route("GET", "/weather", 32, answers.weather),
    )


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _reply(
    routes: tuple[Route, ...], shelves: Stock, delay: float, scope: Message, receive: Receive
) -> Reply:
    route, words = _find(routes, scope["method"], scope["path"])
    query: bytes = scope["query_string"]
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    writes = route.method in ("POST", "PUT")
    request = Request(words, pairs, await _body(receive) if writes else {})
    await asyncio.sleep(_wait(route, words, scope["path"].encode() + query, delay))
    return route.answer(shelves, request)


def _find(routes: tuple[Route, ...], method: str, path: str) -> tuple[Route, dict[str, str]]:
    wanted = "GET" if method == "HEAD" else method
    known = [(route, words) for route in routes if (words := route.match(path)) is not None]
    for route, words in known:
        if route.method == wanted:
            return route, words
    if known:
        raise Refused(405, "METHOD_NOT_ALLOWED", f"{path} does not take {method}")
    raise Refused(404, "NOT_FOUND", f"no such route: {path}")


def _wait(route: Route, words: dict[str, str], url: bytes, delay: float) -> float:
    """Seconds before the answer: the route's time and up to 7 ms that depend on the URL alone."""
    if route.answer is answers.slow:
        return min(whole(words["ms"], "milliseconds"), MOST_WAIT_MS) / 1000
    return (route.delay_ms + crc32(url) % 8) * delay / 1000


async def _body(receive: Receive) -> dict[str, msgspec.Raw]:
    text = b""
    more = True
    while more:
        message = await receive()
        text += message.get("body", b"")
        more = message.get("more_body", False)
        if len(text) > MOST_BODY:
            raise Refused(413, "TOO_LARGE", f"a body of more than {MOST_BODY} bytes")
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise Refused(422, "NOT_AN_OBJECT", "the body has to be a JSON object") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "NOT_JSON", f"the body is not JSON: {error}") from error


async def _send(reply: Reply, head_only: bool, send: Send) -> None:
    headers = {"Content-Length": str(len(reply.body)), "Content-Type": reply.kind, **reply.headers}
    if reply.status in (204, 304):
        del headers["Content-Length"], headers["Content-Type"]
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
    await send({"type": "http.response.body", "body": b"" if head_only else reply.body})

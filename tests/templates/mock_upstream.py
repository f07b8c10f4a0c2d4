"""The upstream that the recorded cases were recorded with, as far as they call it.

Where the original sleeps for half a second or more, this one never answers: a call is in time or it
is not, however slow the machine is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from apiql.demo.serving import serving

LONG = 0.5
DISTRICTS = {
    "status": "1", "info": "OK", "infocode": "10000", "count": "2",
    "suggestion": {"keywords": [], "cities": []},
    "districts": [
        {"citycode": "010", "adcode": "110000", "name": "北京市", "center": "116.407387,39.904179",
         "level": "province", "districts": []},
        {"citycode": "010", "adcode": "110100", "name": "北京城区",
         "center": "116.405285,39.904989", "level": "city", "districts": []},
    ],
}  # fmt: skip
FIXED: dict[str, Any] = {
    "/v3/config/district": DISTRICTS,
    "/oauth/2.0/token": {"access_token": "24.abc", "expires_in": 2592000, "scope": "x"},
    "/arr": [{"id": 1}, {"id": 2}],
}


class Mock:
    """An ASGI app that answers as the original does; `seen` are the paths that were called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        self.seen.append(path)
        body = await _body(receive)
        if float(dict(parse_qsl(query)).get("sleep", "0")) >= LONG:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        status = int(path.removeprefix("/status/")) if path.startswith("/status/") else 200
        found = {"err": "boom"} if status != 200 else FIXED.get(path) or _echo(scope, query, body)
        data = json.dumps(found, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json; charset=utf-8"),
                   (b"content-length", str(len(data)).encode())]  # fmt: skip
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})


async def _body(receive: Any) -> str:
    whole, more = b"", True
    while more:
        message = await receive()
        whole += message.get("body", b"")
        more = message.get("more_body", False)
    return whole.decode()


def _echo(scope: Any, query: str, body: str) -> dict[str, Any]:
    media = dict(scope["headers"]).get(b"content-type")
    return {
        "echo": {
            "method": scope["method"], "path": scope["path"], "query": query, "body": body,
            "ct": media.decode() if media else None,
        }
    }  # fmt: skip


@asynccontextmanager
async def mocked() -> AsyncIterator[tuple[str, Mock]]:
    """The upstream's URL, for as long as the block lasts, and what it has seen."""
    mock = Mock()
    async with serving(mock) as url:
        yield url, mock

"""A bare HTTP/1.1 client: it sends exactly what a test says, and reads one answer."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from tests.planted import PLANTED

JSON = "application/json"
ANSWER = "application/apiql-response+json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Response:
    """An answer: header names in lower case, the last one where a name stands twice."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self) -> Any:
        """The body; NaN and its like are no JSON."""

        def refuse(word: str) -> None:
            raise ValueError(word)

        return json.loads(self.body, parse_constant=refuse)

    def codes(self) -> list[str]:
        """The codes of all errors."""
        return [error["code"] for error in self.json().get("errors", ())]


class Site:
    """A server to ask, by its base URL."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        parts = urlsplit(url)
        self.url = url
        self._host, self._port = parts.hostname, parts.port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of the test's own."""
        return await asyncio.open_connection(self._host, self._port, ssl=self._tls)

    async def raw(self, request: bytes) -> Response:
        """The answer to these bytes."""
        reader, writer = await self.connect()
        try:
            writer.write(request)
            async with asyncio.timeout(20):
                response = await read_response(reader)
            assert PLANTED not in f"{response}", "an answer tells the planted secret"
            return response
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)

    async def send(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer to a request with a length."""
        return await self.raw(request_bytes(method, target, body, headers or {}))

    async def ask(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        accept: str | None = None,
        **more: str,
    ) -> Response:
        """The answer to a query in the JSON form."""
        headers = {"Content-Type": JSON} | {k.replace("_", "-"): v for k, v in more.items()}
        if accept is not None:
            headers["Accept"] = accept
        body = json.dumps({"query": query, "params": params or {}}).encode()
        return await self.send("POST", "/apiql", body, headers)

    async def url_ask(self, query: str, params: str | None = None, **more: str) -> Response:
        """The answer to a query in the URL."""
        target = f"/apiql?query={quote(query)}" + (f"&params={quote(params)}" if params else "")
        return await self.send("GET", target, headers=more)


def request_bytes(method: str, target: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A request whose connection closes after it."""
    lines = [f"{method} {target} HTTP/1.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in ({"Host": "test"} | {**headers}).items()]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


async def read_response(reader: asyncio.StreamReader) -> Response:
    """One answer with a length, or with none at all (204)."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Response(int(first.split(" ", 2)[1]), headers, body)

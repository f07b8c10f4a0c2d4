"""The seam to httpx, in both directions; the only file that knows httpx.

`HttpxTransport` offers the pooled transport to httpx clients. `via_httpx` makes a layer of any
httpx transport, for upstreams that speak HTTP/2 or stand behind a proxy, under the same rules:
deadline, sizes, one content coding, no redirects, no cookies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from apiql.errors import CallFailed, Code
from apiql.sources.addresses import BadUrl, parse_url
from apiql.sources.answer import Budget, too_much_under_way
from apiql.sources.call import Call, Layer, Reply
from apiql.sources.codings import decoding
from apiql.sources.limits import TransportLimits, Unanswered, Undecodable, Unreached
from apiql.sources.request import opening, request_bytes

_HOP = frozenset(
    (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
        "upgrade", "expect", "proxy-connection",
    )
)  # fmt: skip
_DECODED_AWAY = frozenset(("content-encoding", "content-length"))
_NO_LIMIT = 86_400.0
_BODILESS = frozenset((204, 304))


class HttpxTransport(httpx.AsyncBaseTransport):
    """A layer under an `httpx.AsyncClient`.

    Bodies come decoded, so the answer's `content-encoding` is gone. httpx's `read` timeout is
    taken for the whole call. `pinned` says that all hosts come from the operator.
    """

    def __init__(
        self,
        layer: Layer,
        *,
        pinned: bool = False,
        aclose: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._layer = layer
        self._pinned = pinned
        self._aclose = aclose

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; raises httpx's own errors."""
        call = await self._call(request)
        try:
            reply = await self._layer(call)
        except CallFailed as failure:
            raise _as_httpx(failure, request) from failure
        return httpx.Response(
            reply.status,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in reply.headers],
            stream=httpx.ByteStream(reply.body),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Closes what lies below, if this transport owns it."""
        if self._aclose is not None:
            await self._aclose()

    async def _call(self, request: httpx.Request) -> Call:
        try:
            origin, target = parse_url(str(request.url.copy_with(fragment=None)))
        except BadUrl as error:
            raise httpx.UnsupportedProtocol(str(error), request=request) from None
        if self._pinned:
            origin = type(origin)(origin.scheme, origin.host, origin.port, pinned=True)
        body = await request.aread()
        timeout = request.extensions.get("timeout", {}).get("read")
        return Call(
            request.method,
            origin,
            target,
            tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in request.headers.raw
                if name.lower().decode("latin-1") not in _HOP
            ),
            body or None,
            asyncio.get_running_loop().time() + (_NO_LIMIT if timeout is None else timeout),
        )


def via_httpx(
    transport: httpx.AsyncBaseTransport,
    limits: TransportLimits | None = None,
    shared: Budget | None = None,
) -> Layer:
    """A layer that calls through an httpx transport.

    Only for pinned origins: the transport looks names up by itself, so the addresses of others
    could not be checked. Closing the transport stays with who made it.
    """
    caps = limits or TransportLimits()
    budget = shared or Budget(caps.bytes_in_flight)

    async def call_through(call: Call) -> Reply:
        if not call.origin.pinned:
            raise Unreached(
                Code.FORBIDDEN_UPSTREAM, "this way out serves configured upstreams only"
            )
        try:
            async with asyncio.timeout_at(call.deadline):
                return await _exchanged(transport, call, caps, budget)
        except TimeoutError:
            raise CallFailed(Code.UPSTREAM_TIMEOUT, "no complete answer in time") from None
        except httpx.TransportError as error:
            raise _from_httpx(error) from None

    return call_through


async def _exchanged(
    transport: httpx.AsyncBaseTransport, call: Call, caps: TransportLimits, budget: Budget
) -> Reply:
    response = await transport.handle_async_request(_request(call, caps))
    try:
        return await _read(response, call, caps, budget)
    finally:
        await response.aclose()


def _request(call: Call, caps: TransportLimits) -> httpx.Request:
    """The same head as the pooled transport's, checked the same way."""
    method = call.method.upper()
    written = request_bytes(call, method, opening(call.origin.authority))
    fields = written.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    left = max(0.001, call.deadline - asyncio.get_running_loop().time())
    connect = min(left, caps.connect_timeout)
    return httpx.Request(
        method,
        httpx.URL(
            scheme=call.origin.scheme,
            host=call.origin.host,
            port=call.origin.port,
            raw_path=call.target.encode("ascii"),
        ),
        headers=[(name, value) for name, _, value in (field.partition(b": ") for field in fields)],
        content=call.body,
        extensions={"timeout": {"connect": connect, "read": left, "write": left, "pool": left}},
    )


async def _read(
    response: httpx.Response, call: Call, caps: TransportLimits, budget: Budget
) -> Reply:
    """Collects and decodes the raw stream under the caps."""
    raw = response.headers.raw
    if sum(len(name) + len(value) + 4 for name, value in raw) > caps.header_bytes:
        raise CallFailed(
            Code.UPSTREAM_TOO_LARGE, f"the head is larger than {caps.header_bytes} bytes"
        )
    if not 200 <= response.status_code <= 599:
        raise CallFailed(Code.BAD_PAYLOAD, "the status is not from 200 to 599")
    fields = tuple((name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    if call.method.upper() == "HEAD" or response.status_code in _BODILESS:
        return Reply(response.status_code, fields, b"")
    body, decoded = await _body(response, caps, budget)
    if decoded:
        fields = tuple(field for field in fields if field[0] not in _DECODED_AWAY)
    return Reply(response.status_code, fields, body)


async def _body(
    response: httpx.Response, caps: TransportLimits, budget: Budget
) -> tuple[bytes, bool]:
    """The body, and whether a content coding was undone."""
    _check_framing(response.headers, caps)
    encodings = response.headers.get_list("content-encoding")
    coded = decoding(", ".join(encodings), caps.body_bytes, caps.ratio)
    parts: list[bytes] = []
    take = parts.append if coded is None else coded.feed
    size = held = 0
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        async for piece in response.stream:
            size += len(piece)
            if size > caps.body_bytes:
                raise _too_large(caps)
            take(piece)
            grown = (size if coded is None else coded.size) - held
            held += grown
            budget.held += grown
            if budget.held > budget.limit:
                raise too_much_under_way()
    finally:
        budget.held -= held
    return (b"".join(parts), False) if coded is None else (coded.end(), True)


def _check_framing(headers: httpx.Headers, caps: TransportLimits) -> None:
    """Refuses from the head alone what cannot be, or cannot be taken."""
    length = headers.get("content-length", "0")
    if "content-length" in headers and "transfer-encoding" in headers:
        raise CallFailed(Code.BAD_PAYLOAD, "the answer has both a length and a transfer coding")
    if not length.isdigit() or int(length) > caps.body_bytes:
        raise _too_large(caps)


def _too_large(caps: TransportLimits) -> CallFailed:
    return CallFailed(Code.UPSTREAM_TOO_LARGE, f"the body is larger than {caps.body_bytes} bytes")


def _as_httpx(failure: CallFailed, request: httpx.Request) -> httpx.RequestError:
    """The error of httpx that says the same."""
    match failure:
        case Unreached(code=Code.UPSTREAM_TIMEOUT):
            return httpx.ConnectTimeout(failure.message, request=request)
        case Unreached():
            return httpx.ConnectError(failure.message, request=request)
        case CallFailed(code=Code.UPSTREAM_TIMEOUT):
            return httpx.ReadTimeout(failure.message, request=request)
        case Undecodable():
            return httpx.DecodingError(failure.message, request=request)
        case CallFailed(code=Code.BAD_VALUE):
            return httpx.LocalProtocolError(failure.message, request=request)
        case CallFailed(code=Code.UPSTREAM_CONNECT):
            return httpx.ReadError(failure.message, request=request)
        case _:
            return httpx.RemoteProtocolError(failure.message, request=request)


def _from_httpx(error: httpx.TransportError) -> CallFailed:
    """Our failure for an error of httpx; its text may name addresses and is not passed on."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return Unreached(Code.UPSTREAM_TIMEOUT, "no connection in time", retryable=True)
        case httpx.TimeoutException():
            return CallFailed(Code.UPSTREAM_TIMEOUT, "no complete answer in time")
        case httpx.ConnectError() | httpx.ProxyError():
            return Unreached(Code.UPSTREAM_CONNECT, "no connection", retryable=True)
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return Unanswered(Code.UPSTREAM_CONNECT, "the connection broke", retryable=True)
        case httpx.RemoteProtocolError() if str(error).startswith("Server disconnected"):
            return Unanswered(
                Code.UPSTREAM_CONNECT, "the connection closed before an answer", retryable=True
            )
        case httpx.RemoteProtocolError():
            return CallFailed(Code.BAD_PAYLOAD, "the answer is cut or not valid HTTP")
        case _:
            return CallFailed(Code.UPSTREAM_CONNECT, "the call cannot be made this way")

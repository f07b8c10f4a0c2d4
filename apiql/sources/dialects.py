"""httpx's own transports for what ours does not speak: HTTP/2, and HTTP through a proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpx

from apiql.sources.limits import TransportLimits

try:
    from h2.exceptions import H2Error
except ImportError:  # without the extra `http2` nothing raises it

    class H2Error(Exception):  # type: ignore[no-redef]
        """Stands for h2's errors where h2 is not installed."""


_BODILESS = frozenset((204, 304))


def dialect(
    *,
    http2: bool = False,
    proxy: str | None = None,
    tls: ssl.SSLContext | None = None,
    limits: TransportLimits | None = None,
) -> httpx.AsyncBaseTransport:
    """httpx's own transport for upstreams that ask for HTTP/2 or a proxy; reads no environment.

    Over HTTP/1.1 every call has its own connection, since that transport would give the bytes
    left behind one answer to the next call. Its pool is not limited: a limited one can get stuck
    after cancelled calls. Limit the calls above it.
    """
    caps = limits or TransportLimits()
    trust = tls or ssl.create_default_context()

    def made() -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=trust,
            http1=not http2,
            http2=http2,
            proxy=proxy,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=caps.connections_per_origin if http2 else 0,
                keepalive_expiry=caps.idle_timeout,
            ),
        )

    return _Renewed(made) if http2 else made()


class _Renewed(httpx.AsyncBaseTransport):
    """HTTP/2 of httpx; after a call that was given up, the next ones take new connections.

    httpx resets no stream and gives no window back, so that connections with such calls would
    fill up and then answer nothing. The other calls under way end where they are.
    """

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._now = make()
        self._calls: dict[httpx.AsyncBaseTransport, int] = {self._now: 0}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange; whatever h2 raises becomes an error of httpx."""
        used = self._now
        self._calls[used] += 1
        response: httpx.Response | None = None
        try:
            with _as_remote():
                response = await used.handle_async_request(request)
        finally:
            if response is None:
                await self.leave(used, whole=False)
        bodiless = request.method == "HEAD" or response.status_code in _BODILESS
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Watched(response.stream, self, used, bodiless)
        return response

    async def leave(self, used: httpx.AsyncBaseTransport, *, whole: bool) -> None:
        """A call has ended; the last one of an old transport closes it."""
        if not whole and used is self._now:
            self._now = self._make()
            self._calls[self._now] = 0
        self._calls[used] -= 1
        if used is not self._now and not self._calls[used]:
            del self._calls[used]
            await used.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        for transport in tuple(self._calls):
            await transport.aclose()


class _Watched(httpx.AsyncByteStream):
    """The body of an answer, and whether all of it came."""

    def __init__(
        self,
        inner: httpx.AsyncByteStream,
        owner: _Renewed,
        used: httpx.AsyncBaseTransport,
        whole: bool,
    ) -> None:
        self._inner = inner
        self._owner = owner
        self._used = used
        self._whole = whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_remote():
            async for piece in self._inner:
                yield piece
        self._whole = True

    async def aclose(self) -> None:
        """To be called once."""
        try:
            await self._inner.aclose()
        finally:
            await self._owner.leave(self._used, whole=self._whole)


@contextmanager
def _as_remote() -> Iterator[None]:
    """h2's own errors, and a status that is no number, are the upstream's fault."""
    try:
        yield
    except httpx.LocalProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except httpx.TransportError:
        raise
    except (H2Error, ValueError) as error:
        raise httpx.RemoteProtocolError("not valid HTTP/2") from error

"""TLS: certificates are checked, own authorities and client certificates are possible."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from apiql.errors import Code
from apiql.sources.call import Origin
from apiql.sources.http import PooledTransport
from tests.sources.raw_upstream import (
    OK,
    Peer,
    answering,
    call,
    failure,
    reply,
    upstream,
)

CERTS = Path(__file__).parent / "certs"


def server_tls(*, wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "server.pem")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(CERTS / "authority.pem")
    return context


def secure(host: str, port: int) -> Origin:
    return Origin("https", host, port, pinned=True)


def trusting(tls: ssl.SSLContext) -> PooledTransport:
    return PooledTransport(tls=tls, lookup=lambda host, port: ["127.0.0.1"])


@pytest.mark.parametrize("host", ["upstream.test", "127.0.0.1"])
async def test_tls_with_an_own_authority(host):
    pooled = trusting(ssl.create_default_context(cafile=CERTS / "authority.pem"))
    async with upstream(answering(OK), tls=server_tls()) as raw:
        for _ in range(3):
            assert (await pooled(call(secure(host, raw.port)))).body == b"ok"
        assert raw.accepted == 1
    await pooled.aclose()


@pytest.mark.parametrize(
    ("host", "cafile"), [("upstream.test", None), ("other.test", CERTS / "authority.pem")]
)
async def test_tls_of_an_unknown_authority_or_for_another_host_is_refused(host, cafile):
    pooled = trusting(ssl.create_default_context(cafile=cafile))
    async with upstream(answering(OK), tls=server_tls()) as raw:
        failed = await failure(pooled, secure(host, raw.port))
        assert (failed.code, failed.message) == (
            Code.UPSTREAM_CONNECT,
            "the TLS certificate is not trusted",
        )
        assert raw.requests == []
        assert not pooled.occupancy
    await pooled.aclose()


async def test_tls_to_a_server_that_speaks_none():
    pooled = trusting(ssl.create_default_context(cafile=CERTS / "authority.pem"))

    async def plain(peer: Peer) -> None:
        await peer.reader.read(100)
        await peer.send(reply(b"no", status="400 Bad Request"))

    async with upstream(plain) as raw:
        failed = await failure(pooled, secure("upstream.test", raw.port))
        assert failed.code is Code.UPSTREAM_CONNECT
    await pooled.aclose()


async def test_a_client_certificate_is_shown():
    tls = ssl.create_default_context(cafile=CERTS / "authority.pem")
    tls.load_cert_chain(CERTS / "client.pem")
    pooled = trusting(tls)
    async with upstream(answering(OK), tls=server_tls(wants_client=True)) as raw:
        assert (await pooled(call(secure("upstream.test", raw.port)))).status == 200
    await pooled.aclose()

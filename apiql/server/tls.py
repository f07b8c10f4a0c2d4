"""TLS of the server: which certificate a client is shown. Knows no query.

The context that the listeners have is empty: each handshake takes the one that is in force, so new
files are taken without touching a connection or a listener.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.certificates import server_context
from apiql.settings import Server

HANDSHAKE = 10.0
"""Seconds in which a client must have agreed on a connection."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """The contexts in force: that of each name, `*.example.com` for all right below, and of the
    rest.
    """

    usual: ssl.SSLContext
    named: Mapping[str, ssl.SSLContext]

    def of(self, name: str | None) -> ssl.SSLContext:
        """The context for a client that asks for a name, or for none."""
        if name is None or not self.named:
            return self.usual
        lower = name.lower()
        found = self.named.get(lower) or self.named.get(f"*.{lower.partition('.')[2]}")
        return found or self.usual


def certificates_of(server: Server) -> Certificates | None:
    """The certificates of these settings, None where the server speaks plain HTTP.

    Raises:
        CertificateRefused: a file cannot be used.
    """
    if server.certificate is None:
        return None
    usual = server_context(server.certificate, server.private_key)
    named: dict[str, ssl.SSLContext] = {}
    for each in server.certificates:
        context = server_context(each.certificate, each.private_key)
        named |= dict.fromkeys(each.names, context)
    return Certificates(usual, named)


def context_of(_: object, __: object) -> ssl.SSLContext:
    """The context of a process's listeners, for uvicorn."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def show(context: ssl.SSLContext, in_force: Callable[[], Certificates | None]) -> None:
    """Lets each handshake on a context take the certificate that is in force then."""

    def choose(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        found = in_force()
        if found is not None:
            connection.context = found.of(name)

    context.sni_callback = choose

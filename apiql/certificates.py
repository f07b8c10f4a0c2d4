"""Certificates and their keys, read from files into TLS contexts. Knows no settings."""

from __future__ import annotations

import ssl

from apiql.errors import ApiqlError


class CertificateRefused(ApiqlError):
    """A file that holds no certificate with its key; the message names the file, nothing of it."""


def show_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Lets a context show a certificate from now on. What is wrong leaves the context as it was,
    where the files can at least be parted: try on a context of its own first.

    Raises:
        CertificateRefused: the files cannot be used.
    """
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except FileNotFoundError:
        missing = key if key is not None and _is_there(certificate) else certificate
        raise CertificateRefused(f"{missing}: there is no such file") from None
    except ssl.SSLError as error:
        raise CertificateRefused(f"{certificate}: {_reason(error)}") from None
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CertificateRefused(f"{certificate}: {why.lower()}") from None


def server_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """The context of a server: TLS 1.2 and later.

    Raises:
        CertificateRefused: the files cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    show_certificate(context, certificate, key)
    return context


def _is_there(file: str) -> bool:
    try:
        with open(file, "rb"):
            return True
    except OSError:
        return False


def _reason(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return "it holds no certificate with its key in PEM form, or the key has a password"

"""The section of the store that machines share, and the kind of its address. Knows no client."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from apiql.settings.section import Section
from apiql.settings.values import Duration, Trust, refusal

_EXPECTED = '"redis://host:6379/0", "rediss://…" with TLS, or "unix:///run/redis.sock?db=0"'
_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SCHEMES = ("redis", "rediss", "unix")


def store_address(value: object) -> str:
    """Where a Redis listens; it may name a password, so no message repeats it."""
    if not isinstance(value, str):
        raise refusal("the address is no text", _EXPECTED)
    wrong = _fault(value)
    if wrong is not None:
        raise refusal(wrong, _EXPECTED)
    if find_spec("redis") is None:
        wrong = "the package that speaks to Redis is not installed"
        raise refusal(wrong, "pip install 'apiql[redis]', or no store")
    return value


def _fault(text: str) -> str | None:
    if not text.isprintable() or any(c in text for c in " \\#"):
        return "a space, a backslash, a # or a control character in the URL: write them as %20"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return "the host, port or query of the URL cannot be read"
    local = parts.scheme == "unix"
    database = dict(options).get("db", "0") if local else parts.path.strip("/") or "0"
    faults = (
        (parts.scheme not in _SCHEMES, "there is no store of this scheme"),
        (local and (host or not parts.path.strip("/")), "the URL names no path of a socket"),
        (not local and not host, "the URL names no host"),
        (port == 0 or parts.netloc.endswith(":"), "the URL has an empty or zero port"),
        (any(name != "db" or not local for name, _ in options), "the URL has options"),
        (not database.isascii() or not database.isdigit(), "the database is no number"),
    )
    return next((text for wrong, text in faults if wrong), None)


def _prefix(value: str) -> str:
    if _PREFIX.fullmatch(value) is None:
        raise refusal("no key begins so", "1 to 64 letters, digits, and _ . : -")
    return value


class Store(Section):
    """What outlives a request, for all processes and machines that name the same Redis."""

    url: Annotated[str, PlainValidator(store_address)] | None = Field(default=None, repr=False)
    """Unset: each process keeps its own."""
    prefix: Annotated[str, AfterValidator(_prefix)] = "apiql"
    """Before every key; those with the same one share."""
    timeout: Duration = 0.05
    """The most that a request waits for it at a time."""
    verify: Trust = True
    """Whether the certificate of a `rediss://` is checked, or the file of its authorities."""

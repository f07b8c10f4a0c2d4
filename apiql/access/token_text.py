"""A token as it is shown (JWT, RFC 7519) -> its parts, of which nothing is proved yet. Strict: what
has a second reading is refused. Knows no key.
"""

from __future__ import annotations

import math
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from apiql.access.proof import NotProved

TYPES = frozenset({"jwt", "at+jwt"})
"""What `typ` may say. Others mean other things, signed by the same issuer: a logout, say."""
MOST_KID = 256
_FORM = "this is no signed token"


class Header(Struct, frozen=True):
    """What the first part says. Where it says where keys are (`jku`, `x5u`, `jwk`), none looks."""

    alg: str
    kid: str | None = None
    typ: str = "JWT"
    cty: str | None = None
    crit: Any = msgspec.UNSET
    b64: Any = msgspec.UNSET


class Shown(Struct, frozen=True):
    """A token that was read: what is signed, the signature, and what it claims."""

    header: Header
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


_HEADER = msgspec.json.Decoder(Header)
_CLAIMS = msgspec.json.Decoder(dict[str, Any])


def read_token(text: bytes) -> Shown:
    """The parts of a token.

    Raises:
        NotProved: it is none, or of a kind that is never taken.
    """
    parts = text.split(b".")
    if len(parts) != 3:
        raise NotProved("the token is encrypted" if len(parts) == 5 else _FORM)
    try:
        header = _HEADER.decode(unpacked(parts[0]))
        claims = _CLAIMS.decode(unpacked(parts[1]))
        signature = unpacked(parts[2])
    except (Error, RecursionError, UnicodeDecodeError, msgspec.DecodeError):
        raise NotProved(_FORM) from None
    _check(header)
    return Shown(header, claims, text[: -len(parts[2]) - 1], signature)


def unpacked(text: bytes) -> bytes:
    """Bytes from base64 as URLs have it: without padding, and in the one way to write them.

    Raises:
        Error: it is none.
    """
    plain = text.translate(_PLAIN, b"+/=")
    padded = plain + b"=" * (-len(plain) % 4)
    found = a2b_base64(padded, strict_mode=True)
    if len(plain) != len(text) or b64encode(found) != padded:
        raise Error("written in another way")
    return found


_PLAIN = bytes.maketrans(b"-_", b"+/")


def _check(header: Header) -> None:
    if header.crit is not msgspec.UNSET or header.b64 is not msgspec.UNSET:
        raise NotProved("the token wants something that is not known here (crit)")
    if header.cty is not None and header.cty.lower().endswith("jwt"):
        raise NotProved("the token holds another token")
    if header.typ.lower().removeprefix("application/") not in TYPES:
        raise NotProved("the token is of another type")
    if header.kid is not None and not 0 < len(header.kid) <= MOST_KID:
        raise NotProved("the token names no key")


def moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A claim of time, seconds since 1970; None where it is not there.

    Raises:
        NotProved: it is no time.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value):
        raise NotProved(f"{name} of the token is no time")
    return float(value)


def _fits(value: float) -> bool:
    return -1e15 < value < 1e15 and math.isfinite(value)

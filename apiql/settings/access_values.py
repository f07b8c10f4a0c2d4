"""The kinds of value that the section of who may ask has: digests, names, scopes, algorithms. They
prove nothing and open no file.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, Strict

from apiql.settings.values import header_name, pause, refusal, shown, web_address

PUBLIC = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Algorithms of a key pair."""
SHARED = {"HS256": 32, "HS384": 48, "HS512": 64}
"""Algorithms of a secret that both sides know, and the least bytes of it (RFC 7518, 3.2)."""
LONGEST_LEEWAY = 300.0
MOST_MEMORY = 64 * 1024 * 1024

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER = re.compile(r"[^:\x00-\x1f\x7f]{1,64}")
_SCRYPT = re.compile(r"scrypt:(\d{1,8}):(\d{1,2}):(\d{1,2}):([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")
_SCRYPT_EXPECTED = "what `apiql key hash --password` prints: scrypt:n:r:p:salt:hash"
_END_EXPECTED = 'a date or a moment with its zone: "2027-12-31", "2027-12-31T12:00:00Z"'
_URL_EXPECTED = '"https://…", or "http://" and this machine: 127.0.0.1, [::1], localhost'


class Scrypt(NamedTuple):
    """A password as it is kept (RFC 7914)."""

    n: int
    r: int
    p: int
    salt: bytes
    hash: bytes


def scrypt_of(text: str) -> Scrypt:
    """The parts of `scrypt:n:r:p:salt:hash`; ValueError where it has none."""
    found = _SCRYPT.fullmatch(text)
    if found is None:
        raise ValueError("it has another form")
    n, r, p = int(found[1]), int(found[2]), int(found[3])
    try:
        salt, hashed = b64decode(found[4], validate=True), b64decode(found[5], validate=True)
    except Error:
        raise ValueError("its salt or hash is no base64") from None
    return Scrypt(n, r, p, salt, hashed)


def _password(value: object) -> str:
    """A hash of a password; no message repeats it."""
    if not isinstance(value, str):
        raise refusal("the hash is no text", _SCRYPT_EXPECTED)
    try:
        parts = scrypt_of(value)
    except ValueError as error:
        raise refusal(f"this is no hash of a password: {error}", _SCRYPT_EXPECTED) from None
    n, r, p, salt, hashed = parts
    if n < 1 << 14 or n & (n - 1) or r < 8 or not 1 <= p <= 16 or 128 * n * r > MOST_MEMORY:
        wrong = "the cost is too low or too high: n is a power of 2 from 16384, r at least 8"
        raise refusal(f"{wrong}, and 128 * n * r at most 64 MiB", _SCRYPT_EXPECTED)
    if len(salt) < 16 or not 32 <= len(hashed) <= 64:
        raise refusal("the salt or the hash is too short or too long", _SCRYPT_EXPECTED)
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        expected = "sha256: and 64 digits from 0 to f, as `apiql key hash` prints it"
        raise refusal("this is no hash of a key", expected)
    return value


def moment(value: object) -> datetime:
    """The end of a day in UTC, or a moment with its zone."""
    found = value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
        except ValueError:
            raise refusal(f"{shown(value)} is no date", _END_EXPECTED) from None
    if isinstance(found, datetime) and found.tzinfo is not None:
        return found
    if isinstance(found, date) and not isinstance(found, datetime):
        return datetime.combine(found, time.max, UTC)
    raise refusal(f"{shown(value)} is no date, or has no zone", _END_EXPECTED)


def _matching(pattern: re.Pattern[str], wrong: str, expected: str) -> Any:
    def checked(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise refusal(wrong, expected)
        return value

    return AfterValidator(checked)


def _algorithm(value: object) -> str:
    known = (*SHARED, *PUBLIC)
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(f'"{name}"' for name in known)
        raise refusal(f"{shown(value)} signs nothing here", f"one of {listed}")
    return value


def _keys_url(value: object) -> str:
    """Whose keys are believed: nobody on the way may change them."""
    text = web_address(value)
    parts = urlsplit(text)
    here = (parts.hostname or "") in ("127.0.0.1", "::1", "localhost")
    if not text.isascii() or (parts.scheme != "https" and not here):
        raise refusal("keys come over https, from a URL of plain ASCII", _URL_EXPECTED)
    return text


def _key_header(value: str) -> str:
    name = header_name(value).lower()
    if name in ("authorization", "cookie"):
        raise refusal(f"{shown(value)} holds something else", '"x-api-key" or another header')
    return name


def _leeway(value: object) -> float:
    found = pause(value)
    if found > LONGEST_LEEWAY:
        raise refusal("clocks are not that far apart", "5 minutes or less")
    return found


def _audience(value: object) -> tuple[str, ...]:
    found = (value,) if isinstance(value, str) else value
    texts = isinstance(found, list | tuple) and all(isinstance(one, str) and one for one in found)
    if not texts or not found:
        raise refusal("the audience is no text", 'who the tokens are for: "shop", or ["shop", …]')
    return tuple(found)  # type: ignore[arg-type]


KeyName = Annotated[
    str, _matching(_NAME, "the name cannot be used", "1 to 64 letters, digits, _ and -")
]
UserName = Annotated[str, _matching(_USER, "no user has this name", "1 to 64 characters, no :")]
Digest = Annotated[str, PlainValidator(_digest)]
Digests = Annotated[tuple[Digest, ...], Strict(False)]
PasswordHash = Annotated[str, PlainValidator(_password)]
Moment = Annotated[datetime, BeforeValidator(moment)]
Algorithm = Annotated[str, PlainValidator(_algorithm)]
Algorithms = Annotated[tuple[Algorithm, ...], Strict(False)]
Audience = Annotated[tuple[str, ...], BeforeValidator(_audience)]
Claim = Annotated[str, Field(min_length=1, max_length=128)]
KeyHeader = Annotated[str, AfterValidator(_key_header)]
KeysUrl = Annotated[str, PlainValidator(_keys_url)]
Leeway = Annotated[float, PlainValidator(_leeway)]

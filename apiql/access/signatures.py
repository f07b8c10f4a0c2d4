"""Keys that signatures are checked with: from a JWKS (RFC 7517), from PEM, from a secret. Each key
says which algorithms it is for; what a token says of itself chooses among these, and adds none.
"""

from __future__ import annotations

import re
from binascii import Error
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key
from msgspec import Struct

from apiql.access.token_text import Shown, unpacked
from apiql.errors import ApiqlError

LEAST_RSA, MOST_RSA = 2048, 8192
"""Bits; longer ones take longer than anybody should wait."""
MOST_KEYS = 100
_CHECKS = {each.name: each for each in JWS_ALGORITHMS}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",),
           "secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}  # fmt: skip
_EDWARDS = ("EdDSA", "Ed25519")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.S)


class KeysRefused(ApiqlError):
    """Keys that cannot be used."""


class CheckKey(Struct, frozen=True):
    """A key, what it is for, and the name by which tokens know it."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any


Keys = tuple[CheckKey, ...]


class _Jwk(Struct):
    """What a JWK says of itself. One with a private or shared part is no key to check with."""

    kty: str
    kid: str | None = None
    use: str = "sig"
    alg: str | None = None
    key_ops: list[str] | None = None
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""
    d: Any = msgspec.UNSET
    k: Any = msgspec.UNSET


class _Jwks(Struct):
    keys: list[msgspec.Raw]


def keys_in_set(body: bytes, algorithms: Collection[str]) -> Keys:
    """The keys of a JWKS that these algorithms can use; all others are passed by.

    Raises:
        KeysRefused: there are none.
    """
    try:
        entries = msgspec.json.decode(body, type=_Jwks).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise KeysRefused("it is no JWKS") from None
    found = [key for entry in entries[:MOST_KEYS] for key in _of_jwk(entry, algorithms)]
    if not found:
        raise KeysRefused("it holds no key that can be used")
    return tuple(found)


def keys_in_file(content: bytes, algorithms: Collection[str]) -> Keys:
    """The keys of a file: JWKS, or PEM of public keys and certificates.

    Raises:
        KeysRefused: there are none, or private ones.
    """
    if b"-----BEGIN" not in content:
        return keys_in_set(content, algorithms)
    blocks = list(_PEM.finditer(content))
    if any(b"PRIVATE" in block[1] for block in blocks):
        raise KeysRefused("it holds a private key: leave that where tokens are signed")
    found = [key for block in blocks[:MOST_KEYS] for key in _of_pem(block, algorithms)]
    if not found:
        raise KeysRefused("it holds no key that can be used")
    return tuple(found)


def key_of_secret(secret: str, algorithms: Collection[str]) -> Keys:
    """The key that both sides know."""
    return (CheckKey(None, frozenset(algorithms), OctKey.import_key(secret.encode())),)


def key_for(keys: Keys, kid: str | None, algorithm: str) -> CheckKey | None:
    """The key that a token means; None where there is none, or several could be meant."""
    fits = [key for key in keys if algorithm in key.algorithms]
    named = [key for key in fits if kid is not None and key.kid == kid]
    if named:
        return named[0]
    rest = fits if kid is None else [key for key in fits if key.kid is None]
    return rest[0] if len(rest) == 1 else None


def is_signed(shown: Shown, key: CheckKey) -> bool:
    """Whether the key's owner has signed this token, by an algorithm that the key is for."""
    algorithm = shown.header.alg
    if algorithm not in key.algorithms:
        return False
    try:
        return _CHECKS[algorithm].verify(shown.signed, shown.signature, key.key)
    except ValueError:
        return False


def _of_jwk(entry: msgspec.Raw, algorithms: Collection[str]) -> Iterator[CheckKey]:
    try:
        jwk = msgspec.json.decode(entry, type=_Jwk)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    secret = jwk.d is not msgspec.UNSET or jwk.k is not msgspec.UNSET
    for_signatures = jwk.use == "sig" and (jwk.key_ops is None or "verify" in jwk.key_ops)
    members, fitting = _kind(jwk)
    able = frozenset(fitting) & frozenset(algorithms)
    able &= able if jwk.alg is None else {jwk.alg}
    if secret or not for_signatures or not able:
        return
    try:
        key = import_key({"kty": jwk.kty, **members})
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm):
        return
    yield CheckKey(jwk.kid, able, key)


def _kind(jwk: _Jwk) -> tuple[dict[str, str], tuple[str, ...]]:
    """The members that make the key, and what such a key is for: nothing, if it is too weak."""
    match jwk.kty:
        case "RSA" if _is_strong(jwk):
            return {"n": jwk.n, "e": jwk.e}, _RSA
        case "EC":
            return {"crv": jwk.crv, "x": jwk.x, "y": jwk.y}, _CURVES.get(jwk.crv, ())
        case "OKP" if jwk.crv == "Ed25519":
            return {"crv": jwk.crv, "x": jwk.x}, _EDWARDS
    return {}, ()


def _is_strong(jwk: _Jwk) -> bool:
    """Whether the modulus is long enough, and the exponent short enough to be quick."""
    try:
        bits = int.from_bytes(unpacked(jwk.n.encode()), "big").bit_length()
        exponent = int.from_bytes(unpacked(jwk.e.encode()), "big")
    except (Error, ValueError):
        return False
    return LEAST_RSA <= bits <= MOST_RSA and 2 < exponent < 2**33


def _of_pem(block: re.Match[bytes], algorithms: Collection[str]) -> Iterator[CheckKey]:
    try:
        if block[1] == b"CERTIFICATE":
            public: Any = x509.load_pem_x509_certificate(block[0]).public_key()
        else:
            public = load_pem_public_key(block[0])
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return
    key, fitting = _of_public(public)
    able = frozenset(fitting) & frozenset(algorithms)
    if key is not None and able:
        yield CheckKey(None, able, key)


def _of_public(public: Any) -> tuple[Key | None, tuple[str, ...]]:
    match public:
        case RSAPublicKey() if LEAST_RSA <= public.key_size <= MOST_RSA:
            return RSAKey(public, public), _RSA
        case EllipticCurvePublicKey():
            return ECKey(public, public), _CURVES.get(public.curve.name, ())
        case Ed25519PublicKey():
            return OKPKey(public, public), _EDWARDS
    return None, ()

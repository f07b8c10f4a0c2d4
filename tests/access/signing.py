"""Keys and tokens of a made-up issuer, for tests: right ones and any kind of wrong one."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

ISSUER, AUDIENCE = "https://issuer.example", "shop"
SECRET = "s3cret-that-is-long-enough-for-every-algorithm-there-is-of-this-kind"
PAIRS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
SIGNERS = {each.name: each for each in JWS_ALGORITHMS}


def key_of(kind: str, number: int = 0) -> Any:
    """A private key: `RSA`, `P-256`, `P-384`, `P-521`, `Ed25519`; others of the kind by number."""
    return _made(kind, number)


@cache
def _made(kind: str, _: int) -> Any:
    if kind.startswith("RSA"):
        raw = rsa.generate_private_key(65537, int(kind[3:] or 2048))
        return RSAKey(raw, raw)
    return OKPKey.generate_key("Ed25519") if kind == "Ed25519" else ECKey.generate_key(kind)


def kind_of(algorithm: str) -> str:
    """The kind of key that an algorithm wants."""
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    if algorithm in ("EdDSA", "Ed25519"):
        return "Ed25519"
    return curves.get(algorithm, "RSA")


def public(kind: str, kid: str | None, number: int = 0, **more: Any) -> dict[str, Any]:
    """The JWK of a key."""
    found = dict(key_of(kind, number).as_dict(private=False))
    return found | ({} if kid is None else {"kid": kid}) | more


def jwks(*keys: dict[str, Any]) -> bytes:
    """A set of keys."""
    return json.dumps({"keys": keys}).encode()


def packed(value: Any) -> bytes:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=")


def claims(**more: Any) -> dict[str, Any]:
    """What a right token claims, for longer than the suite takes: some are made as it is collected.
    None takes a claim away.
    """
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": now + 7200, "iat": now}
    return {name: value for name, value in (usual | more).items() if value is not None}


def token(
    algorithm: str = "ES256", number: int = 0, head: dict[str, Any] | None = None,
    key: Any = None, body: Any = None, **more: Any,
) -> bytes:  # fmt: skip
    """A token, signed; `more` are other claims, `head` other members of its header."""
    if key is None and algorithm.startswith("HS"):
        key = OctKey.import_key(SECRET)
    key = key_of(kind_of(algorithm), number) if key is None else key
    header = {"alg": algorithm, "kid": "k1", "typ": "JWT"} | (head or {})
    shown = {name: value for name, value in header.items() if value is not None}
    signed = packed(shown) + b"." + packed(claims(**more) if body is None else body)
    return signed + b"." + packed(SIGNERS[algorithm].sign(signed, key))

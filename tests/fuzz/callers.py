"""What callers prove with, and what others could put where it is believed: tokens and their claims,
sets of keys, passwords, traces, kept values.
"""

from __future__ import annotations

import json
import time
from collections.abc import Coroutine
from typing import Any

import msgspec

from apiql.access import passwords
from apiql.access.proof import NotProved
from apiql.access.signatures import KeysRefused, keys_in_file, keys_in_set
from apiql.access.token_text import read_token
from apiql.access.tokens import FixedKeys, Tokens, Trusted
from apiql.access.trusted import fixed_keys
from apiql.errors import CallFailed
from apiql.settings import Issuer
from apiql.sources.cache_entry import Kept
from apiql.sources.call import Reply
from apiql.sources.token_request import given_by
from apiql.stores.redis import RedisStore
from apiql.trace_context import parse_context
from tests.access.signing import AUDIENCE, ISSUER, PAIRS, SECRET, jwks, public, token
from tests.access.signing import claims as claimed
from tests.fuzz.target import Target

ALGORITHMS = [*PAIRS]
EXPECTED = Issuer.model_validate({
    "issuer": ISSUER, "audience": AUDIENCE, "algorithms": ["HS256"], "secret": SECRET,
    "scopes": "perms", "bucket": "tenant",
})  # fmt: skip
TOKENS = Tokens([Trusted("main", EXPECTED, FixedKeys(fixed_keys("main", EXPECTED)))], time.time)
NOW = int(time.time())


def done(coroutine: Coroutine[Any, Any, Any]) -> object:
    """What it comes to, which waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        found: object = ended.value
        return found
    raise AssertionError("it waits")


def text(data: bytes) -> object:
    return read_token(data)


def proved(data: bytes) -> object:
    """A token with these claims, rightly signed."""
    return done(TOKENS.prove(token("HS256", body=data, head={"kid": None})))


def key_set(data: bytes) -> object:
    return keys_in_set(data, ALGORITHMS)


def key_file(data: bytes) -> object:
    return keys_in_file(data, ALGORITHMS)


def password(data: bytes) -> object:
    return passwords._read(data)


def trace(data: bytes) -> object:
    parent, _, state = data.decode("latin-1").partition("\n")
    return parse_context(parent, state)


def kept(data: bytes) -> object:
    """A value that somebody has put into a shared store."""

    async def ask(*_: object) -> bytes:
        return data

    found = done(RedisStore(ask, "p", "answers", Kept).get(b"k" * 16))
    assert found is None or isinstance(found, Kept)
    return found


def grant(data: bytes) -> object:
    """What a token endpoint answers."""
    return given_by(Reply(200, (("content-type", "application/json"),), data))


CLAIMS = [
    json.dumps(claimed(**more)).encode()
    for more in (
        {}, {"perms": ["a", "b"], "tenant": "acme"}, {"perms": "a b", "nbf": NOW, "aud": ["shop"]},
        {"exp": 1.5}, {"sub": 7, "aud": {}}, {"iat": 1e308, "exp": -1},
    )
]  # fmt: skip
SETS = [
    jwks(*(public(kind, kind) for kind in ("RSA", "P-256", "P-384", "P-521", "Ed25519"))),
    jwks({"kty": "oct", "k": "c2VjcmV0"}, public("P-256", None, use="enc", key_ops=["verify"])),
]
FILES = [b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n", *SETS]
PASSWORDS = [b"YWRhOmNvcnJlY3QgaG9yc2U=", b"Og==", b"YWRh"]
TRACES = [
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\na=b,c@d=e",
    b"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x\n" + b"a=b," * 40,
]
GRANTS = [
    b'{"access_token": "a.b-c", "token_type": "bearer", "expires_in": 3600, "scope": "a"}',
    b'{"access_token": "a", "token_type": "Bearer", "expires_in": "60"}',
    b'{"error": "invalid_client"}',
]
KEPT = [b"\0" + msgspec.msgpack.encode({"status": 200}), b"\x01" + b"t" * 16 + b"\x80", b"\xff"]

TARGETS = (
    Target("token", text, (NotProved,), lambda: [token(), token("HS256")], (b".", b"=", b"e30")),
    Target("claims", proved, (NotProved,), lambda: CLAIMS, (b'"exp"', b'"aud"', b"null", b"[")),
    Target("key set", key_set, (KeysRefused,), lambda: SETS, (b'"kty"', b'"n"', b'"x"', b"AQAB")),
    Target("key file", key_file, (KeysRefused,), lambda: FILES, (b"-----BEGIN ", b"-----END ")),
    Target("password", password, (NotProved,), lambda: PASSWORDS, (b"=", b"Og")),
    Target("trace", trace, (), lambda: TRACES, (b"-", b"00", b"=", b",", b"@")),
    Target("grant", grant, (CallFailed,), lambda: GRANTS, (b'"expires_in"', b"null", b"1e400")),
    Target("kept", kept, (), lambda: KEPT, (b"\0", b"\x81", b"\xa6status", b"\xcd")),
)

"""Tokens and key sets of any kind: they are believed or refused, and nothing else happens."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apiql.access.passwords import Passwords
from apiql.access.proof import NotProved
from apiql.access.signatures import KeysRefused, keys_in_file, keys_in_set
from apiql.access.token_text import read_token
from apiql.access.tokens import FixedKeys, Tokens, Trusted
from apiql.settings import Issuer, User
from tests.access.signing import AUDIENCE, ISSUER, PAIRS, jwks, packed, public, token

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
HEADERS = ("alg", "kid", "typ", "cty", "crit", "b64", "jku", "jwk", "x5u", "zip", "enc")
CLAIMS = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope", "tenant")
MEMBERS = ("kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y", "d", "k", "x5c")
RIGHT = token()
LETTERS = st.sampled_from(b"ABCxyz019-_+/=. \n\xff")
GIVEN = {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": PAIRS, "keys_file": "x"}
TAKING = Tokens(
    [
        Trusted(
            "main",
            Issuer.model_validate(GIVEN | {"bucket": "tenant"}),
            FixedKeys(keys_in_set(jwks(public("P-256", "k1")), PAIRS)),
        )
    ],
    time.time,
)


def some(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Any values for a few of these members."""
    return st.dictionaries(st.sampled_from(names), ANY, max_size=3)


def is_believed(text: bytes) -> bool:
    """Whether it is; any other error than being refused is a bug."""
    found, why = None, ""
    try:
        found = asyncio.run(TAKING.prove(text))
    except NotProved as wrong:
        why = wrong.why
    assert why.isprintable()
    assert found is None or (found.name.startswith("main:") and found.name.isprintable())
    return found is not None


@given(some(HEADERS))
def test_headers(head: dict[str, Any]) -> None:
    assume(not {"Infinity", "NaN"} & set(re.findall("[A-Za-z]+", json.dumps(head))))  # no JSON
    believed = is_believed(token(head=head))
    harmless = {"jku", "jwk", "x5u", "zip", "enc"}
    assert believed or head.keys() - harmless


@given(some(CLAIMS))
def test_claims(more: dict[str, Any]) -> None:
    if is_believed(token(**more)):
        exp = more.get("exp", math.inf)
        assert exp > time.time() - 31
        assert more.get("iss", ISSUER) == ISSUER
        assert more.get("aud", AUDIENCE) == AUDIENCE or AUDIENCE in more["aud"]
        assert isinstance(more.get("sub", ""), str)


@given(st.integers(0, len(RIGHT) - 1), LETTERS)
def test_one_letter_changed(at: int, letter: int) -> None:
    other = RIGHT[:at] + bytes([letter]) + RIGHT[at + 1 :]
    assert is_believed(other) == (other == RIGHT)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes(head: bytes, body: bytes, signature: bytes) -> None:
    for write in (packed, bytes):
        text = b".".join(write(part) for part in (head, body, signature))
        with pytest.raises(NotProved):
            read_token(text)


KEYS = st.builds(
    lambda kind, more, left: {
        name: value for name, value in (public(kind, "k1") | more).items() if name not in left
    },
    st.sampled_from(["RSA", "P-256", "P-521", "Ed25519"]),
    some(MEMBERS),
    st.sets(st.sampled_from(MEMBERS), max_size=1),
)


@given(st.lists(KEYS | ANY, max_size=3), ANY)
def test_key_sets(keys: list[Any], other: Any) -> None:
    for body in (json.dumps({"keys": keys, "other": other}), json.dumps(other)):
        for read in (keys_in_set, keys_in_file):
            refuses_or_reads(read, body.encode())


@given(st.binary(max_size=200), st.sampled_from(["PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY"]))
def test_pem(inside: bytes, kind: str) -> None:
    pem = f"-----BEGIN {kind}-----\n".encode() + inside + f"\n-----END {kind}-----".encode()
    refuses_or_reads(keys_in_file, pem)


def refuses_or_reads(read: Callable[..., Any], body: bytes) -> None:
    try:
        found = read(body, PAIRS)
    except KeysRefused:
        return
    assert all(key.algorithms for key in found)


@given(st.binary(max_size=100))
def test_passwords(shown: bytes) -> None:
    hashed = "scrypt:16384:8:1:" + "A" * 22 + "==:" + "A" * 43 + "="
    passwords = Passwords({"ada": User(hash=hashed)}, lambda: 0.0)
    if b":" not in shown:
        with pytest.raises(NotProved):
            asyncio.run(passwords.prove(packed(shown)))

"""Tokens: what is believed, and every way of being wrong."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from joserfc.jwk import OctKey

from apiql.access.proof import NotProved
from apiql.access.signatures import (
    MOST_KEYS,
    KeysRefused,
    is_signed,
    keys_in_file,
    keys_in_set,
)
from apiql.access.token_text import read_token
from apiql.access.tokens import FixedKeys, Tokens, Trusted
from apiql.access.trusted import fixed_keys
from apiql.settings import Issuer
from tests.access.signing import (
    AUDIENCE,
    ISSUER,
    PAIRS,
    SECRET,
    claims,
    jwks,
    key_of,
    kind_of,
    packed,
    public,
    token,
)


def issuer(**more: Any) -> Issuer:
    given = {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": PAIRS, "keys_file": "x"}
    return Issuer.model_validate({k: v for k, v in (given | more).items() if v is not None})


ALL = jwks(*(public(kind, kind) for kind in ("RSA", "P-256", "P-384", "P-521", "Ed25519")))
ONE = jwks(public("P-256", "k1"))


def tokens(body: bytes = ONE, **more: Any) -> Tokens:
    expected = issuer(**more)
    keys = (
        fixed_keys("main", expected) if expected.secret else keys_in_file(body, expected.algorithms)
    )
    return Tokens([Trusted("main", expected, FixedKeys(keys))], time.time)


async def why(text: bytes, found: Tokens | None = None) -> str:
    """Why a token is not believed; the reason holds nothing of it."""
    with pytest.raises(NotProved) as caught:
        await (found or tokens()).prove(text)
    parts = [part for part in text.split(b".") if len(part) > 8]
    assert not any(part.decode("latin-1") in caught.value.why for part in parts)
    return caught.value.why


# -- right ones ---------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", PAIRS)
async def test_each_algorithm_of_a_key_pair(algorithm: str) -> None:
    found = await tokens(ALL).prove(token(algorithm, head={"kid": kind_of(algorithm)}))
    assert (found.name, found.scheme) == ("main:ada", "jwt")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_each_algorithm_of_a_secret(algorithm: str) -> None:
    taking = tokens(secret=SECRET, keys_file=None, algorithms=["HS256", "HS384", "HS512"])
    assert (await taking.prove(token(algorithm))).name == "main:ada"
    assert await why(token(algorithm, key=OctKey.import_key("other" * 20)), taking)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+JWT", None])
async def test_types_that_are_taken(typ: str | None) -> None:
    assert (await tokens().prove(token(head={"typ": typ}))).is_known


async def test_what_a_token_grants() -> None:
    taking = tokens(scopes="perms", bucket="tenant")
    found = await taking.prove(token(perms=["a:b", "c"], tenant="acme", extra={"x": 1}))
    assert found.scopes == {"a:b", "c"}
    assert found.bucket == "acme"
    assert found.claims["extra"] == {"x": 1}
    assert (await tokens().prove(token(scope="a  b"))).scopes == {"a", "b"}
    assert (await tokens().prove(token())).scopes == frozenset()
    assert (await taking.prove(token())).bucket == ""
    assert (await taking.prove(token(tenant="e.3_x-Y"))).bucket == "e.3_x-Y"


@pytest.mark.parametrize("name", [7, [], ".a", "_a", "a/b", "a b", "a\n", "\u00e9", "a" * 65])
async def test_what_names_no_bucket(name: object) -> None:
    with pytest.raises(NotProved, match="names no bucket"):
        await tokens(bucket="tenant").prove(token(tenant=name))


async def test_several_audiences() -> None:
    assert (await tokens().prove(token(aud=["other", "shop"]))).is_known
    assert (await tokens(audience=["a", "other"]).prove(token(aud="other"))).is_known


async def test_a_token_that_names_no_key_means_the_only_one() -> None:
    assert (await tokens().prove(token(head={"kid": None}))).is_known
    assert "no key" in await why(
        token(head={"kid": None}), tokens(jwks(public("P-256", "a"), public("P-256", "b", 1)))
    )


async def test_the_leeway_is_between_two_clocks() -> None:
    now = int(time.time())
    assert (await tokens().prove(token(exp=now - 10, nbf=now + 10, iat=now + 10))).is_known
    strict = tokens(leeway=0)
    assert "over" in await why(token(exp=now - 10), strict)


async def test_the_leeway_to_the_second() -> None:
    taking = Tokens([Trusted("main", issuer(leeway=30), FixedKeys(keys_in_set(ONE, PAIRS)))], at(0))
    made: dict[str, Any] = {"iat": NOW - 60}
    for right in ({"exp": NOW - 29}, {"nbf": NOW + 30}, {"iat": NOW + 30}):
        assert (await taking.prove(token(**(made | right)))).is_known
    for wrong in ({"exp": NOW - 30}, {"nbf": NOW + 31}, {"iat": NOW + 31}):
        assert await why(token(**(made | wrong)), taking)


def at(seconds: float) -> Callable[[], float]:
    """A clock that stands still, so long after the suite was begun."""
    return lambda: NOW + seconds


# -- wrong ones ---------------------------------------------------------------------------------

NOW = int(time.time())
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("expired", {"exp": NOW - 3600}, "is over"),
    ("endless", {"exp": None}, "when it ends"),
    ("end no time", {"exp": "soon"}, "no time"),
    ("end no number", {"exp": True}, "no time"),
    ("end beyond all numbers", {"exp": 1e300}, "no time"),
    ("not begun", {"nbf": NOW + 3600}, "not begun"),
    ("made in the future", {"iat": NOW + 3600}, "future"),
    ("another audience", {"aud": "bank"}, "somebody else"),
    ("no audience", {"aud": None}, "somebody else"),
    ("audience of another kind", {"aud": {"shop": 1}}, "somebody else"),
    ("another issuer", {"iss": "https://evil.example"}, "not trusted"),
    ("no issuer", {"iss": None}, "not trusted"),
    ("a list of issuers", {"iss": [ISSUER]}, "not trusted"),
    ("nobody", {"sub": None}, "who it was given to"),
    ("a number for a name", {"sub": 7}, "who it was given to"),
    ("a name with a line", {"sub": "a\nb"}, "who it was given to"),
    ("a long name", {"sub": "a" * 300}, "who it was given to"),
    ("scopes of another form", {"scope": {"a": 1}}, "scopes"),
    ("scopes that are no texts", {"scope": ["a", 1]}, "scopes"),
    ("critical", {"head": {"crit": ["exp"]}}, "crit"),
    ("critical null", {"head": {"crit": []}}, "crit"),
    ("without base64", {"head": {"b64": False}}, "crit"),
    ("nested", {"head": {"cty": "JWT"}}, "another token"),
    ("a logout", {"head": {"typ": "logout+jwt"}}, "another type"),
    ("typ of another kind", {"head": {"typ": 1}}, "no signed token"),
    ("an unknown key", {"head": {"kid": "k9"}}, "no key"),
    ("a key without a name", {"head": {"kid": ""}}, "names no key"),
    ("a long name of a key", {"head": {"kid": "k" * 300}}, "names no key"),
    ("another's signature", {"number": 1}, "not signed by"),
    ("another algorithm of ours", {"algorithm": "RS256"}, "no key"),
    ("too long", {"pad": "x" * 9000}, "too long"),
    ("no claims", {"body": ["a"]}, "no signed token"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "reason"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG])
async def test_what_is_not_believed(made: dict[str, Any], reason: str) -> None:
    assert reason in await why(token(**made))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "ES256K", "es256"])
async def test_algorithms_that_nobody_asked_for(alg: str) -> None:
    for signature in (b"", packed(b"x" * 64)):
        text = packed({"alg": alg, "kid": "k1"}) + b"." + packed(claims()) + b"." + signature
        assert "algorithm" in await why(text)


async def test_what_is_too_long_is_not_even_read() -> None:
    assert "too long" in await why(b"x" * 8193)
    assert "no signed token" in await why(b"x" * 8192)


async def test_an_unsigned_token() -> None:
    head, body, _ = token().split(b".")
    assert "not signed" in await why(head + b"." + body + b".")
    assert "no signed token" in await why(head + b"." + body)


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
async def test_a_public_key_is_no_secret(form: str) -> None:
    """Whoever knows the public key signs HS256 with it."""
    key = key_of("RSA")
    text = {
        "pem": key.as_pem(private=False),
        "der": key.as_der(private=False),
        "jwk": json.dumps(key.as_dict(private=False)).encode(),
    }[form]
    forged = forged_with(text)
    assert "algorithm" in await why(forged, tokens(jwks(public("RSA", "k1"))))


def forged_with(secret: bytes) -> bytes:
    import hashlib
    import hmac

    signed = packed({"alg": "HS256", "kid": "k1"}) + b"." + packed(claims())
    return signed + b"." + packed(hmac.new(secret, signed, hashlib.sha256).digest())


@pytest.mark.parametrize("named", ["jku", "x5u", "jwk", "x5c"])
async def test_keys_that_a_token_brings_are_not_looked_at(named: str) -> None:
    brought = {
        "jku": "https://evil.example/keys", "x5u": "https://evil.example/cert",
        "jwk": public("P-256", "k1", 1), "x5c": ["MIIB"],
    }  # fmt: skip
    evil = token(number=1, head={named: brought[named]})
    assert "not signed by" in await why(evil)
    assert (await tokens().prove(token(head={named: brought[named]}))).is_known


@pytest.mark.parametrize("text", [
    b"", b".", b"..", b"a.b.c", b"....", b"a" * 100, "é.é.é".encode(), b"\xff.\xff.\xff",
    b"a.b.c.d.e", packed([1]) + b"." + packed({}) + b".",
    packed({"alg": 1}) + b"." + packed({}) + b".", packed({"alg": "ES256"}) + b"..",
    packed(b"[" * 5000) + b"." + packed({}) + b".",
    packed({"alg": "ES256"}) + b"." + packed(b'{"a":' * 1000) + b".",
    packed({"alg": "ES256"}) + b"." + packed(b'{"exp": NaN}') + b".",
    packed({"alg": "ES256"}) + b"." + packed(b'\xff') + b".",
])  # fmt: skip
async def test_what_is_no_token(text: bytes) -> None:
    assert await why(text)


async def test_a_signature_is_written_in_one_way_only() -> None:
    right = token("RS256")
    taking = tokens(jwks(public("RSA", "k1")))
    assert (await taking.prove(right)).is_known
    same = right[:-1] + bytes([right[-1] + 1])  # of the last letter two bits count, the first ones
    last = [urlsafe_b64decode(each.split(b".")[2] + b"==") for each in (right, same)]
    assert last[0] == last[1]
    for other in (right + b"=", same, right + b"\n", b" " + right):
        assert await why(other, taking)


async def test_any_changed_byte_is_seen() -> None:
    right, taking = token(), tokens()
    assert (await taking.prove(right)).is_known
    for at in range(0, len(right), 7):
        other = right[:at] + (b"A" if right[at : at + 1] != b"A" else b"B") + right[at + 1 :]
        assert await why(other, taking)


async def test_each_issuer_has_its_own_keys() -> None:
    other = issuer(issuer="https://other.example")
    both = Tokens(
        [
            Trusted("main", issuer(), FixedKeys(keys_in_set(ONE, PAIRS))),
            Trusted("other", other, FixedKeys(keys_in_set(jwks(public("P-256", "k1", 1)), PAIRS))),
        ],
        time.time,
    )
    assert (await both.prove(token())).name == "main:ada"
    assert (await both.prove(token(number=1, iss=other.issuer))).name == "other:ada"
    assert "not signed by" in await why(token(number=1), both)


async def test_each_issuer_has_its_own_length() -> None:
    short, long = issuer(max_bytes=400), issuer(issuer="https://other.example", max_bytes=8192)
    keys = FixedKeys(keys_in_set(ONE, PAIRS))
    both = Tokens([Trusted("main", short, keys), Trusted("other", long, keys)], time.time)
    more: dict[str, Any] = {"more": "x" * 400}
    assert (await both.prove(token(iss=long.issuer, **more))).is_known
    assert await why(token(**more), both) == "the token is too long"
    assert (await both.prove(token())).is_known


async def test_a_remembered_token_ends_too() -> None:
    now = [float(NOW)]
    expected = issuer(leeway=0)
    keys = FixedKeys(keys_in_set(ONE, PAIRS))
    taking = Tokens([Trusted("main", expected, keys)], lambda: now[0])
    text = token(exp=NOW + 60, iat=None)
    assert await taking.prove(text) is await taking.prove(text), "it was remembered"
    now[0] += 60
    assert "over" in await why(text, taking)


async def test_a_remembered_token_is_checked_again_with_other_keys() -> None:
    keys = FixedKeys(keys_in_set(ONE, PAIRS))
    taking = Tokens([Trusted("main", issuer(), keys)], time.time)
    text = token()
    assert (await taking.prove(text)).is_known
    keys._keys, keys.generation = keys_in_set(jwks(public("P-256", "k1", 1)), PAIRS), 1
    assert "not signed by" in await why(text, taking)


# -- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "reason"), [
    ({"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, "a secret"),
    ({**public("P-256", "k1"), "d": "AAAA"}, "a private key"),
    ({**public("P-256", "k1"), "use": "enc"}, "for something else"),
    ({**public("P-256", "k1"), "key_ops": ["sign"]}, "for something else"),
    ({**public("P-256", "k1"), "alg": "ES384"}, "for another algorithm"),
    ({**public("P-256", "k1"), "y": "AAAA"}, "not on the curve"),
    ({**public("P-256", "k1"), "crv": "secp256k1"}, "another curve"),
    ({**public("P-256", "k1"), "x": 7}, "no text"),
    ({**public("RSA1024", "k1")}, "too small"),
    ({**public("RSA", "k1"), "e": "AQ"}, "no exponent"),
    ({**public("RSA", "k1"), "e": "A" * 400}, "no exponent either"),
    ({**public("RSA", "k1"), "e": "AQAAAAAB"}, "a slow exponent"),
    ({**public("RSA", "k1"), "n": "!!"}, "no number"),
    ({"kty": "AKP", "kid": "k1"}, "an unknown kind"),
    ({"kty": "OKP", "crv": "X25519", "x": public("Ed25519", None)["x"]}, "no key for signatures"),
    ([], "no object"), ("k1", "no object"), (None, "no object"),
], ids=lambda value: value if isinstance(value, str) else None)  # fmt: skip
def test_keys_that_are_passed_by(key: Any, reason: str) -> None:
    with pytest.raises(KeysRefused, match="no key that can be used"):
        keys_in_set(json.dumps({"keys": [key]}).encode(), PAIRS)
    (left,) = keys_in_set(json.dumps({"keys": [key, public("Ed25519", "k2")]}).encode(), PAIRS)
    assert left.kid == "k2"


@pytest.mark.parametrize("body", [
    b"", b"{}", b"[]", b'{"keys": {}}', b'{"keys": []}', b"\xff", b"<html>", b"[" * 100_000,
    b'{"keys": ' + b"[" * 100_000, b'{"keys": [{"kty": ' + b"[" * 100_000,
])  # fmt: skip
def test_what_is_no_set_of_keys(body: bytes) -> None:
    with pytest.raises(KeysRefused):
        keys_in_set(body, PAIRS)


def test_only_so_many_keys_of_a_set_are_looked_at() -> None:
    keys = [public("P-256", f"k{number}") for number in range(MOST_KEYS + 1)]
    found = keys_in_set(jwks(*keys), PAIRS)
    assert len(found) == MOST_KEYS
    assert found[-1].kid == f"k{MOST_KEYS - 1}"


def test_a_key_checks_nothing_that_it_is_not_for() -> None:
    shown = read_token(token("RS384"))
    (both,) = keys_in_set(jwks(public("RSA", "k1")), ("RS256", "RS384"))
    (one,) = keys_in_set(jwks(public("RSA", "k1")), ("RS256",))
    assert is_signed(shown, both)
    assert not is_signed(shown, one)


async def test_keys_in_pem() -> None:
    pem = key_of("P-256").as_pem(private=False) + b"\n" + key_of("RSA").as_pem(private=False)
    assert (await tokens(pem).prove(token(head={"kid": "whatever"}))).is_known
    assert (await tokens(pem).prove(token("RS256"))).is_known
    certificate = certificate_of(key_of("Ed25519"))
    assert (await tokens(certificate).prove(token("EdDSA"))).is_known


def certificate_of(key: Any) -> bytes:
    from datetime import UTC, datetime, timedelta

    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key, 7, now, now + timedelta(days=1))
    return made.sign(key.private_key, None).public_bytes(Encoding.PEM)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    expected = issuer(keys_file=str(file))

    def refused() -> str:
        with pytest.raises(KeysRefused) as caught:
            fixed_keys("main", expected)
        assert str(caught.value).startswith(f"access.tokens.main.keys_file: {file}: ")
        return str(caught.value)

    assert "cannot be read: No such file" in refused()
    file.write_bytes(key_of("P-256").as_pem(private=True))
    assert "a private key" in refused()
    file.write_bytes(key_of("RSA1024").as_pem(private=False))
    assert "no key that can be used" in refused()
    file.write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    assert "no key that can be used" in refused()
    file.write_bytes(b" " * (1 << 21))
    assert "larger than" in refused()

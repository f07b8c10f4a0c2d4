"""The issuers of the settings: where their keys come from, and what is forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from apiql.access.key_set import Fetched, KeySet
from apiql.access.signatures import KeysRefused
from apiql.access.trusted import MOST_BYTES, fixed_keys, trusted_in
from apiql.settings import Issuer
from apiql.sources.call import Call, Reply
from tests.access.signing import AUDIENCE, ISSUER, jwks, public

URL, GONE = "https://issuer.example/keys", "https://gone.example/keys"
BODY = jwks(public("P-256", "k1"))


async def no_layer(call: Call) -> Reply:
    raise AssertionError(call)


def issuer(**more: object) -> Issuer:
    found = {"issuer": ISSUER, "audience": AUDIENCE, "algorithms": ["ES256"], **more}
    return Issuer.model_validate(found)


async def test_what_was_fetched_of_an_issuer_that_is_gone_is_forgotten() -> None:
    kept = Fetched(BODY, 0.0, 600.0)
    memory = {URL: kept, GONE: kept}
    clock = asyncio.get_running_loop().time
    (found,) = trusted_in({"main": issuer(keys_url=URL)}, no_layer, memory, clock)
    assert memory == {URL: kept}
    assert isinstance(found.keys, KeySet)
    assert [key.kid for key in found.keys.keys] == ["k1"], "a reload goes on with what is known"


def test_a_file_of_keys_has_bounds(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(BODY + b" " * (MOST_BYTES - len(BODY)))
    assert fixed_keys("main", issuer(keys_file=str(path)))
    path.write_bytes(BODY + b" " * (MOST_BYTES - len(BODY) + 1))
    with pytest.raises(KeysRefused, match=r"access.tokens.main.keys_file: .*: it is larger than"):
        fixed_keys("main", issuer(keys_file=str(path)))
    path.unlink()
    with pytest.raises(KeysRefused, match="cannot be read: No such file"):
        fixed_keys("main", issuer(keys_file=str(path)))

"""API keys and passwords: what is believed, and that nothing is told by the time it takes."""

from __future__ import annotations

import asyncio
import statistics
import time
from base64 import b64encode
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from apiql.access import passwords as module
from apiql.access.api_keys import proves_keys
from apiql.access.minting import TooShort, key_hash, new_key, password_hash
from apiql.access.passwords import AT_A_TIME, IN_LINE, REMEMBERED_FOR, Passwords
from apiql.access.proof import NotProved, TooMany
from apiql.settings import ApiKey, Scrypt, User, scrypt_of

KEY, OTHER = "apiql_" + "a" * 43, "apiql_" + "b" * 43


def digest(key: str) -> str:
    return "sha256:" + sha256(key.encode()).hexdigest()


def key(*shown: str, **more: object) -> ApiKey:
    return ApiKey.model_validate({"hashes": [digest(each) for each in shown], **more})


# -- API keys -----------------------------------------------------------------------------------


def test_who_shows_a_key() -> None:
    prove = proves_keys({"shop": key(KEY, OTHER, scopes=["a:b"], bucket="acme")}, time.time)
    for shown in (KEY, OTHER):
        found = prove(shown.encode())
        assert (found.name, found.scheme, found.bucket) == ("shop", "key", "acme")
        assert found.scopes == {"a:b"}


@pytest.mark.parametrize(
    "shown", [b"", KEY[:-1].encode(), KEY.encode() + b"x", KEY.encode() + b"\0" * 600, b"\xff",
              digest(KEY).encode(), sha256(KEY.encode()).digest(), KEY.upper().encode()],
)  # fmt: skip
def test_what_is_no_key(shown: bytes) -> None:
    with pytest.raises(NotProved, match="no such key"):
        proves_keys({"shop": key(KEY)}, time.time)(shown)


def test_a_long_key_is_not_known_by_its_beginning() -> None:
    long = "k" * 600
    with pytest.raises(NotProved):
        proves_keys({"shop": key(long[:512])}, time.time)(long.encode())


def test_a_key_has_its_time() -> None:
    now = [datetime(2027, 12, 31, 23, 59, tzinfo=UTC).timestamp()]
    prove = proves_keys({"shop": key(KEY, expires="2027-12-31")}, lambda: now[0])
    assert prove(KEY.encode()).is_known
    now[0] += 60
    with pytest.raises(NotProved, match="the time of the key shop is over"):
        prove(KEY.encode())


@pytest.mark.parametrize("written", [
    "2027-12-31T12:00:00Z", "2027-12-31T13:00:00+01:00",
    datetime(2027, 12, 31, 12, tzinfo=UTC),
], ids=str)  # fmt: skip
def test_an_end_can_be_a_moment(written: object) -> None:
    end = datetime(2027, 12, 31, 12, tzinfo=UTC).timestamp()
    found = key(KEY, expires=written)
    assert proves_keys({"shop": found}, lambda: end)(KEY.encode()).is_known
    with pytest.raises(NotProved):
        proves_keys({"shop": found}, lambda: end + 1)(KEY.encode())
    assert key(KEY, expires=date(2027, 12, 31)) == key(KEY, expires="2027-12-31")


def test_wrong_keys_cost_what_right_ones_cost() -> None:
    """Of each kind the median of many tries in turn; what raises is not what is compared."""
    many = {f"k{number}": key(new_key()) for number in range(1000)}
    prove = proves_keys(
        many | {"shop": key(KEY), "old": key(OTHER, expires="2020-01-01")}, time.time
    )
    kinds = {
        "unknown": b"x" * len(KEY), "nearly": KEY[:-1].encode() + b"b",
        "over": OTHER.encode(), "right": KEY.encode(),
    }  # fmt: skip
    times: dict[str, list[int]] = {kind: [] for kind in kinds}
    for _ in range(5000):
        for kind, shown in kinds.items():
            begun = time.thread_time_ns()
            try:
                prove(shown)
            except NotProved:
                pass
            times[kind].append(time.thread_time_ns() - begun)
    medians = {kind: statistics.median(found) / 1000 for kind, found in times.items()}
    assert max(medians.values()) - min(medians.values()) < 20, medians
    assert abs(medians["unknown"] - medians["nearly"]) < 5, medians


def test_minting() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(len(each) == 49 and each.startswith("apiql_") for each in made)
    shown = made.pop()
    prove = proves_keys({"a": ApiKey(hashes=(key_hash(shown),))}, time.time)
    assert prove(shown.encode()).name == "a"
    for short in ("", "password", "x" * 21):
        with pytest.raises(TooShort):
            key_hash(short)


# -- passwords ----------------------------------------------------------------------------------

HASH = password_hash("correct horse", lambda count: b"\1" * count)


def basic(name: str, password: str) -> bytes:
    return b64encode(f"{name}:{password}".encode())


class Counted:
    """Stands in for the hashing; it counts, and waits until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, right: bytes = b"correct horse") -> None:
        self.seen: list[Scrypt] = []
        self.right = right
        monkeypatch.setattr(module, "matches", self)

    def __call__(self, password: bytes, kept: Scrypt) -> bool:
        self.seen.append(kept)
        return password == self.right and kept == scrypt_of(HASH)


def users(now: list[float] | None = None) -> Passwords:
    clock = [0.0] if now is None else now
    ada = User.model_validate({"hash": HASH, "scopes": ["x"], "bucket": "acme"})
    return Passwords({"ada": ada, "grüß": User(hash=HASH)}, lambda: clock[0])


async def test_a_real_password() -> None:
    found = await users().prove(basic("ada", "correct horse"))
    assert (found.name, found.scheme, found.bucket) == ("ada", "basic", "acme")
    assert found.scopes == {"x"}
    with pytest.raises(NotProved):
        await users().prove(basic("ada", "correct horsf"))


async def test_what_is_right_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, now = Counted(monkeypatch), [0.0]
    known = users(now)
    for _ in range(5):
        await known.prove(basic("ada", "correct horse"))
    assert len(counted.seen) == 1
    for _ in range(3):
        with pytest.raises(NotProved):
            await known.prove(basic("ada", "wrong"))
    assert len(counted.seen) == 4, "what is wrong is not remembered"
    now[0] = REMEMBERED_FOR
    await known.prove(basic("ada", "correct horse"))
    assert len(counted.seen) == 5
    assert b"correct horse" not in repr(list(known._right)).encode()
    assert (await known.prove(basic("grüß", "correct horse"))).name == "grüß"


async def test_nobody_costs_what_somebody_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, known = Counted(monkeypatch), users()
    reasons = set()
    for shown in (basic("ada", "wrong"), basic("bob", "wrong"), basic("bob", "correct horse")):
        with pytest.raises(NotProved) as caught:
            await known.prove(shown)
        reasons.add(caught.value.why)
    assert len(reasons) == 1
    assert len(counted.seen) == 3, "one hash for each"
    assert len({kept[:3] for kept in counted.seen}) == 1, "each of the same cost"
    assert len({len(kept.hash) for kept in counted.seen}) == 1
    assert counted.seen[1] == counted.seen[2] != counted.seen[0]


@pytest.mark.parametrize("shown", [
    b"", b"!!!", b64encode(b"ada"), b64encode(b"\xff:x"), b64encode(b"a:" + b"x" * 2000), b"YQ",
    b"\xff", basic("ada", "correct horse") + b"!",
])  # fmt: skip
async def test_what_is_no_user(shown: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    with pytest.raises(NotProved):
        await users().prove(shown)
    assert not counted.seen


async def test_only_few_are_hashed_and_only_some_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    Counted(monkeypatch)
    known = users()
    shown = [basic("ada", f"wrong{number}") for number in range(IN_LINE + 10)]
    found = await asyncio.gather(*map(known.prove, shown), return_exceptions=True)
    assert sum(isinstance(each, TooMany) for each in found) == 10
    assert sum(isinstance(each, NotProved) for each in found) == IN_LINE
    assert (await known.prove(basic("ada", "correct horse"))).is_known, "the line is free again"


async def test_who_asks_often_at_once_is_hashed_but_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Counted(monkeypatch)
    known = users()
    shown = basic("ada", "correct horse")
    found = await asyncio.gather(*(known.prove(shown) for _ in range(20)))
    assert all(each.is_known for each in found)
    assert len(counted.seen) <= AT_A_TIME


def test_hashes_of_passwords() -> None:
    again = password_hash("correct horse")
    assert again != HASH
    assert module.matches(b"correct horse", scrypt_of(again))
    assert not module.matches(b"correct horse ", scrypt_of(again))
    with pytest.raises(TooShort):
        password_hash("1234567")

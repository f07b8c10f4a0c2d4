"""Every decoder holds for the product's own inputs and for mutations of them; a decoder that
does not is found, and told.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import CI
from tests.fuzz import __main__ as fuzz
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target, TooSlow
from tests.fuzz.targets import TARGETS

MOST_SEEDS = 60
each = pytest.mark.parametrize("name", TARGETS)
assert isinstance(CI, bool)


@functools.cache
def seeds_of(name: str) -> list[bytes]:
    """Some are archives that take a while to pack."""
    return TARGETS[name].seeds()


@each
def test_its_own_inputs(name: str) -> None:
    target = TARGETS[name]
    seeds = seeds_of(name)
    for seed in seeds[:: 1 + len(seeds) // MOST_SEEDS]:
        target.hold(seed)
    target.hold(b"")


@each
@given(st.integers(0, 2**64))
def test_mutations_of_them(name: str, number: int) -> None:
    target = TARGETS[name]
    target.hold(mutated(Random(number), seeds_of(name), target.words))


@each
@given(st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name].hold(data)


def test_a_fault_is_found_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(data: bytes) -> None:
        if b"boom" in data:
            raise KeyError(data)
        if data:
            raise ValueError

    def planted(word: bytes) -> dict[str, Target]:
        return {"planted": Target("planted", decode, (ValueError,), lambda: [b"x", word])}

    monkeypatch.setattr(fuzz, "TARGETS", planted(b"boom"))
    told = ["--minutes", "0.01", "--engine", "blind", "--findings", str(tmp_path / "found")]
    assert fuzz.main(told) == 1
    [kept] = (tmp_path / "found").glob("planted-*")
    assert b"boom" in kept.read_bytes()
    assert kept.name.endswith(hashlib.sha256(kept.read_bytes()).hexdigest()[:12])
    assert "KeyError" in (tmp_path / "found" / f"why-{kept.name}").read_text()
    monkeypatch.setattr(fuzz, "TARGETS", planted(b"calm"))
    assert fuzz.main([*told[:-1], str(tmp_path / "none"), "--seed", "1"]) == 0


def test_what_takes_long_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.target.LONGEST", -1.0)
    with pytest.raises(TooSlow):
        Target("slow", len, (), list).hold(b"x")

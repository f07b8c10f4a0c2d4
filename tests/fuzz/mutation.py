"""Bytes made of other bytes: cut, doubled, swapped, spliced. Random, and the same for a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.target import MOST

INTERESTING = (
    b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x7f", b"\r\n", b"\n", b"\r", b"\t", b" ", b'"', b"'",
    b"\\", b"%", b"%00", b"%2f", b"..", b"/", b"{", b"}", b"[", b"]", b"(", b")", b",", b":", b";",
    b"-1", b"0", b"9" * 20, b"1e999999999999", b"NaN", b"\\ud800", b"\xed\xa0\x80", b"\xc0\x80",
    b"\xef\xbb\xbf", "\u202e".encode(), "\U0001f600".encode(), b"K", b"/*", b"*/", b"--",
)  # fmt: skip
Change = Callable[[Random, bytearray, Sequence[bytes]], None]


def _place(random: Random, data: bytearray) -> tuple[int, int]:
    start = random.randint(0, len(data))
    return start, min(len(data), start + random.choice((0, 1, 1, 2, 4, 16, 200)))


def _flip(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _remove(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    start, end = _place(random, data)
    del data[start:end]


def _double(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    start, end = _place(random, data)
    data[start:start] = data[start:end] * random.choice((1, 1, 2, 8, 100))


def _put(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    start, end = _place(random, data)
    data[start:end] = random.choice(words)


def _insert(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    start, _ = _place(random, data)
    data[start:start] = random.choice(words) * random.choice((1, 1, 1, 2, 100))


def _random(random: Random, data: bytearray, words: Sequence[bytes]) -> None:
    start, end = _place(random, data)
    data[start:end] = random.randbytes(end - start)


CHANGES: tuple[Change, ...] = (_flip, _remove, _double, _put, _insert, _random)


def mutated(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A new input, from one seed or from two."""
    data = bytearray(random.choice(seeds))
    if random.random() < 0.15:
        other = random.choice(seeds)
        data = data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]
    known = (*INTERESTING, *words)
    for _ in range(random.choice((1, 1, 2, 3, 5, 9))):
        random.choice(CHANGES)(random, data, known)
        del data[MOST:]
    return bytes(data)

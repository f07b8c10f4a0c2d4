"""Content codings: undone piece by piece; refused if damaged, cut, nested or a bomb."""

from __future__ import annotations

import functools
import gzip
import random
import tracemalloc
import zlib

import brotli
import pytest

from apiql.errors import CallFailed, Code
from apiql.sources.codings import Decoding, decoding

LIMIT = 8 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    (" GZIP ", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
]
SAMPLES = [b"", b"x", b'{"ok":true}', bytes(200_000), random.Random(1).randbytes(300_000)]


def undo(name: str, data: bytes, step: int = 1 << 16, limit: int = LIMIT) -> bytes:
    found = decoding(name, limit, 100)
    assert found is not None
    for start in range(0, len(data), step):
        found.feed(data[start : start + step])
    return found.end()


@pytest.mark.parametrize("sample", SAMPLES, ids=len)
@pytest.mark.parametrize(("name", "pack"), PACKERS)
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_round_trip_in_pieces_of_any_size(name, pack, sample, step):
    packed = pack(sample)
    if step == 1 and len(packed) > 5000:
        step = 1000
    assert undo(name, packed, step) == sample


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 131_073])
@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_sizes_around_the_inner_step(name, pack, size):
    assert undo(name, pack(b"a" * size)) == b"a" * size


@pytest.mark.parametrize("name", ["", "identity", " Identity "])
def test_no_coding_needs_no_decoding(name):
    assert decoding(name, LIMIT, 100) is None


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_an_empty_body_stays_empty(name):
    assert undo(name, b"") == b""


@pytest.mark.parametrize(
    "name", ["gzip, gzip", "gzip,br", "identity, gzip", "x-rot13", "zstd", "*"]
)
def test_several_and_unknown_codings_are_refused(name):
    with pytest.raises(CallFailed) as failed:
        decoding(name, LIMIT, 100)
    assert failed.value.code is Code.BAD_PAYLOAD


def damaged() -> list[tuple[str, str, bytes]]:
    text = random.Random(2).randbytes(5000)
    zipped = gzip.compress(text)
    return [
        ("gzip cut", "gzip", zipped[:-9]),
        ("gzip without its end", "gzip", zipped[:-4]),
        ("gzip bad crc", "gzip", zipped[:-8] + b"\0\0\0\0" + zipped[-4:]),
        ("gzip bad size", "gzip", zipped[:-4] + b"\1\0\0\0"),
        ("gzip lying", "gzip", b'{"ok":true}'),
        ("gzip junk behind", "gzip", zipped + b"junk"),
        ("gzip one byte behind", "gzip", zipped + b"\x1f"),
        ("gzip zeros behind", "gzip", zipped + bytes(16)),
        ("gzip member cut", "gzip", zipped + zipped[:20]),
        ("gzip many members", "gzip", gzip.compress(b"") * 100),
        ("deflate cut", "deflate", zlib.compress(text)[:-5]),
        ("deflate one byte", "deflate", b"\x78"),
        ("deflate bad sum", "deflate", zlib.compress(text)[:-1] + b"\0"),
        ("deflate junk behind", "deflate", zlib.compress(text) + b"j"),
        ("deflate lying", "deflate", b'{"ok":true}'),
        ("raw deflate cut", "deflate", raw_deflate(text)[:-5]),
        ("br cut", "br", brotli.compress(text)[:-5]),
        ("br junk behind", "br", brotli.compress(text) + b"junk"),
        ("br lying", "br", b'{"ok":true}'),
    ]


@pytest.mark.parametrize("step", [1, 64, 1 << 16])
@pytest.mark.parametrize(("name", "data"), [pytest.param(n, d, id=i) for i, n, d in damaged()])
def test_damage_is_a_bad_payload(name, data, step):
    with pytest.raises(CallFailed) as failed:
        undo(name, data, step)
    assert failed.value.code is Code.BAD_PAYLOAD


def test_gzip_may_have_several_members():
    assert undo("gzip", gzip.compress(b"one ") + gzip.compress(b"two"), 5) == b"one two"


QUICK_BROTLI = functools.partial(brotli.compress, quality=3)
"""As small, in a fortieth of the time."""


@pytest.mark.parametrize(("name", "pack"), [PACKERS[0], *PACKERS[3:5], ("br", QUICK_BROTLI)])
def test_a_bomb_is_stopped_by_its_ratio_with_little_memory(name, pack):
    bomb = pack(bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(CallFailed) as failed:
        undo(name, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert failed.value.code is Code.UPSTREAM_TOO_LARGE
    assert peak < 2 << 20


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_the_cap_of_the_decoded_size_is_exact(name, pack):
    text = random.Random(3).randbytes(100_000)
    assert undo(name, pack(text), limit=100_000) == text
    with pytest.raises(CallFailed) as failed:
        undo(name, pack(text), limit=99_999)
    assert failed.value.code is Code.UPSTREAM_TOO_LARGE


def test_a_high_ratio_of_a_small_body_is_no_bomb():
    assert len(undo("br", brotli.compress(bytes(200_000)))) == 200_000


def test_size_tells_what_is_held():
    found = decoding("gzip", LIMIT, 100)
    assert isinstance(found, Decoding)
    found.feed(gzip.compress(b"abc"))
    assert found.size == 3

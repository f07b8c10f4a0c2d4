"""Archives that a configuration loader must refuse, by what is wrong with them; one is good."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable

GOOD = {"apis/a.json": '{"id": "a", "url": "http://127.0.0.1:9/ok", "method": "GET"}'}


def zipped(entries: Iterable[tuple[str | zipfile.ZipInfo, str]]) -> bytes:
    """An archive of these members, in their order, twins included."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return held.getvalue()


def beside_good(name: str, content: str = "{}") -> bytes:
    """The good file and another one."""
    return zipped([*GOOD.items(), (name, content)])


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, str]:
    """A member that a Unix unpacker makes a symbolic link of."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def lying() -> bytes:
    """A member that unpacks to more than its directory entry says."""
    data = bytearray(zipped([("apis/a.json", "0" * 100_000)]))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 10)
    return bytes(data)


def encrypted(bits: int = 0x1) -> bytes:
    """A member whose entry says that it is encrypted."""
    data = bytearray(good())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= bits
    return bytes(data)


def good() -> bytes:
    """What is accepted."""
    return zipped(GOOD.items())


def crowded(whole: bytes) -> bytes:
    """With far more members in its directory than it says."""
    size, offset = struct.unpack("<2L", whole[-10:-2])
    directory = whole[offset : offset + size] * 10_000
    end = whole[-22:-10] + struct.pack("<2L", len(directory), offset) + whole[-2:]
    return whole[:offset] + directory + end


def evil() -> dict[str, bytes]:
    """Each refused for a reason of its own."""
    whole, crc = good(), zlib.crc32(GOOD["apis/a.json"].encode()).to_bytes(4, "little")
    names = {
        "up and out": "../../evil.json",
        "absolute": "/evil-abs.json",
        "backslashes": "..\\..\\evil.json",
        "a drive": "C:\\evil.json",
        "up from inside": "apis/../../evil.json",
        "a dot": "apis/./evil.json",
        "an empty part": "apis//evil.json",
        "control characters": "apis/a\nb\x1b[2J.json",
        "a long name": "apis/" + "a" * 300 + ".json",
        "many folders": "apis/" + "d/" * 200 + "x.json",
        "another folder": "plugins/evil.json",
        "at the root": "apiql.toml",
        "no json": "apis/__init__.py",
        "two cases": "apis/A.JSON",
        "folder as file": "apis/A.json/x.json",
    }
    contents = {
        "no JSON": "{",
        "deep": "[" * 100_000 + "]" * 100_000,
        "too many digits": "1" * 5000,
        "twin members": '{"id": 1, "id": 2}',
        "another folder's private": '{"id": "b", "private": "../privates/key"}',
        "a private, inside": '{"id": "b", "private": {}, "x": [{"private": "/etc/x"}]}',
    }
    return {
        **{what: beside_good(name) for what, name in names.items()},
        **{what: beside_good("apis/b.json", content) for what, content in contents.items()},
        "a bomb": beside_good("apis/b.json", "0" * (1 << 27)),
        "many, but it says few": crowded(whole),
        "many": zipped((f"apis/{number}.json", "{}") for number in range(1001)),
        "a link": zipped([*GOOD.items(), link("apis/link.json", "/etc/passwd")]),
        "a linked folder": zipped([link("apis", "/tmp"), ("apis/through.json", "{}")]),
        "cut off": whole[: len(whole) // 2],
        "another checksum": whole.replace(crc, b"\0\0\0\0"),
        "a page": b"<html>404</html>",
        "nothing": b"",
        "something before": b"#!/bin/sh\n" + whole,
        "something behind": whole + b"junk" * 1000,
        "larger than it says": lying(),
        "encrypted": encrypted(),
        "encrypted in another way": encrypted(0x40),
        "twins in two cases": beside_good("apis/A.json"),
        "a name that ends early": beside_good("apis/b.jsonXtxt").replace(b"X", b"\0"),
        "an archive before": whole + good(),
        "a comment": whole[:-2] + b"\3\0abc",
        "a comment that is not there": whole[:-2] + b"\3\0",
        "one of several": whole[:-18] + b"\1" + whole[-17:],
    }

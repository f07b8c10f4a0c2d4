"""T26: an archive of definitions writes outside its folder, fills the memory, or brings code."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from apiql.remote import archive
from apiql.remote.archive import ArchiveLimits, ArchiveRefused, read_archive, write_files
from apiql.remote.documents import definition_problem
from tests.security.evil_archives import GOOD, beside_good, evil, good, zipped
from tests.server.archive_site import aes

EVIL = evil()
SEALED = sorted((Path(__file__).parents[1] / "data" / "archives").glob("*.zip"))
"""Made by Info-ZIP 3.0 (ZipCrypto) and pyzipper 0.4.0 (AES), with this password."""
PASSWORD = "pass wörd".encode()
MIB = 1024 * 1024
NAME, FOLDER, JSON = "no path of letters", "can be in an archive", "only .json files"
REASONS = {
    "up and out": NAME, "absolute": NAME, "backslashes": NAME, "a drive": NAME,
    "up from inside": NAME, "a dot": NAME, "an empty part": NAME, "control characters": NAME,
    "a name that ends early": NAME, "a long name": NAME, "many folders": "more than 4 folders",
    "another folder": FOLDER, "at the root": FOLDER, "no json": JSON,
    "two cases": JSON, "twins in two cases": "two cases of letters",
    "folder as file": "a file and a folder", "no JSON": "it is no JSON",
    "deep": "deeper than 64", "too many digits": "too long", "twin members": "stands twice",
    "another folder's private": "by its name alone", "a private, inside": "by its name alone",
    "a bomb": "unpacked it is larger than 67108864", "many": "more than 1000 files",
    "many, but it says few": "larger than that of so many files",
    "a link": "a link or a device", "a linked folder": "a link or a device",
    "cut off": "does not end", "another checksum": "damaged", "a page": "does not begin",
    "nothing": "does not begin", "something before": "does not begin",
    "something behind": "does not end", "an archive before": "not where it says",
    "a comment": "does not end", "a comment that is not there": "has a comment",
    "one of several": "one part of several",
    "larger than it says": "damaged", "encrypted": "it is encrypted",
    "encrypted in another way": "in a way that is not read",
}  # fmt: skip


def test_the_good_one_is_read() -> None:
    assert read_archive(good()) == {name: text.encode() for name, text in GOOD.items()}


def test_folders_may_be_members() -> None:
    found = read_archive(zipped([("apis/", ""), ("apis/x/y.json", "[]")]))
    assert found == {"apis/x/y.json": b"[]"}


@pytest.mark.parametrize("what", EVIL)
def test_each_evil_one_is_refused_for_its_own_reason(what: str) -> None:
    with pytest.raises(ArchiveRefused) as refused:
        read_archive(EVIL[what])
    assert REASONS[what] in refused.value.reason
    assert "refused" in str(refused.value)
    assert str(refused.value).isprintable()


def test_brackets_nest_as_deep_as_the_limit_says() -> None:
    def nested(depth: int, inside: str) -> bytes:
        return beside_good("apis/b.json", "[" * depth + inside + "]" * depth)

    texts = json.dumps({"id": "[{" * 100, "b": '"[' * 100 + "\\"})
    assert len(read_archive(beside_good("apis/b.json", texts))) == 2
    for inside in ("", "1"):
        assert len(read_archive(nested(64, inside))) == 2
        with pytest.raises(ArchiveRefused, match="deeper than 64"):
            read_archive(nested(65, inside))


@pytest.mark.parametrize(
    "content", [b'"' + b'\\"' * 300_000, b'"' * 300_001, b"[" * 600_000, b'["\\'], ids=range(4)
)
def test_what_looks_at_brackets_takes_no_longer_than_they_are_long(content: bytes) -> None:
    """Milliseconds each; what begins anew at each quote would take an hour, and nobody else a turn
    meanwhile.
    """
    before = process_time()
    assert definition_problem(content, 64) is not None
    assert process_time() - before < 5.0


@pytest.mark.parametrize(
    ("name", "taken"), [("", True), ("key", True), ("a.b-c_9", True), (".", False), ("..", False),
                        ("...", False), ("a/b", False), ("a b", False), ("x" * 129, False)]
)  # fmt: skip
def test_a_private_is_named_by_its_name_alone(name: str, taken: bool) -> None:
    for member in ("private", "Private", "PRIVATE"):
        content = json.dumps({"id": "b", "in": [{member: name}]}).encode()
        assert (definition_problem(content, 64) is None) == taken


class Generous:
    """An archive whose members are longer than they say."""

    def open(self, _: zipfile.ZipInfo, pwd: bytes | None = None) -> io.BytesIO:
        return io.BytesIO(b'{"a": 1}' + b" " * 92)


def test_what_is_unpacked_is_counted_whatever_members_say() -> None:
    generous: Any = Generous()
    opened = archive._Opened(generous, b"", None)
    members = [zipfile.ZipInfo(f"apis/{number}.json") for number in range(3)]
    limits = ArchiveLimits(unpacked=250)
    assert len(dict(archive._contents(opened, members[:2], limits))) == 2
    with pytest.raises(ArchiveRefused, match="larger than it says"):
        dict(archive._contents(opened, members, limits))


@pytest.mark.parametrize("file", SEALED, ids=lambda file: file.stem)
def test_what_other_programs_have_encrypted_is_read(file: Path) -> None:
    found = read_archive(file.read_bytes(), password=PASSWORD)
    assert found["apis/a.json"] == GOOD["apis/a.json"].encode()
    assert len(found.get("privates/p.json", b"" * 3044)) in (0, 3044)


@pytest.mark.parametrize("password", [None, b"", b"pass word", PASSWORD + b" "])
@pytest.mark.parametrize("file", SEALED, ids=lambda file: file.stem)
def test_not_with_another_password(file: Path, password: bytes | None) -> None:
    with pytest.raises(ArchiveRefused, match="password") as refused:
        read_archive(file.read_bytes(), password=password)
    assert "pass w" not in str(refused.value)


@pytest.mark.parametrize("file", SEALED, ids=lambda file: file.stem)
def test_each_byte_of_an_encrypted_one_counts(file: Path) -> None:
    """Wherever a byte is another one, it is refused or read as it was: nothing in between."""
    data = file.read_bytes()
    whole = read_archive(data, password=PASSWORD)
    for at in range(0, len(data), 1 if len(data) < 600 else 37):
        turned = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        try:
            found = read_archive(turned, password=PASSWORD)
        except ArchiveRefused:
            continue
        assert set(map(bytes, found.values())) == set(map(bytes, whole.values())), at


def test_a_long_encrypted_one_is_read_to_its_end() -> None:
    """Longer than the pieces it is decrypted in."""
    sums = (hashlib.sha256(number.to_bytes(2)).hexdigest() for number in range(4000))
    text = json.dumps("".join(sums))
    found = read_archive(aes({"apis/a.json": text}), password=PASSWORD)
    assert found == {"apis/a.json": text.encode()}


def test_a_password_does_not_hurt_where_nothing_is_encrypted() -> None:
    assert read_archive(good(), password=PASSWORD) == read_archive(good())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(method: int) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archived:
        archived.writestr("apis/a.json", "{}")
    with pytest.raises(ArchiveRefused, match="a way that is not read"):
        read_archive(held.getvalue())


def test_templates_are_texts() -> None:
    page = zipped([("templates/page.tmpl", "<p>{{.x}}</p>"), ("templates/x.html", "")])
    assert read_archive(page)["templates/page.tmpl"] == b"<p>{{.x}}</p>"
    for name in ("apis/page.tmpl", "templates/page.py", "templates/page.so"):
        with pytest.raises(ArchiveRefused, match="files in folders can be there"):
            read_archive(zipped([(name, "x")]))


def test_a_name_twice_is_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns where it writes one
        twins = zipped([*GOOD.items(), ("apis/a.json", '{"id": "a"}')])
    with pytest.raises(ArchiveRefused, match="twice"):
        read_archive(twins)


BOMBS = {what: EVIL[what] for what in ("a bomb", "many", "deep", "larger than it says")}
BOMBS |= {
    "an encrypted bomb": aes({"apis/a.json": "0" * (1 << 26)}),
    "an encrypted one that lies": aes({"apis/a.json": "0" * (1 << 26)}, says=10),
}


@pytest.mark.parametrize("what", BOMBS)
def test_no_memory_for_it(what: str) -> None:
    limits = ArchiveLimits(unpacked=1 << 20) if "encrypted" in what else ArchiveLimits()
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveRefused):
            read_archive(BOMBS[what], limits, PASSWORD)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB


def test_limits_are_told() -> None:
    with pytest.raises(ArchiveRefused, match="larger than 10 bytes"):
        read_archive(good(), ArchiveLimits(bytes=10))
    with pytest.raises(ArchiveRefused, match="unpacked it is larger than 10 bytes"):
        read_archive(good(), ArchiveLimits(unpacked=10))
    with pytest.raises(ArchiveRefused, match="more than 1 files"):
        read_archive(beside_good("apis/b.json"), ArchiveLimits(files=1))


def test_no_value_is_told() -> None:
    secret = beside_good("privates/key.json", '{"name": "S3CRET", ')
    with pytest.raises(ArchiveRefused) as refused:
        read_archive(secret)
    assert "S3CRET" not in str(refused.value)
    assert "privates/key.json" in str(refused.value)


def test_the_files_take_the_folders_place(tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "remote"
    write_files(read_archive(good()), folder)
    assert (folder / "apis/a.json").read_text() == GOOD["apis/a.json"]
    write_files({"flows/b.json": b"{}"}, folder)
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.json")] == [
        "flows/b.json"
    ]
    assert os.listdir(folder.parent) == ["remote"], "nothing is left beside it"


def test_private_values_are_their_owners(tmp_path: Path) -> None:
    """Encrypted in the archive, they do not lie open beside the server."""
    write_files({"privates/x/k.json": b"{}", "apis/a.json": b"{}"}, tmp_path / "remote")
    found = (tmp_path / "remote" / "privates" / "x" / "k.json").stat().st_mode
    assert found & 0o077 == 0


def test_what_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "remote"
    write_files(read_archive(good()), folder)

    def full(path: Path, content: bytes, mode: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(archive, "_write", full)
    with pytest.raises(OSError, match="no space"):
        write_files({"flows/b.json": b"{}"}, folder)
    assert (folder / "apis/a.json").exists()
    assert os.listdir(tmp_path) == ["remote"]


def test_a_folder_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "remote"
    write_files(read_archive(good()), folder)
    rename = Path.rename

    def refusing(path: Path, to: Path) -> Path:
        if to == folder and "-old" not in path.name:
            raise OSError(16, "busy")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="busy"):
        write_files({"flows/b.json": b"{}"}, folder)
    assert (folder / "apis/a.json").exists()
    assert os.listdir(tmp_path) == ["remote"]


def test_zipfile_itself_would_have_taken_some(tmp_path: Path) -> None:
    """Why members are looked at one by one."""
    with zipfile.ZipFile(io.BytesIO(EVIL["up and out"])) as archived:
        archived.extractall(tmp_path)
    assert (tmp_path / "evil.json").exists()

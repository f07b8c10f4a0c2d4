"""A conf folder that came as a zip archive: read whole and checked, or refused whole.

Nothing of it is written before all of it was found good, and nothing is taken from an archive that
decides what a process may do: settings, stored queries and plug-ins stay the operator's own.
The format is that of PKWARE's APPNOTE 6.3, sections 4.3.12 and 4.3.16; only what it calls stored
and deflated members, in one piece; with a password also such as are encrypted with its ZipCrypto or
with AES (cipher.py). Knows nothing of what the files mean.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from apiql.errors import ApiqlError
from apiql.remote.cipher import AES, NoCipher, WrongPassword, decrypted
from apiql.remote.documents import definition_problem

_MIB = 1024 * 1024
FOLDERS = ("apis", "flows", "httpapis", "privates", "rights", "schedules", "templates")
"""What may be in an archive."""
_TEMPLATES, _PRIVATES = "templates", "privates"
TEXTS = (".html", ".json", ".tmpl", ".txt")
"""What may be in its folder `templates`; elsewhere all is JSON."""
_PART = re.compile(r"[\w.-]{1,128}")
_END = struct.Struct("<4s4H2LH")
"""The end of the central directory."""
_ENTRY = 4096
"""The most bytes of the directory for each member: who says of few members what is of many, so that
all of them are made before they are counted, is refused.
"""
_CHUNK = 64 * 1024
_ENCRYPTED, _STRONG = 0x1, 0x40
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, AES)
_NO_FIT = "the password does not fit, or it is damaged"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """The most that an archive may hold: bytes as sent, bytes unpacked, files, folders in folders,
    and brackets in brackets of one document.
    """

    bytes: int = 16 * _MIB
    unpacked: int = 64 * _MIB
    files: int = 1000
    folders: int = 4
    nesting: int = 64


LIMITS = ArchiveLimits()


class ArchiveRefused(ApiqlError):
    """An archive that is not used, with the member that is to blame and the reason."""

    def __init__(self, reason: str, member: str = "") -> None:
        self.reason = reason
        self.member = member
        shown = ascii(member[:80]) + ": " if member else ""
        super().__init__(f"the archive is refused: {shown}{reason}")


def read_archive(
    data: bytes, limits: ArchiveLimits = LIMITS, password: bytes | None = None
) -> Mapping[str, bytes]:
    """The files of an archive by their paths (`apis/weather.json`), all checked. With a password,
    members may be encrypted; those that are not are taken too.

    Raises:
        ArchiveRefused: anything in it is not as it must be.
    """
    count = _check_frame(data, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            members = opened.infolist()
            if len(members) != count:
                raise ArchiveRefused("its directory has not as many members as it says")
            _check_members(members, limits, password)
            return dict(_contents(_Opened(opened, data, password), members, limits))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise ArchiveRefused(f"it is damaged ({type(error).__name__})") from None
    except (UnicodeDecodeError, RuntimeError, ValueError, OSError):
        raise ArchiveRefused("it is damaged, or of a kind that is not read") from None


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Puts the files in the folder's place, all at once: whoever looks sees the old ones or the new
    ones, and after a crash one of both is whole. What stood there before is gone afterwards.
    Private values are for nobody else to read.

    Raises:
        OSError: they cannot be written; the folder is as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = new.with_name(f"{new.name}-old")
    try:
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content, 0o600 if name.startswith(f"{_PRIVATES}/") else 0o644)
        new.chmod(0o755)
        for inner in (new, *(path for path in new.rglob("*") if path.is_dir())):
            _settle(inner)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        _settle(folder.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """The names in a folder are on the disk, where its file system can say so."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(opened)
    finally:
        os.close(opened)


def _check_frame(data: bytes, limits: ArchiveLimits) -> int:
    """How many members it has. Looks at the last bytes alone: an archive that lies about its size
    costs nothing.
    """
    if len(data) > limits.bytes:
        raise ArchiveRefused(f"it is larger than {limits.bytes} bytes")
    if not data.startswith(b"PK\x03\x04"):
        raise ArchiveRefused("it does not begin as a zip archive does")
    start = len(data) - _END.size
    if start < 0 or data[start : start + 4] != b"PK\x05\x06":
        raise ArchiveRefused("it does not end as a zip archive does: cut off, or followed by more")
    _, disk, first, here, files, size, offset, comment = _END.unpack(data[start:])
    if disk or first or here != files or comment:
        raise ArchiveRefused("it is one part of several, or has a comment")
    if files > limits.files:
        raise ArchiveRefused(f"it has more than {limits.files} files")
    if size > files * _ENTRY:
        raise ArchiveRefused("its directory is larger than that of so many files")
    if offset + size != start:
        raise ArchiveRefused("its directory is not where it says")
    return int(files)


def _check_members(
    members: list[zipfile.ZipInfo], limits: ArchiveLimits, password: bytes | None
) -> None:
    seen: set[str] = set()
    folders: set[str] = set()
    for member in members:
        _check_kind(member, password)
        _check_name(member, limits)
        folded = member.filename.rstrip("/").casefold()
        if folded in seen:
            raise ArchiveRefused("it is there twice, or in two cases of letters", member.filename)
        seen.add(folded)
        if not member.is_dir():
            folders.update(map(str, PurePosixPath(folded).parents))
    for member in members:
        if not member.is_dir() and member.filename.casefold() in folders:
            raise ArchiveRefused("it is a file and a folder", member.filename)
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked:
        raise ArchiveRefused(f"unpacked it is larger than {limits.unpacked} bytes")


def _check_kind(member: zipfile.ZipInfo, password: bytes | None) -> None:
    name = member.orig_filename
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ArchiveRefused("it is a link or a device, no file", name)
    if member.compress_type not in _READ or member.flag_bits & _STRONG:
        raise ArchiveRefused("it is packed or encrypted in a way that is not read", name)
    if password is None and member.flag_bits & _ENCRYPTED:
        raise ArchiveRefused("it is encrypted, and there is no password", name)


def _check_name(member: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    name = member.orig_filename
    folders, last = name.split("/")[:-1], name.rpartition("/")[2]
    parts = [*folders, last] if last else folders
    if not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        raise ArchiveRefused("its name is no path of letters, digits, `_`, `-` and `.`", name)
    if len(folders) > limits.folders:
        raise ArchiveRefused(f"it lies in more than {limits.folders} folders", name)
    if parts[0] not in FOLDERS:
        raise ArchiveRefused(f"only {', '.join(FOLDERS)} can be in an archive", name)
    endings = TEXTS if parts[0] == _TEMPLATES else (".json",)
    if last and not last.endswith(endings):
        raise ArchiveRefused(f"only {', '.join(endings)} files in folders can be there", name)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An archive, the bytes of it, and what its members may be encrypted with."""

    archive: zipfile.ZipFile
    data: bytes
    password: bytes | None


def _contents(
    opened: _Opened, members: list[zipfile.ZipInfo], limits: ArchiveLimits
) -> Iterator[tuple[str, bytes]]:
    left = limits.unpacked
    for member in members:
        if member.is_dir():
            continue
        content = _unpacked(opened, member, left)
        left -= len(content)
        problem = _problem(member.filename, content, limits)
        if problem is not None:
            raise ArchiveRefused(problem, member.filename)
        yield member.filename, content


def _problem(name: str, content: bytes, limits: ArchiveLimits) -> str | None:
    if not name.endswith(".json"):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return "it is not UTF-8"
        return None
    return definition_problem(content, limits.nesting)


def _unpacked(opened: _Opened, member: zipfile.ZipInfo, most: int) -> bytes:
    """A member, read no further than it says it goes; its checksum is looked at on the way."""
    if not member.flag_bits & _ENCRYPTED:
        return _read(opened, member, most)
    name = member.filename
    try:
        if member.compress_type == AES:
            return decrypted(opened.data, member, opened.password or b"", most)
        return _read(opened, member, most)
    except WrongPassword:
        raise ArchiveRefused("the password does not fit", name) from None
    except NoCipher:
        wrong = "it is encrypted with AES, which needs pip install 'apiql[auth]'"
        raise ArchiveRefused(wrong, name) from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, IndexError):
        raise ArchiveRefused(_NO_FIT, name) from None


def _read(opened: _Opened, member: zipfile.ZipInfo, most: int) -> bytes:
    found = bytearray()
    with opened.archive.open(member, pwd=opened.password) as file:
        while chunk := file.read(_CHUNK):
            found += chunk
            if len(found) > most:
                raise ArchiveRefused("unpacked it is larger than it says", member.filename)
    return bytes(found)

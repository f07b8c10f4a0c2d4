"""The private values of a conf folder: `privates/**/*.json`, each known as `<file>.<name>`.

They belong to the folder that they are read from. Who asks is told what is wrong with them with
file, line and column, and never a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from apiql.errors import ValueRefused
from apiql.settings.private_file import SEALED, Entry, SealBroken, read_private_file, with_values
from apiql.settings.private_keys import KEY, KEY_FILE, private_key
from apiql.settings.problems import SettingProblem, SettingsError

FOLDER = "privates"
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Privates:
    """Private values by their full names; `key` is what they are sealed with, if they may be."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PrivateEntries:
    """A file as it is, and its entries by their full names."""

    file: Path
    text: str = field(repr=False)
    entries: tuple[tuple[str, Entry], ...]

    def changed(self, change: Callable[[str, str], str]) -> str:
        """The text of the file with other values; the very same where none is another."""
        new = {entry.name: change(name, entry.value) for name, entry in self.entries}
        if all(new[entry.name] == entry.value for _, entry in self.entries):
            return self.text
        return with_values(self.text, new)


def read_privates(
    conf: Path | None, environ: Mapping[str, str], is_lenient: bool = False
) -> Privates:
    """All private values of a folder; where it is lenient, those that can be read: what is wrong
    with the others is for somebody else to tell.

    Raises:
        SettingsError: with every problem of their files.
    """
    key = private_key(environ)
    values: dict[str, str] = {}
    files, problems = _read(conf)
    for found in files:
        for name, entry in found.entries:
            try:
                values[name] = _opened(entry, name, key)
            except _Refused as refused:
                problems.append(_at(entry, found.file, name, refused))
    if problems and not is_lenient:
        raise SettingsError(tuple(problems))
    return Privates(values, key)


def opening_privates(environ: Mapping[str, str]) -> Callable[[str, str], str]:
    """Opens a value under its full name, if it is sealed; one that is not is as it is.

    Raises (what it gives):
        ValueRefused: it cannot be opened.
    """

    def opened(name: str, value: str) -> str:
        if not value.startswith(SEALED):
            return value
        try:
            return _opened(Entry(name, value), name, private_key(environ))
        except _Refused as refused:
            raise ValueRefused(refused.wrong, refused.expected) from None

    return opened


def private_entries(conf: Path | None) -> Iterator[PrivateEntries]:
    """The files with what they say, values as they are written.

    Raises:
        SettingsError: with every problem of them.
    """
    whole, problems = _read(conf)
    if problems:
        raise SettingsError(tuple(problems))
    yield from whole


def _read(conf: Path | None) -> tuple[list[PrivateEntries], list[SettingProblem]]:
    problems: list[SettingProblem] = []
    whole: list[PrivateEntries] = []
    for file, stem in private_files(conf):
        text = _text(file, problems)
        if text is not None:
            found = read_private_file(text, str(file))
            problems += found.problems
            named = tuple((f"{stem}.{entry.name}", entry) for entry in found.entries)
            whole.append(PrivateEntries(file, text, named))
    problems += _twins(whole)
    return whole, problems


def _twins(files: Iterable[PrivateEntries]) -> Iterator[SettingProblem]:
    """Names that two files have together: `a.json` with `b.c`, and `a.b.json` with `c`."""
    known: dict[str, Path] = {}
    for found in files:
        for name, entry in found.entries:
            if known.setdefault(name, found.file) != found.file:
                wrong = f"{known[name]} has a private of this full name too"
                place = (str(found.file), entry.line, entry.column)
                yield SettingProblem(name, wrong, "a name of its own", None, *place)


def private_files(conf: Path | None) -> Iterator[tuple[Path, str]]:
    """The files in order, each with what its values are called by: its path in the folder without
    `.json`. What begins with a dot is not looked at.
    """
    folder = None if conf is None else conf / FOLDER
    if folder is None or not folder.is_dir():
        return
    for file in sorted(folder.rglob("*.json")):
        inner = file.relative_to(folder)
        if file.is_file() and not any(part.startswith(".") for part in inner.parts):
            yield file, inner.as_posix().removesuffix(".json")


class _Refused(Exception):
    """Why a value cannot be read, and what to do."""

    def __init__(self, wrong: str, expected: str) -> None:
        super().__init__(wrong)
        self.wrong, self.expected = wrong, expected


def _text(file: Path, problems: list[SettingProblem]) -> str | None:
    try:
        with file.open("rb") as opened:
            found = opened.read(MOST_BYTES + 1)
        if len(found) <= MOST_BYTES:
            return found.decode()
        wrong = f"the file is larger than {MOST_BYTES} bytes"
    except OSError as error:
        wrong = f"the file cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        wrong = "the file is not UTF-8"
    problems.append(SettingProblem("", wrong, file=str(file)))
    return None


def _opened(entry: Entry, name: str, key: bytes | None) -> str:
    if not entry.value.startswith(SEALED):
        return entry.value
    if key is None:
        expected = f"the key in {KEY}, or the name of its file in {KEY_FILE}"
        raise _Refused("the value is encrypted, and there is no key", expected)
    try:
        return unsealed(entry.value, name, key)
    except SealBroken as broken:
        expected = "the key and the name that it was encrypted with"
        raise _Refused(f"the value cannot be decrypted: {broken}", expected) from None


def sealed(text: str, name: str, key: bytes, nonce: bytes) -> str:
    """A value as it is kept; the nonce must be one that was never used with this key."""
    check_cipher()
    from apiql.settings.sealing import seal  # the cipher comes with an extra

    return seal(text, name, key, nonce)


def unsealed(text: str, name: str, key: bytes) -> str:
    """The value that was sealed under this full name.

    Raises:
        SealBroken: with another key or name, or it was damaged.
    """
    check_cipher()
    from apiql.settings.sealing import unseal

    return unseal(text, name, key)


def check_cipher() -> None:
    """Whether values can be encrypted and decrypted here.

    Raises:
        SettingsError: a package is missing.
    """
    if find_spec("cryptography") is None:
        wrong = "the package that encrypts private values is not installed"
        raise SettingsError((SettingProblem("", wrong, "pip install 'apiql[auth]'"),))


def _at(entry: Entry, file: Path, name: str, refused: _Refused) -> SettingProblem:
    return SettingProblem(
        name, refused.wrong, refused.expected, None, str(file), entry.line, entry.column
    )

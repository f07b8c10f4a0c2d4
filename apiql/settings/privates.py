"""The private values of a conf folder: `privates/**/*.json`, each known as `<file>.<name>`.

They belong to the folder that they are read from. Who asks is told what is wrong with them with
file, line and column, and never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from apiql.settings.private_file import Entry, read_private_file
from apiql.settings.private_key import KEY, KEY_FILE, private_key
from apiql.settings.problems import SettingProblem, SettingsError

FOLDER = "privates"
SEALED = "enc:v1:"
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Privates:
    """Private values by their full names; `key` is what they are sealed with, if they may be."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: bytes | None = field(default=None, repr=False)


def read_privates(conf: Path | None, environ: Mapping[str, str]) -> Privates:
    """All private values of a folder.

    Raises:
        SettingsError: with every problem of their files.
    """
    key = private_key(environ)
    values: dict[str, str] = {}
    problems: list[SettingProblem] = []
    for file, stem in private_files(conf):
        text = _text(file, problems)
        found = read_private_file(text, str(file)) if text is not None else None
        for entry in found.entries if found else ():
            name = f"{stem}.{entry.name}"
            try:
                values[name] = _opened(entry, name, key)
            except _Refused as refused:
                problems.append(_at(entry, file, name, refused))
        problems += found.problems if found else ()
    if problems:
        raise SettingsError(tuple(problems))
    return Privates(values, key)


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
    check_cipher()
    from apiql.settings.sealing import SealBroken, unseal  # the cipher comes with an extra

    try:
        return unseal(entry.value, name, key)
    except SealBroken as broken:
        expected = "the key and the name that it was encrypted with"
        raise _Refused(f"the value cannot be decrypted: {broken}", expected) from None


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

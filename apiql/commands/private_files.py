"""The files of private values, encrypted, decrypted and encrypted anew in place: each file is
replaced whole or not at all, and none before all of them could be read. Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from apiql.documents.whole_file import put_in_place
from apiql.errors import ApiqlError
from apiql.settings import (
    SEALED,
    SealBroken,
    check_cipher,
    private_entries,
    private_key,
    sealed,
    unsealed,
)

NEW = "_NEW"
"""At the end of the variables that name the key to change to."""
NONCE_BYTES = 12
Random = Callable[[int], bytes]
Change = Callable[[str, str], str]
"""The full name of a value and the value -> what is kept in its place."""


class PrivateRefused(ApiqlError):
    """Private values that cannot be rewritten."""


def key_of(environ: Mapping[str, str], suffix: str = "") -> bytes:
    """The key to seal with.

    Raises:
        SettingsError: it is no key.
        PrivateRefused: there is none.
    """
    check_cipher()
    found = private_key(environ, suffix)
    if found is None:
        wanted = f"APIQL_PRIVATES_KEY{suffix} or APIQL_PRIVATES_KEY_FILE{suffix}"
        raise PrivateRefused(f"there is no key: {wanted} names 32 random bytes in base64")
    return found


def sealing(key: bytes, random: Random) -> Change:
    """Encrypts what is not encrypted."""

    def change(name: str, value: str) -> str:
        return value if value.startswith(SEALED) else sealed(value, name, key, random(NONCE_BYTES))

    return change


def opening(key: bytes) -> Change:
    """Decrypts what is encrypted."""

    def change(name: str, value: str) -> str:
        try:
            return unsealed(value, name, key) if value.startswith(SEALED) else value
        except SealBroken as broken:
            raise PrivateRefused(f"{name}: the value cannot be decrypted: {broken}") from None

    return change


def turning(old: bytes, new: bytes, random: Random) -> Change:
    """Encrypts with another key what is encrypted, and what is not."""
    opened, closed = opening(old), sealing(new, random)
    return lambda name, value: closed(name, opened(name, value))


def rewrite_privates(conf: Path, change: Change, only: Iterable[Path] = ()) -> list[str]:
    """Changes the values of a folder's files, or only of these; the names of those that differ.

    Raises:
        SettingsError: a file cannot be read.
        PrivateRefused: a value cannot be changed, or a file is none of the folder's.
    """
    found = list(private_entries(conf))
    chosen = {file.resolve() for file in only}
    strange = chosen - {each.file.resolve() for each in found}
    if strange:
        raise PrivateRefused(f"{min(strange)}: is no file of private values in {conf}")
    new = [(each, each.changed(change)) for each in found
           if not chosen or each.file.resolve() in chosen]  # fmt: skip
    different = [(each, text) for each, text in new if text != each.text]
    for each, text in different:
        try:
            put_in_place(each.file, text.encode())
        except OSError as error:
            raise PrivateRefused(f"{each.file}: cannot be written: {error.strerror}") from None
    return [str(each.file) for each, _ in different]

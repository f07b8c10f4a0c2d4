"""The key of private values, from the environment or a file that only its owner reads. Knows no
cipher.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from apiql.settings.problems import SettingProblem, SettingsError

KEY, KEY_FILE = "APIQL_PRIVATES_KEY", "APIQL_PRIVATES_KEY_FILE"
KEY_BYTES = 32
_EXPECTED = "32 random bytes in base64: openssl rand -base64 32"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST = 4096


def private_key_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The file of the key, where the environment names one."""
    file = environ.get(KEY_FILE, "")
    return (file,) if file else ()


def private_key(environ: Mapping[str, str], suffix: str = "") -> bytes | None:
    """The key of the environment; None where it names none. With a suffix, that of the variables
    whose names end so.

    Raises:
        SettingsError: the variable or the file holds no key, or others may read the file.
    """
    name, file_name = KEY + suffix, KEY_FILE + suffix
    text, file = environ.get(name, ""), environ.get(file_name, "")
    if text and file:
        raise _refused(name, f"{file_name} is set too", "one of both")
    if text:
        return _key(text, name)
    return _key(_read(Path(file), file_name), file_name) if file else None


def _read(file: Path, variable: str) -> str:
    try:
        opened = os.open(file, os.O_RDONLY)
        with os.fdopen(opened, "rb") as found:
            mode = os.fstat(opened).st_mode
            if not stat.S_ISREG(mode) or mode & _OTHERS:
                wrong = "the file of the key may be read by others than its owner"
                raise _refused(variable, wrong, "a file with mode 0600: chmod 600")
            return found.read(_MOST).decode("ascii")
    except OSError as error:
        wrong = f"the file of the key cannot be read: {error.strerror}"
        raise _refused(variable, wrong, _EXPECTED) from None
    except UnicodeDecodeError:
        raise _refused(variable, "the file holds no key", _EXPECTED) from None


def _key(text: str, variable: str) -> bytes:
    try:
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != KEY_BYTES:
        raise _refused(variable, "this is no key", _EXPECTED)
    return found


def _refused(variable: str, wrong: str, expected: str) -> SettingsError:
    return SettingsError((SettingProblem("", wrong, expected, variable=variable),))

"""Where fetched definitions are, and what stands beside that folder: a lock, what is known of the
archive that it came from, and what a crash has left. Knows no archive.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from apiql.settings import Settings

if sys.platform != "win32":
    import fcntl

FOLDER = "remote"
"""What the folder of fetched definitions is called."""
USUAL = "conf"
"""Where that stands if neither the settings nor the command line say so."""
SHOWN = 12
"""Digits of a revision."""
_SUM = re.compile(r"[0-9a-f]{64}")
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,512}"')
_MOST = 4096


@dataclass(frozen=True, slots=True)
class State:
    """Which archive a folder holds: the key of its URL, its hash, its ETag, how many files."""

    url: str
    sha256: str
    etag: str | None
    files: int

    @property
    def revision(self) -> str:
        """The beginning of its hash."""
        return self.sha256[:SHOWN]


def remote_folder(settings: Settings, conf: Path | None) -> Path:
    """Where fetched definitions are, if there are any."""
    return Path(settings.remote.folder or conf or USUAL) / FOLDER


class Lock:
    """The right to change a folder, of one process at a time; it ends with the process too."""

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._file = _beside(folder, "lock").open("ab")

    def taken(self) -> bool:
        """Takes it, unless another has it; where there are no such locks, always."""
        if sys.platform == "win32":
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Gives it back."""
        self._file.close()


def state_of(folder: Path, url: str, pinned: str | None) -> State | None:
    """What is known of a folder; None where it is not there, came from elsewhere, or is not what it
    must be.
    """
    if not folder.is_dir():
        return None
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        found = _checked(json.loads(_beside(folder, "json").read_bytes()[:_MOST]))
        if found is not None and found.url == url and pinned in (None, found.sha256):
            return found
    return None


def _checked(read: Any) -> State | None:
    url, found, etag, files = (read[name] for name in ("url", "sha256", "etag", "files"))
    if _SUM.fullmatch(found) is None or type(files) is not int:
        return None
    return State(str(url), found, etag, files) if etag is None or _ETAG.fullmatch(etag) else None


def write_state(folder: Path, state: State) -> None:
    """Keeps it; a tag that is none is forgotten."""
    if state.etag is not None and _ETAG.fullmatch(state.etag) is None:
        state = State(state.url, state.sha256, None, state.files)
    new, file = _beside(folder, "new"), _beside(folder, "json")
    with new.open("w", encoding="utf-8") as opened:
        json.dump(asdict(state), opened)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)


def mended(folder: Path) -> None:
    """Takes away what a process left that ended in the midst of a change: the folder before it is
    put back if there is none in its place.
    """
    for left in sorted(folder.parent.glob(f".{folder.name}-*")):
        if left.name.endswith("-old") and not folder.exists():
            left.rename(folder)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path, ending: str) -> Path:
    return folder.with_name(f".{folder.name}.{ending}")

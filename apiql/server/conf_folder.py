"""The conf folder as it is on disk: whether anything in it has changed, and what it is as a whole.
Knows files, and nothing of what they mean.

It is looked at by `stat`, again and again, and not by the kernel's notifications: those do not come
from network file systems nor across a link that is put in another's place, which is how containers
are given their configuration; and a look at 200 files costs a millisecond.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SUFFIXES = (".toml", ".apiql", ".json", ".env")
"""Endings of the files that are read."""
BARE = frozenset((".json", ".env"))
"""Files that are nothing but an ending, as gateways call theirs."""
MOST_FOLDERS = 11
"""Folders in folders; a link that leads back to its own folder ends here."""
SHOWN = 12
"""Digits of a revision."""

Look = Mapping[str, tuple[int, ...]]
"""What tells one state of a file from another, by its path."""


def look_at(conf: Path | None, others: Iterable[str] = ()) -> Look:
    """The folder's files as they are now, and other files, or all of other folders, that the
    settings name.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path in _paths(conf, others):
        try:
            stat = os.stat(path)
        except OSError as error:
            found[path] = (error.errno or 0,)
        else:
            found[path] = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_dev
    return found


def revision_of(conf: Path | None, others: Iterable[str] = ()) -> str:
    """The beginning of a hash of names and contents: the same wherever the folder stands."""
    whole = hashlib.sha256()
    for path in _paths(conf, others):
        try:
            content = Path(path).read_bytes()
        except OSError:
            content = b""
        name = path if conf is None else os.path.relpath(path, conf)
        whole.update(f"{len(name)} {name} {len(content)} ".encode("utf-8", "surrogateescape"))
        whole.update(content)
    return whole.hexdigest()[:SHOWN]


def _paths(conf: Path | None, others: Iterable[str]) -> Iterator[str]:
    """In order. What begins with a dot is not looked at, but a link to such a thing is, and what
    is called by its ending alone.
    """
    if conf is not None:
        yield from _files(conf, SUFFIXES)
    for other in sorted(others):
        if os.path.isdir(other):
            yield from _files(Path(other), ("",))
        else:
            yield other


def _files(top: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    for folder, folders, files in os.walk(top, followlinks=True):
        inner = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(inner.relative_to(top).parts) >= MOST_FOLDERS:
            folders.clear()
        for name in sorted(files):
            if name in BARE or (name.endswith(suffixes) and not name.startswith(".")):
                yield str(inner / name)

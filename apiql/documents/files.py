"""The files of a folder and their texts, bounded; what cannot be read is told. Knows no kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apiql.errors import Location
from apiql.json_nodes import Lines
from apiql.json_text import NoText, decoded

MOST_BYTES = 1 << 20
"""Of one file."""
MOST_FILES = 10_000
MOST_FOLDERS = 8
"""Folders in folders."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file or a folder cannot be read."""

    path: Path
    wrong: str
    at: Location | None = None
    expected: str | None = None


def files_under(top: Path) -> Iterator[Path | Trouble]:
    """The files in order, what begins with a dot left out; links to folders are not followed."""
    count = 0
    troubles: list[Trouble] = []
    for folder, folders, files in os.walk(top, onerror=lambda e: troubles.append(_unlisted(e))):
        inner = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(inner.relative_to(top).parts) >= MOST_FOLDERS and folders:
            yield Trouble(inner, f"folders go deeper than {MOST_FOLDERS}")
            folders.clear()
        for name in sorted(files):
            count += not name.startswith(".")
            if count > MOST_FILES:
                yield Trouble(top, f"there are more than {MOST_FILES} files")
                return
            if not name.startswith("."):
                yield inner / name
    yield from (trouble for trouble in troubles if trouble.path.exists())


def text_of(path: Path) -> str | Trouble:
    """The text of a file; pipes and devices are not waited for."""
    try:
        if not path.is_file():
            return Trouble(path, "is no file that can be read")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            return Trouble(path, f"is larger than {MOST_BYTES} bytes")
        return decoded(data)
    except OSError as error:
        return Trouble(path, f"cannot be read: {error.strerror}")
    except NoText as refused:
        at = Lines(refused.before).location(len(refused.before))
        return Trouble(path, str(refused), at, "UTF-8")


def _unlisted(error: OSError) -> Trouble:
    return Trouble(Path(error.filename), f"cannot be read: {error.strerror}")

"""Where definitions of APIHUB are read from: the folders of the settings, and over them those that
were fetched. Knows nothing of what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from apiql.remote.archive import FOLDERS
from apiql.remote.state import remote_folder
from apiql.settings import Settings


def folders_of(settings: Settings, conf: Path | None) -> Mapping[str, Path]:
    """The folders to read in place of those of the conf folder, by what stands in them (`apis`,
    `flows`, …), as `read_folder` takes them. What was fetched stands in place of both.
    """
    fetched = remote_folder(settings, conf) if settings.remote.url is not None else None
    inner = {} if fetched is None else {kind: fetched / kind for kind in FOLDERS}
    return {
        **settings.legacy.folders,
        **{kind: folder for kind, folder in inner.items() if folder.is_dir()},
    }


def missing_folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The settings that name no folder, and what they name."""
    for kind, folder in settings.legacy.folders.items():
        if not folder.is_dir():
            yield f"legacy.{kind}", folder

"""The definitions of APIHUB that the settings say: those of the conf folder, of folders that are
named in place of its own, and over them those that were fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from apiql.definition_files import DefinitionFiles, read_definitions
from apiql.frontends.definitions.checks.pages import pages_of
from apiql.gotemplate.calls import Function
from apiql.remote.archive import FOLDERS
from apiql.remote.state import remote_folder
from apiql.settings import Settings
from apiql.template_files import FOLDER, TemplateFiles, read_template_files


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


def definitions_of(
    settings: Settings, conf: Path | None, environ: Mapping[str, str],
    functions: Mapping[str, Function] = {}, values: Mapping[str, Callable[..., str]] = {},
) -> DefinitionFiles:  # fmt: skip
    """The definitions; `functions` and `values` are those of plug-ins."""
    legacy = settings.legacy
    return read_definitions(
        conf, folders_of(settings, conf), environ=environ, functions=functions, values=values,
        buckets=legacy.buckets, strict=legacy.compat == "strict",
    )  # fmt: skip


def templates_of(settings: Settings, conf: Path | None, files: DefinitionFiles) -> TemplateFiles:
    """The call templates beside these definitions."""
    pages = frozenset[str]() if files.found is None else pages_of(files.found)
    return read_template_files(conf, pages, folders_of(settings, conf).get(FOLDER))


def missing_folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The settings that name no folder, and what they name."""
    for kind, folder in settings.legacy.folders.items():
        if not folder.is_dir():
            yield f"legacy.{kind}", folder

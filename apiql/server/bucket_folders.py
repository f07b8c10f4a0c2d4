"""The folders of the buckets: `conf/buckets/<name>`, each laid out like a conf folder. Knows names
and what is inherited, and nothing of engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from apiql.query_files import QueryFiles
from apiql.settings import (
    BUCKET_EXPECTED,
    BUCKET_NAME,
    SettingProblem,
    Settings,
    SettingsError,
    load_within,
)

FOLDER = "buckets"


def read_buckets(
    conf: Path | None, settings: Settings, environ: Mapping[str, str]
) -> Mapping[str, tuple[Path, Settings]]:
    """The folder and the settings of each bucket, by name.

    Raises:
        SettingsError: with every problem of all of them.
    """
    if conf is None or not (conf / FOLDER).is_dir():
        return {}
    if not settings.buckets.enabled:
        if "enabled" in settings.buckets.model_fields_set:
            return {}
        raise SettingsError((_unsaid(conf),))
    folders = sorted(_folders(conf / FOLDER))
    found: dict[str, tuple[Path, Settings]] = {}
    problems = [*_misnamed(folders), *_too_many(conf, folders, settings.buckets.most)]
    for folder in folders:
        problems += _nested(folder)
        try:
            found[folder.name] = folder, load_within(folder, settings, environ)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    return found


def inheriting(own: QueryFiles, main: QueryFiles, bucket: str) -> QueryFiles:
    """The queries of a bucket, and those of the main folder that it has not under the same name."""
    names = {file.name for file in own.files}
    others = (
        replace(file, file=f"{file.file} (in the bucket {bucket})")
        for file in main.files
        if file.name not in names
    )
    return QueryFiles((*own.files, *others), own.problems)


def _folders(root: Path) -> Iterator[Path]:
    """What begins with a dot is left alone, and so are files."""
    return (path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")


def _misnamed(folders: list[Path]) -> Iterator[SettingProblem]:
    known: dict[str, str] = {}
    for folder in folders:
        if BUCKET_NAME.fullmatch(folder.name) is None:
            yield _problem(folder, "this is no name of a bucket", BUCKET_EXPECTED)
        other = known.setdefault(folder.name.lower(), folder.name)
        if other != folder.name:
            yield _problem(folder, f"only its case tells it from {other}", "another name")


def _too_many(conf: Path, folders: list[Path], most: int) -> Iterator[SettingProblem]:
    if len(folders) > most:
        wrong = f"{len(folders)} buckets are more than buckets.most = {most}"
        yield _problem(conf / FOLDER, wrong, "a larger one: each bucket's part is then smaller")


def _nested(folder: Path) -> Iterator[SettingProblem]:
    if (folder / FOLDER).exists():
        yield _problem(folder / FOLDER, "a bucket has no buckets", "them beside it")


def _unsaid(conf: Path) -> SettingProblem:
    wrong = "there are buckets, and nothing says whether they are in force"
    return _problem(conf / FOLDER, wrong, "buckets.enabled = true, or false to leave them alone")


def _problem(place: Path, wrong: str, expected: str) -> SettingProblem:
    return SettingProblem("", wrong, expected, file=str(place))

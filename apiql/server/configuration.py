"""A conf folder and the environment -> what the server runs on: settings, stored queries, those of
its buckets, and the name of the whole. Read apart from the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apiql.errors import ApiqlError
from apiql.query_files import FileProblem, QueryFiles, StoredRefused, read_query_files
from apiql.server.bucket_folders import inheriting, read_buckets
from apiql.server.conf_folder import Look, look_at, revision_of
from apiql.settings import SettingProblem, Settings, SettingsError, load_settings

FILE = "apiql.toml"
MOST_LINES, MOST_LETTERS = 20, 300
"""Of what is told about a configuration that is refused."""
RESTART = (
    "server.host", "server.port", "server.workers", "admin.host", "admin.port",
    "limits.cache_entries", "limits.cache_bytes",
    "store.url", "store.prefix", "store.timeout", "store.verify",
)  # fmt: skip
"""Settings that a running process cannot take: sockets and stores outlive a reload."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration comes from; `dev` shows everything."""

    conf: Path | None
    environ: Mapping[str, str]
    dev: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was read. `revision` names it by its contents; `others` are files beside the folder
    that it or one of its `buckets` names.
    """

    settings: Settings
    queries: QueryFiles
    revision: str
    others: tuple[str, ...] = ()
    buckets: Mapping[str, Configuration] = field(default_factory=dict)


def read_configuration(place: Place, *, file_needed: bool = False) -> Configuration:
    """Reads all of it. `file_needed`: that there is no `apiql.toml` is a mistake, where there was
    one: not all settings are to become defaults because a file is just being replaced.

    Raises:
        SettingsError: with every problem of the settings.
    """
    if file_needed and place.conf is not None and place.conf.is_dir():
        file = place.conf / FILE
        if not file.exists():
            raise SettingsError((SettingProblem("", "the file is gone", file=str(file)),))
    settings = load_settings(place.conf, place.environ)
    folders = read_buckets(place.conf, settings)
    others = authorities(settings, *(inner for _, inner in folders.values()))
    revision = revision_of(place.conf, others)
    main = _of_folder(place.conf, settings, place, revision)
    buckets = {name: _of_folder(*found, place, revision) for name, found in folders.items()}
    if settings.buckets.inherit:
        buckets = {name: _inheriting(found, main, name) for name, found in buckets.items()}
    return replace(main, others=others, buckets=buckets)


def _of_folder(
    folder: Path | None, settings: Settings, place: Place, revision: str
) -> Configuration:
    """What stands in the main folder, or in that of a bucket."""
    shown = developing(settings) if place.dev else settings
    return Configuration(shown, read_query_files(folder), revision)


def _inheriting(own: Configuration, main: Configuration, name: str) -> Configuration:
    return replace(own, queries=inheriting(own.queries, main.queries, name))


def has_file(place: Place) -> bool:
    """Whether there is an `apiql.toml`."""
    return place.conf is not None and (place.conf / FILE).exists()


def look(place: Place, others: tuple[str, ...]) -> Look:
    """The state of all files that are read."""
    return look_at(place.conf, others)


def authorities(*all_settings: Settings) -> tuple[str, ...]:
    """The files of certificates that upstreams name."""
    upstreams = [u for settings in all_settings for u in settings.upstreams.values()]
    return tuple(sorted({u.verify for u in upstreams if isinstance(u.verify, str)}))


def developing(settings: Settings) -> Settings:
    """The settings of `--dev`: everything is shown."""
    answer = settings.answer.model_copy(update={"details": "full", "plan": True, "timings": True})
    server = settings.server.model_copy(update={"docs": True})
    return settings.model_copy(update={"answer": answer, "server": server})


def restart_needed(begun: Settings, new: Settings) -> tuple[str, ...]:
    """The settings that differ from those the process began with, and need a new one."""
    return tuple(name for name in RESTART if _value(begun, name) != _value(new, name))


def _value(settings: Settings, name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(settings, section), key)


def told(refused: BaseException, place: Place) -> tuple[str, ...]:
    """What is wrong, a line each: file, line, column and reason. No line of a file is repeated: a
    query may hold what is nobody's business who only asks whether we are ready.
    """
    match refused:
        case SettingsError(problems=settings):
            lines = [_of_setting(problem) for problem in settings]
        case StoredRefused(problems=queries):
            lines = [_of_query(problem) for problem in queries]
        case ApiqlError() | OSError():
            lines = [str(refused)]
        case _:
            lines = [f"it cannot be used ({type(refused).__name__}); the log knows more"]
    root = f"{place.conf}/"
    shown = [line.replace(root, "")[:MOST_LETTERS] for line in lines[:MOST_LINES]]
    left = len(lines) - len(shown)
    return (*shown, f"and {left} more") if left else tuple(shown)


def _of_setting(problem: SettingProblem) -> str:
    head, *more = str(problem).split("\n")
    return "; ".join([head, *(line.strip() for line in more)])


def _of_query(found: FileProblem) -> str:
    problem = found.problem
    at = "".join(f":{p.line}:{p.column}" for p in problem.locations[:1])
    return f"{found.file}{at}: {problem.code}: {problem.message}"

"""The settings of a bucket: what its own file says, over those of the main one. What only a process
as a whole can have is refused there, with its place. Knows no folder but the one it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from apiql.settings.clients import Clients
from apiql.settings.filling import Filling
from apiql.settings.places import Path as Keys
from apiql.settings.private_text import Secrets
from apiql.settings.privates import read_privates
from apiql.settings.problems import UNKNOWN, SettingProblem, SettingsError
from apiql.settings.reading import FILE_NAME, Reading, read_settings
from apiql.settings.report import problems_of
from apiql.settings.sections import Settings

OWN: Mapping[str, tuple[str, ...] | None] = {
    "answer": None, "security": None, "queries": None, "limits": None, "upstreams": None,
    "rights": None, "clients": ("rate", "burst", "by"),
}  # fmt: skip
"""The sections that may stand in a bucket's file; None: all of it."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "limits": (
        "queries", "queries_waiting", "connections", "plans_cached", "cache_entries",
        "cache_bytes", "bytes_in_flight",
    ),
    "queries": ("persisted", "persisted_bytes"),
}  # fmt: skip
"""What bounds a process: of these a bucket has a part, where its file says nothing."""
PASSED = ("header_bytes", "body_bytes", "queries")
"""Limits of the process that each request has passed before its bucket is known."""


def load_within(folder: Path, main: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings of the bucket in a folder, with the private values of that folder. Upstreams are
    its own, and with `inherit` those of the main one that it does not name itself. Of the
    environment it sees nothing; the key of private values is taken from there.

    Raises:
        SettingsError: with every problem of its file.
    """
    reading = read_settings(folder, {})
    privates = read_privates(folder, environ)
    filling = Filling(reading, privates.values, {})
    written = filling.filled()
    problems = [*_missing(folder), *_foreign(reading), *filling.problems]
    try:
        found = Settings.model_validate(_laid_over(main, written))
        problems += _above(reading, found, main)
    except ValidationError as error:
        problems += problems_of(reading, error.errors(include_url=False))
    if problems:
        problems.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
        raise SettingsError(tuple(map(filling.hidden, problems)))
    inherited = main.secrets.texts if main.buckets.inherit else ()
    texts = [*privates.values.values(), *filling.texts, *inherited]
    return _with_room(found, written).with_secrets(Secrets.of(texts, privates.key or b""))


def _missing(folder: Path) -> Iterator[SettingProblem]:
    """An empty file will do; without any it is a folder that came here by mistake, or a bucket
    whose file is just being replaced.
    """
    file = folder / FILE_NAME
    if not file.exists():
        yield SettingProblem("", "a bucket has this file", "it, be it empty", file=str(file))


def _foreign(reading: Reading) -> Iterator[SettingProblem]:
    """What stands there and is not a bucket's."""
    for section, value in reading.written.items():
        if section not in OWN:
            if section in Settings.model_fields:
                yield _of_the_process(reading, (section,))
            else:
                known = f"one of {', '.join(sorted(OWN))}"
                yield _problem(reading, (section,), UNKNOWN, known)
            continue
        for key in value if isinstance(value, dict) else ():
            if key not in (OWN[section] or (key,)) and key in Clients.model_fields:
                yield _of_the_process(reading, (section, key))


def _of_the_process(reading: Reading, keys: Keys) -> SettingProblem:
    wrong = "this is the whole process's, not a bucket's"
    return _problem(reading, keys, wrong, f"it in the main {FILE_NAME}")


def _above(reading: Reading, found: Settings, main: Settings) -> Iterator[SettingProblem]:
    for key in PASSED:
        most = getattr(main.limits, key)
        if getattr(found.limits, key) > most:
            wrong = f"more than the main {FILE_NAME} lets through ({most})"
            yield _problem(reading, ("limits", key), wrong, "as much or less")


def _problem(reading: Reading, keys: Keys, wrong: str, expected: str) -> SettingProblem:
    name = ".".join(map(str, keys))
    at = reading.places.keys.get(keys)
    line, column = (at.line, at.column) if at else (None, None)
    return SettingProblem(name, wrong, expected, None, str(reading.file), line, column)


def _laid_over(main: Settings, written: Mapping[str, Any]) -> dict[str, Any]:
    """All sections: main ones as they are, and those that a bucket has one key over the other."""
    data: dict[str, Any] = {name: getattr(main, name) for name in type(main).model_fields}
    data["upstreams"] = _inherited(main, written) if main.buckets.inherit else {}
    data["clients"] = main.clients.model_copy(update={"rate": None, "burst": None})
    for section, names in PARTS.items():
        whole = data[section]
        parts = {name: _part(getattr(whole, name), main.buckets.most) for name in names}
        data[section] = whole.model_copy(update=parts)
    for section, value in written.items():
        if section in OWN and isinstance(value, dict):
            data[section] = _plain(data[section]) | _allowed(value, OWN[section])
        elif section in OWN:
            data[section] = value
    return data


def _plain(section: Any) -> dict[str, Any]:
    return dict(section) if isinstance(section, dict) else section.model_dump()


def _allowed(value: Mapping[str, Any], keys: tuple[str, ...] | None) -> dict[str, Any]:
    """Without what is refused already."""
    known = Clients.model_fields if keys else ()
    return {k: v for k, v in value.items() if keys is None or k in keys or k not in known}


def _part(whole: int, most: int) -> int:
    return max(1, whole // most) if whole else 0


def _inherited(main: Settings, written: Mapping[str, Any]) -> dict[str, Any]:
    """The main upstreams, each as a whole or not at all: a bucket that sends calls elsewhere is
    not to send the headers of the main one there. Sources that it names itself are its own.
    """
    tables = _tables(written.get("upstreams"))
    named = {name for table in tables.values() for name in _tables(table.get("sources"))}
    found = {}
    for name, upstream in main.upstreams.items():
        left = {key: source for key, source in upstream.sources.items() if key not in named}
        found[name] = upstream.model_copy(update={"sources": left})
    return found


def _tables(value: object) -> dict[str, dict[str, Any]]:
    """The tables in a table; none where it is no table."""
    inner = value.items() if isinstance(value, dict) else ()
    return {key: each for key, each in inner if isinstance(each, dict)}


def _with_room(found: Settings, written: Mapping[str, Any]) -> Settings:
    """At least one body of an upstream is let in, however small the part is."""
    limits = found.limits
    if limits.bytes_in_flight >= limits.response_bytes:
        return found
    if "bytes_in_flight" in written.get("limits", {}):
        return found
    limits = limits.model_copy(update={"bytes_in_flight": limits.response_bytes})
    return found.model_copy(update={"limits": limits})

"""One file of private values, `{"privates": [{"name", "value"}]}`, and where each of them stands.
Knows no folder and no key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from apiql.errors import ApiqlError
from apiql.settings.problems import SettingProblem

SEALED = "enc:v1:"
"""Before a value that is encrypted."""
EXPECTED = '{"privates": [{"name": "key", "value": "…"}]}'
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_NAME = re.compile(r"[^\s{}$\"']{1,128}")


class SealBroken(ApiqlError):
    """A sealed value that cannot be opened; what it says never holds anything of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A private as it is written: its name, its value (perhaps sealed), and its place."""

    name: str
    value: str = field(repr=False)
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """What a file says: its entries, or what is wrong with it."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[SettingProblem, ...] = ()


def read_private_file(text: str, file: str) -> PrivateFile:
    """The entries of a text of JSON; the case of its keys does not matter, as ever with these
    files. No problem tells a value.
    """
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        wrong = f"this is no JSON: {error.msg}"
        return _refused(SettingProblem("", wrong, EXPECTED, None, file, error.lineno, error.colno))
    except (RecursionError, ValueError):
        return _refused(SettingProblem("", "this is no JSON", EXPECTED, file=file))
    entries = _member(found, "privates")
    if not isinstance(entries, list):
        return _refused(SettingProblem("", "there is no list `privates`", EXPECTED, file=file))
    places = [*_places(text)]
    entries_of: list[Entry] = []
    problems: list[SettingProblem] = []
    for number, entry in enumerate(entries):
        line, column = places[number] if number < len(places) else (1, 1)
        fault = _wrong(entry, {known.name for known in entries_of})
        if fault is None:
            name, value = str(_member(entry, "name")), str(_member(entry, "value") or "")
            entries_of.append(Entry(name, value, line, column))
        else:
            setting = f"privates[{number}]"
            problems.append(SettingProblem(setting, fault, EXPECTED, None, file, line, column))
    return PrivateFile(tuple(entries_of), tuple(problems))


def _refused(problem: SettingProblem) -> PrivateFile:
    return PrivateFile((), (problem,))


def _wrong(entry: Any, known: set[str]) -> str | None:
    name, value = _member(entry, "name"), _member(entry, "value")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        return "the private has no name that can be written in a text"
    if name in known:
        return f"the name {name} stands twice"
    if value is not None and not isinstance(value, str):
        return f"the value of {name} is no text"
    if value is not None and not _is_whole(value):
        return f"the value of {name} has half of a surrogate pair"
    return None


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _member(table: Any, name: str) -> Any:
    """A member by its name in any case of letters."""
    if not isinstance(table, dict):
        return None
    return next((value for key, value in table.items() if key.lower() == name), None)


def with_values(text: str, values: dict[str, str]) -> str:
    """The same file with other values, by the names of its entries."""
    found = json.loads(text.removeprefix("\ufeff"))
    for entry in _member(found, "privates"):
        name = _member(entry, "name")
        if name in values:
            key = next((key for key in entry if key.lower() == "value"), "value")
            entry[key] = values[name]
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Line and column of each table in the list: text that `json` has already accepted."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "{[":
            depth += 1
            if depth == 3 and match[0] == "{":
                start = text.rfind("\n", 0, match.start())
                yield text.count("\n", 0, match.start()) + 1, match.start() - start
        elif match[0] in "}]":
            depth -= 1

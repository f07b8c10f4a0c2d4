"""Settings as they were written, not yet checked: the file's data under the environment's."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apiql.settings.legacy import older_setting
from apiql.settings.places import Path as Keys
from apiql.settings.places import Places, places_of
from apiql.settings.problems import SettingProblem, SettingsError

FILE_NAME = "apiql.toml"
PREFIX = "APIQL_"

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment: its text, and the value it is taken for.

    The value is what the text means in TOML, else the text itself. Where a section refuses that,
    the plain text is tried, and a list of the parts between commas where a list is wanted.
    """

    name: str
    keys: tuple[str, ...]
    text: str
    value: Any
    settled: bool = False

    def otherwise(self, refused: str) -> Variable | None:
        """The next way to take the text after pydantic refused the value with this word."""
        if self.settled:
            return None
        if refused == "tuple_type" and isinstance(self.value, str):
            parts = [part.strip() for part in self.value.split(",") if part.strip()]
            return replace(self, value=parts, settled=True)
        if not isinstance(self.value, str):
            return replace(self, value=self.text)
        meant = _toml_value(self.text)
        return replace(self, value=meant, settled=True) if meant != self.value else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the file and the variables say, and where each of it stands."""

    file: Path | None
    written: Mapping[str, Any] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    variables: tuple[Variable, ...] = ()

    def merged(self) -> dict[str, Any]:
        """The file's data, with the variables on top."""
        data: dict[str, Any] = copy.deepcopy(dict(self.written))
        for variable in self.variables:
            table = data
            for key in variable.keys[:-1]:
                table = _entered(table, key)
            table[variable.keys[-1]] = variable.value
        return data

    def otherwise(self, refused: Mapping[Keys, str]) -> Reading | None:
        """The same with the refused variables taken in their next way; None if there is none."""
        changed = tuple(self._next(variable, refused) for variable in self.variables)
        return replace(self, variables=changed) if changed != self.variables else None

    def _next(self, variable: Variable, refused: Mapping[Keys, str]) -> Variable:
        words = [word for at, word in refused.items() if at[: len(variable.keys)] == variable.keys]
        return (variable.otherwise(words[0]) or variable) if words else variable


def read_settings(conf: Path | None, environ: Mapping[str, str]) -> Reading:
    """Both sources of settings; `SettingsError` where the file cannot be read as TOML."""
    file = None if conf is None else conf / FILE_NAME
    written: dict[str, Any] = {}
    places = Places()
    if conf is not None and file is not None:
        text = _file_text(conf, file)
        written = _parsed(text, file)
        places = places_of(text)
    variables = (*_older(environ), *_variables(environ, written))
    return Reading(file, written, places, variables)


def _file_text(conf: Path, file: Path) -> str:
    try:
        if not conf.is_dir():
            raise SettingsError((SettingProblem("", "there is no such folder", file=str(conf)),))
        if not file.exists():
            return ""
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        wrong = f"the file cannot be read: {error.strerror}"
        raise SettingsError((SettingProblem("", wrong, file=str(file)),)) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = SettingProblem("", "the file is not UTF-8", file=str(file), line=line)
        raise SettingsError((problem,)) from None


def _parsed(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError((_syntax_problem(str(error), text, file),)) from None
    except RecursionError:
        problem = SettingProblem("", "the file nests its values too deep", file=str(file))
        raise SettingsError((problem,)) from None


def _syntax_problem(message: str, text: str, file: Path) -> SettingProblem:
    found = _AT.search(message)
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if found is not None and found[1] is not None:
        line, column = int(found[1]), int(found[2])
    wrong = f"this is no TOML: {_AT.sub('', message)}"
    return SettingProblem("", wrong, file=str(file), line=line, column=column)


def _older(environ: Mapping[str, str]) -> Iterator[Variable]:
    """Those of APIHUB; ours win over them."""
    for name in sorted(environ):
        found = older_setting(name, environ[name])
        if found is not None:
            keys, value = found
            yield Variable(name, keys, environ[name], value, settled=True)


def _variables(environ: Mapping[str, str], written: Mapping[str, Any]) -> Iterator[Variable]:
    """`APIQL_SECTION__KEY`; names without `__` belong to others (Kubernetes makes such)."""
    for name in sorted(environ):
        path = name[len(PREFIX) :]
        if name.upper().startswith(PREFIX) and "__" in path:
            keys = _as_written(path.split("__"), written)
            yield Variable(name, keys, environ[name], _toml_value(environ[name]))


def _as_written(parts: list[str], written: Any) -> tuple[str, ...]:
    """Keys in the file's own case where it has them, else in lower case."""
    keys: list[str] = []
    for part in parts:
        table = written if isinstance(written, dict) else {}
        key = next((k for k in table if k.casefold() == part.casefold()), part.lower())
        written = table.get(key)
        keys.append(key)
    return tuple(keys)


def _entered(table: dict[str, Any], key: str) -> dict[str, Any]:
    inner = table.get(key)
    if not isinstance(inner, dict):
        inner = table[key] = {}
    return inner


def _toml_value(text: str) -> Any:
    try:
        read = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text

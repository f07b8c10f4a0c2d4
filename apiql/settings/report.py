"""Turns what pydantic refused into problems that name the place, the cause and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from apiql.settings.places import Path as Keys
from apiql.settings.problems import UNKNOWN, SettingProblem
from apiql.settings.reading import Reading
from apiql.settings.sections import Settings
from apiql.settings.values import URL_EXPECTED, shown

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "int_type": "a whole number",
    "mapping_type": "a table",
    "model_type": "a table",
    "string_type": "a text in quotes",
    "string_too_short": "a text that is not empty",
    "tuple_type": "a list",
}
_MISSING = {
    "url": URL_EXPECTED,
    "path": 'a path from the root: "/users/{id}"',
    "algorithms": 'what tokens are signed with: ["RS256"]',
    "audience": 'who the tokens are for: "shop"',
    "hashes": '["sha256:…"]: `apiql key new` makes one',
    "hash": "what `apiql key hash --password` prints",
}
_SECRET = frozenset({"access", "auth", "headers", "proxy", "remote", "signing", "store"})
_PLAIN_KEY = re.compile(r"[\w-]+")
_KNOWN_SHOWN = 30


def problems_of(reading: Reading, errors: Iterable[ErrorDetails]) -> tuple[SettingProblem, ...]:
    """Every problem, those of the file first and in its order."""
    found = [_problem(reading, error) for error in errors if error["type"] != "twin"]
    found += _twins(reading)
    found.sort(key=lambda p: (p.variable or "", p.line or 0, p.column or 0))
    return tuple(found)


def _problem(reading: Reading, error: ErrorDetails) -> SettingProblem:
    keys: Keys = (*error["loc"], *error.get("ctx", {}).get("at", ()))
    of_key = error["type"] == "extra_forbidden" or keys[-1:] == ("[key]",)
    if keys[-1:] == ("[key]",):
        keys = keys[:-1]
    place = place_in(reading, keys, of_key)
    if error["type"] == "extra_forbidden":
        return _unknown(keys, place)
    context = error.get("ctx", {})
    wrong, expected, nearest = _cause(error, keys, context)
    return SettingProblem(dotted(keys), wrong, expected, nearest, **place)


def problem_at(
    reading: Reading, keys: Keys, wrong: str, expected: str, nearest: str | None = None
) -> SettingProblem:
    """A problem of the value at these keys."""
    place = place_in(reading, keys, of_key=False)
    return SettingProblem(dotted(keys), wrong, expected, nearest, **place)


def place_in(reading: Reading, keys: Keys, of_key: bool = False) -> dict[str, Any]:
    """Of the keys, else of the nearest table around them."""
    for length in range(len(keys), 0, -1):
        inner = keys[:length]
        exact = [v.name for v in reading.variables if v.keys == inner]
        if exact:
            return {"variable": exact[-1]}
        at = None if of_key and length == len(keys) else reading.places.values.get(inner)
        at = at or reading.places.keys.get(inner)
        if at is not None:
            return {"file": str(reading.file), "line": at.line, "column": at.column}
        under = [v.name for v in reading.variables if v.keys[:length] == inner]
        if under:
            return {"variable": under[0]}
    return {"file": None if reading.file is None else str(reading.file)}


def _unknown(keys: Keys, place: dict[str, Any]) -> SettingProblem:
    *parents, key = keys
    known = sorted(_known(tuple(parents)))
    near = get_close_matches(str(key).lower(), known, n=1)
    nearest = _spelled((*parents, near[0]), place) if near else _elsewhere(str(key), place)
    few = nearest is None and len(known) <= _KNOWN_SHOWN
    expected = f"one of {', '.join(known)}" if few else None
    return SettingProblem(dotted(keys), UNKNOWN, expected, nearest, **place)


def _known(parents: Keys) -> frozenset[str]:
    """The keys of the section that stands at these keys."""
    section: Any = Settings
    for key in parents:
        if isinstance(section, type) and issubclass(section, BaseModel):
            section = section.model_fields[str(key)].annotation
        else:
            section = get_args(section)[0 if isinstance(key, int) else 1]
        if isinstance(section, UnionType):
            section = get_args(section)[0]
    return frozenset(section.model_fields)


def _elsewhere(key: str, place: dict[str, Any]) -> str | None:
    """The same key where another section has it."""
    sections = [s for s in Settings.model_fields if s != "upstreams"]
    found = [(section, key) for section in sections if key in _known((section,))]
    return _spelled(found[0], place) if found else None


def _spelled(keys: Iterable[str | int], place: dict[str, Any]) -> str:
    """A setting's name as one writes it in the file or in the environment."""
    if "variable" in place:
        return "APIQL_" + "__".join(str(key) for key in keys).upper()
    return dotted(tuple(keys))


def _cause(
    error: ErrorDetails, keys: Keys, context: Mapping[str, Any]
) -> tuple[str, str | None, str | None]:
    """What is wrong, what is expected, the nearest word."""
    found = f"found {_seen(error['input'], keys)}"
    match error["type"]:
        case "refused":
            return context["wrong"], context["expected"], None
        case "missing":
            return "the setting is missing", _MISSING.get(str(keys[-1])), None
        case "greater_than_equal":
            return found, f"{context['ge']} or more", None
        case "less_than_equal":
            return found, f"{context['le']} or less", None
        case "literal_error":
            words = re.findall(r"'([^']*)'", context["expected"])
            near = get_close_matches(str(error["input"]).lower(), words, n=1)
            listed = ", ".join(f'"{word}"' for word in words)
            return found, f"one of {listed}", f'"{near[0]}"' if near else None
        case other:
            return found, _EXPECTED.get(other, error["msg"]), None


def _seen(value: object, keys: Keys) -> str:
    """A value as it was written, but only its kind where it may be a secret."""
    if _SECRET.isdisjoint(keys):
        return shown(value)
    return "a text" if isinstance(value, str) else "another kind of value"


def _twins(reading: Reading) -> Iterator[SettingProblem]:
    """Sources of one name in two upstreams: `from <name>` could mean either."""
    first: dict[str, Keys] = {}
    for upstream, settings in _tables(reading.merged().get("upstreams")):
        for source, _ in _tables(settings.get("sources")):
            keys = ("upstreams", upstream, "sources", source)
            if source in first:
                yield _twin(reading, first[source], keys)
            first.setdefault(source, keys)


def _twin(reading: Reading, first: Keys, second: Keys) -> SettingProblem:
    other = place_in(reading, first, of_key=True)
    also = SettingProblem(dotted(first), "", **other).place
    wrong = f"upstream {first[1]} has a source of this name too"
    place = place_in(reading, second, of_key=True)
    return SettingProblem(dotted(second), wrong, "a name of its own", also=also, **place)


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((key, inner) for key, inner in value.items() if isinstance(inner, dict))


def dotted(keys: Keys) -> str:
    """`limits.calls`, `security.allow_hosts[0]`; names that TOML wants quoted are quoted."""
    dotted = ""
    for key in keys:
        if isinstance(key, int):
            dotted += f"[{key}]"
            continue
        name = key if _PLAIN_KEY.fullmatch(key) else shown(key)
        dotted = f"{dotted}.{name}" if dotted else name
    return dotted

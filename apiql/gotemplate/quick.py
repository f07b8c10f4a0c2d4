"""The quick way to what most templates consist of: a path, and at most one index.

It gives what the template itself would write, or nothing; then the template has to be carried out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from apiql.errors import ApiqlError
from apiql.gotemplate.values import Json, Kind

Way: TypeAlias = tuple[str | int, ...]
QuickJson: TypeAlias = Callable[[Json, Mapping[str, Kind]], Json]

_NAMES: Final = r"\.((?:[^\W\d]\w*)(?:\.[^\W\d]\w*)*)"
_PATH: Final = re.compile(
    rf"\{{\{{\s*(?:{_NAMES}|\(index {_NAMES} (\d{{1,9}})\)((?:\.[^\W\d]\w*)*))\s*\}}\}}"
)


_LARGE: Final = 10**18
"""Whole numbers below it are quickly written."""
_LONG, _MANY = 4096, 256
"""So many texts of so many characters stay within every budget of output."""


class NotQuick(ApiqlError):
    """Something is not a text, or not there: the templates themselves say what they write."""


def quick_path(text: str) -> Way:
    """The way to what a template consists of, if that is a path and at most one index; or none."""
    found = _PATH.fullmatch(text)
    if found is None:
        return ()
    before, index, behind = found[1] or found[2], found[3], found[4] or ""
    names = (*before.split("."), *((int(index),) if index else ()), *behind.split("."))
    return tuple(name for name in names if name != "")


def text_at(root: Json, way: Way, named: Mapping[str, Kind]) -> str | None:
    """The text at a path of data, in which numbers are written as JSON has them but below the
    members `named`; None where only the template can tell.
    """
    found: Any = root
    for step in way:
        if type(found) is dict and step in found:
            found = found[step]
        elif type(found) is list and type(step) is int and step < len(found):
            found = found[step]
        else:
            return None
    if type(found) is str:
        return found
    is_plain = type(found) is int and -_LARGE < found < _LARGE and way[0] not in named
    return str(found) if is_plain else None


def quick_json(rules: Json) -> QuickJson | None:
    """How JSON is made whose texts are constants and paths; None for other rules.

    Raises (what it gives):
        NotQuick: the data are not as simple.
    """
    return _json(rules) if _texts(rules) <= _MANY else None


def _texts(rules: Json) -> int:
    match rules:
        case dict():
            return sum(map(_texts, rules.values()))
        case list():
            return sum(map(_texts, rules))
        case _:
            return 1


def _json(rules: Json) -> QuickJson | None:
    match rules:
        case str() if "{{" in rules:
            way = quick_path(rules)
            return _text(way) if way else None
        case dict():
            return _object(rules)
        case list():
            return _list([_json(rule) for rule in rules])
        case _:
            return lambda root, named: rules


def _text(way: Way) -> QuickJson:
    def read(root: Json, named: Mapping[str, Kind]) -> Json:
        found = text_at(root, way, named)
        if found is None or len(found) > _LONG:
            raise NotQuick("not as simple")
        return found

    return read


def _object(rules: Mapping[str, Json]) -> QuickJson | None:
    """The members in the order of their names, as the original writes them."""
    made = [(name, _json(rules[name])) for name in sorted(rules)]
    parts = [(name, part) for name, part in made if part is not None and "{{" not in name]
    if len(parts) < len(made):
        return None
    return lambda root, named: {name: part(root, named) for name, part in parts}


def _list(made: list[QuickJson | None]) -> QuickJson | None:
    parts = [part for part in made if part is not None]
    if len(parts) < len(made):
        return None
    return lambda root, named: [part(root, named) for part in parts]

"""A folded document -> its model, or all that is wrong with it as findings. Opens no file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apiql.documents.fold import Finding
from apiql.documents.problems import Severity
from apiql.documents.shape import Shape
from apiql.json_nodes import Node, a_kind, meant, plain, quoted, shown, spot

MOST_PROBLEMS = 100
"""Of one file; who has more reads no further."""

M = TypeVar("M", bound=Shape)

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "an object: {…}",
    "greater_than_equal": "a number from 0",
    "int_from_float": "a whole number",
    "int_type": "a whole number, without quotes",
    "model_type": "an object: {…}",
    "string_too_short": "a text that is not empty",
    "string_type": "a text in double quotes",
    "tuple_type": "a list: […]",
}


def modelled(
    root: Node, model: type[M], path: str = "$", is_secret: bool = False
) -> M | list[Finding]:
    """The model of a node that stands at a path; values that are secret are not shown."""
    try:
        return model.model_validate(plain(root))
    except ValidationError as refused:
        return [_finding(root, error, path, is_secret) for error in _errors(refused)]


def _errors(refused: ValidationError) -> Iterator[ErrorDetails]:
    return islice(iter(refused.errors(include_url=False)), MOST_PROBLEMS + 1)


def _finding(root: Node, error: ErrorDetails, path: str, is_secret: bool) -> Finding:
    keys = error["loc"]
    place = spot(root, keys)
    there = path + place.path.removeprefix("$")
    if error["type"] == "missing":
        wrong = f"{quoted(str(keys[-1]))} is missing"
        return Finding(place.value, there, Severity.ERROR, wrong)
    seen = a_kind(error["input"]) if is_secret else shown(error["input"])
    expected, near = _EXPECTED.get(error["type"], error["msg"]), None
    if error["type"] == "literal_error":
        expected, near = _words(error["ctx"]["expected"], error["input"])
    return Finding(place.value, there, Severity.ERROR, f"found {seen}", expected, near)


def _words(listed: str, seen: Any) -> tuple[str, str | None]:
    words = re.findall(r"'([^']*)'", listed)
    near = meant(seen, words) if isinstance(seen, str) else None
    return f"one of {', '.join(words)}", near and quoted(near)

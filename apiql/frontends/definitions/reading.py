"""The text of a file -> a document, or all that is wrong with it at once. Opens no file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apiql.frontends.definitions.document import Document, Origin
from apiql.frontends.definitions.fold import Finding, fold
from apiql.frontends.definitions.kinds import MODELS, Kind
from apiql.frontends.definitions.problems import DefinitionProblem, Severity, in_order
from apiql.frontends.definitions.shape import Shape
from apiql.json_nodes import Lines, Node, a_kind, meant, plain, quoted, shown, spot
from apiql.json_text import NoJson, read_json

MOST_PROBLEMS = 100
"""Of one file; who has more reads no further."""

_EXPECTED = {
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "int_type": "a whole number, without quotes",
    "model_type": "an object: {…}",
    "string_type": "a text in double quotes",
    "tuple_type": "a list: […]",
}


def read_document(
    text: str, origin: Origin
) -> tuple[Document[Shape] | None, tuple[DefinitionProblem, ...]]:
    """The document, None where there is an error among the problems."""
    lines = Lines(text)
    try:
        written = read_json(text)
    except NoJson as broken:
        return None, (unreadable(origin, lines, broken),)
    findings: list[Finding] = []
    model = MODELS[origin.generation, origin.kind]
    root = fold(written, model, findings.append)
    made = _made(model, root)
    if isinstance(made, ValidationError):
        is_secret = origin.kind is Kind.PRIVATE
        findings += (_finding(root, error, is_secret) for error in _errors(made))
    problems = _problems(findings, origin, lines)
    if isinstance(made, ValidationError) or any(p.severity is Severity.ERROR for p in problems):
        return None, problems
    return Document(origin, made, root, text, lines), problems


def unreadable(origin: Origin, lines: Lines, broken: NoJson) -> DefinitionProblem:
    """The problem of a text that is no JSON."""
    return DefinitionProblem(
        origin.file,
        f"this is no JSON: {broken.wrong}",
        at=lines.location(broken.at),
        path=f"${broken.path}",
        expected=broken.expected,
        owner=origin.owner,
    )


def _made(model: type[Shape], root: Node) -> Shape | ValidationError:
    try:
        return model.model_validate(plain(root))
    except ValidationError as error:
        return error


def _errors(refused: ValidationError) -> Iterator[ErrorDetails]:
    return islice(iter(refused.errors(include_url=False)), MOST_PROBLEMS + 1)


def _finding(root: Node, error: ErrorDetails, is_secret: bool) -> Finding:
    keys = error["loc"]
    place = spot(root, keys)
    if error["type"] == "missing":
        wrong = f"{quoted(str(keys[-1]))} is missing"
        return Finding(place.value, place.path, Severity.ERROR, wrong)
    seen = a_kind(error["input"]) if is_secret else shown(error["input"])
    expected, near = _EXPECTED.get(error["type"], error["msg"]), None
    if error["type"] == "literal_error":
        expected, near = _words(error["ctx"]["expected"], error["input"])
    return Finding(place.value, place.path, Severity.ERROR, f"found {seen}", expected, near)


def _words(listed: str, seen: Any) -> tuple[str, str | None]:
    words = re.findall(r"'([^']*)'", listed)
    near = meant(seen, words) if isinstance(seen, str) else None
    return f"one of {', '.join(words)}", near and quoted(near)


def _problems(
    findings: list[Finding], origin: Origin, lines: Lines
) -> tuple[DefinitionProblem, ...]:
    """In the order of the file; errors first where there are too many to list."""
    findings.sort(key=lambda found: (found.severity is not Severity.ERROR, found.at))
    problems = [
        DefinitionProblem(
            origin.file, found.wrong, found.severity, lines.location(found.at), found.path,
            found.expected, found.nearest, origin.owner,
        )
        for found in findings[:MOST_PROBLEMS]
    ]  # fmt: skip
    if len(findings) > MOST_PROBLEMS:
        worst = findings[MOST_PROBLEMS].severity
        wrong = f"there is more wrong with this file than the {MOST_PROBLEMS} problems listed"
        problems.append(DefinitionProblem(origin.file, wrong, worst, owner=origin.owner))
    return in_order(problems)

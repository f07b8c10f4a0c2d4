"""What `apiql check` tells about the definitions of a conf folder, of either generation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from apiql.defined import KNOWN
from apiql.frontends.definitions.checks import check
from apiql.frontends.definitions.folder import Definitions, read_folder
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.layout import Layout
from apiql.frontends.definitions.problems import DefinitionProblem, Severity

_WORDS = {
    Kind.PRIVATE: "privates",
    Kind.API: "apis",
    Kind.FLOW: "flows",
    Kind.SCHEDULE: "schedules",
    Kind.RIGHT: "rights",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """The texts of what breaks and of what is merely odd, and how many of each kind there are."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: tuple[tuple[int, str], ...] = ()


def checked(conf: Path | None, is_strict: bool) -> Checked:
    """Looks at all definitions of a folder; where it is strict, what is odd breaks too."""
    if conf is None:
        return Checked()
    definitions = read_folder(conf)
    if definitions.layout is Layout.NONE:
        return Checked()
    problems = [_told_from(conf, problem, is_strict) for problem in check(definitions, KNOWN)]
    texts = {s: tuple(str(p) for p in problems if p.severity is s) for s in Severity}
    warnings = texts[Severity.WARNING]
    counts = (*_counts(definitions), (len(warnings), "warnings"))
    return Checked(texts[Severity.ERROR], warnings, counts)


def _told_from(conf: Path, problem: DefinitionProblem, is_strict: bool) -> DefinitionProblem:
    severity = Severity.ERROR if is_strict else problem.severity
    return replace(problem, file=str(conf / problem.file), severity=severity)


def _counts(definitions: Definitions) -> Iterator[tuple[int, str]]:
    for kind, word in _WORDS.items():
        yield len(definitions.names[kind]), word

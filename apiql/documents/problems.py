"""What is wrong with a definition, and where. Knows no model and no rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from apiql.errors import Location


class Severity(StrEnum):
    """An error breaks the definition it stands in; one with warnings is served."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class DefinitionProblem:
    """One thing that is wrong.

    `file` is relative to the folder that was read, `at` the place in it (None: the file itself),
    `path` the JSON path; `owner` names the definition (`flow`, `amap_city_weather`), if it is one.
    """

    file: str
    wrong: str
    severity: Severity = Severity.ERROR
    at: Location | None = None
    path: str = ""
    expected: str | None = None
    nearest: str | None = None
    owner: tuple[str, str] | None = None

    @property
    def place(self) -> str:
        """`flows/weather.json:3:9`."""
        return self.file if self.at is None else f"{self.file}:{self.at.line}:{self.at.column}"

    def __str__(self) -> str:
        lines = [": ".join(filter(None, (self.place, self.severity, self.path, self.wrong)))]
        if self.expected is not None:
            lines.append(f"    expected: {self.expected}")
        if self.nearest is not None:
            lines.append(f"    did you mean {self.nearest}?")
        return "\n".join(lines)


def broken(problems: Iterable[DefinitionProblem]) -> frozenset[tuple[str, str]]:
    """The kinds and names of the definitions that have an error."""
    errors = (problem for problem in problems if problem.severity is Severity.ERROR)
    return frozenset(problem.owner for problem in errors if problem.owner is not None)


def in_order(problems: Iterable[DefinitionProblem]) -> tuple[DefinitionProblem, ...]:
    """By file and place, each once."""

    def place(problem: DefinitionProblem) -> tuple[str, int, int]:
        at = problem.at or Location(0, 0)
        return problem.file, at.line, at.column

    return tuple(sorted(dict.fromkeys(problems), key=place))

"""What is wrong with a configuration of endpoints, and where. Knows no model and no rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from apiql.errors import Location, nearest

SHOWN = 60
"""Letters of a value in a message."""


class Severity(StrEnum):
    """An error keeps the whole file from being served; with warnings it is served."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class EndpointProblem:
    """One thing that is wrong. `at` is the place in the file as its author wrote it (None: the file
    itself), `path` the JSON path.
    """

    file: str
    wrong: str
    severity: Severity = Severity.ERROR
    at: Location | None = None
    path: str = ""
    expected: str | None = None
    nearest: str | None = None

    @property
    def place(self) -> str:
        """`dev/.json:3:9`."""
        return self.file if self.at is None else f"{self.file}:{self.at.line}:{self.at.column}"

    def __str__(self) -> str:
        lines = [": ".join(filter(None, (self.place, self.severity, self.path, self.wrong)))]
        if self.expected is not None:
            lines.append(f"    expected: {self.expected}")
        if self.nearest is not None:
            lines.append(f"    did you mean {self.nearest}?")
        return "\n".join(lines)


def in_order(problems: Iterable[EndpointProblem]) -> tuple[EndpointProblem, ...]:
    """By file and place, each once."""

    def place(problem: EndpointProblem) -> tuple[str, int, int]:
        at = problem.at or Location(0, 0)
        return problem.file, at.line, at.column

    return tuple(sorted(dict.fromkeys(problems), key=place))


def are_broken(problems: Iterable[EndpointProblem]) -> bool:
    """Whether there is an error among them."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def quoted(text: str) -> str:
    """A text for messages: in quotes, on one line, not too long."""
    line = "".join(c if c.isprintable() else "?" for c in text[: SHOWN + 1])
    mark = "'" if '"' in line else '"'
    return f"{mark}{line if len(line) <= SHOWN else line[: SHOWN - 1] + '…'}{mark}"


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word most like a mistaken one, in whatever case it is written; quoted."""
    folded = {name.casefold(): name for name in known}
    found = folded.get(nearest(word.casefold(), folded) or "")
    return None if found is None else quoted(found)

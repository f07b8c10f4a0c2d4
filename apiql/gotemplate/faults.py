"""What can be wrong with a template, when it is read and when it is carried out: category, place,
message. Knows neither the language nor its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from apiql.errors import ApiqlError, Code, Location, Problem


class Category(StrEnum):
    """The stage of Go's that names the mistake; `limit` is ours."""

    PARSE = "parse"
    EXEC = "exec"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake. `message` is the essence of Go's text, `at` the part of the template that Go
    names; `hint` says what was expected or what to do; `path` is where in JSON rules the template
    stands (`$.data.list[0]`).
    """

    category: Category
    message: str
    place: Location | None = None
    at: str | None = None
    hint: str | None = None
    path: str | None = None

    def problem(self, code: Code = Code.SYNTAX) -> Problem:
        """The same as the rest of APIQL tells mistakes."""
        at = f"{self.message}, at <{self.at}>" if self.at else self.message
        where = f"{self.path}: {at}" if self.path else at
        return Problem(code, where, (self.place,) if self.place else (), self.hint)

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        where += f"{self.place.line}:{self.place.column}: " if self.place else ""
        part = f" at <{self.at}>" if self.at else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.message}{part}{hint}"


class TemplateRefused(ApiqlError):
    """A template that cannot be compiled; `fault` says why and where."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Stopped(ApiqlError):
    """Execution cannot go on. Never leaves the package: it becomes the fault of a `Rendered`."""

    def __init__(
        self, message: str, category: Category = Category.EXEC, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.hint = hint


class StoppedAt(ApiqlError):
    """Execution cannot go on at a known place; the innermost place counts."""

    def __init__(self, stopped: Stopped, offset: int, at: str) -> None:
        super().__init__(stopped.message)
        self.stopped = stopped
        self.offset = offset
        self.at = at


def location(text: str, offset: int) -> Location:
    """The line and column of an offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Location(text.count("\n", 0, offset) + 1, offset - line_start + 1)


def refused(
    text: str,
    offset: int,
    message: str,
    hint: str | None = None,
    category: Category = Category.PARSE,
) -> TemplateRefused:
    """The error of a template at an offset."""
    return TemplateRefused(Fault(category, message, location(text, offset), hint=hint))

"""What is found wrong with a template while it is lowered, each with its place. Knows no rule."""

from __future__ import annotations

from apiql.documents.fold import Finding
from apiql.documents.problems import Severity
from apiql.errors import Code, Location, Problem, QueryRefused
from apiql.frontends.call_templates.document import Document
from apiql.frontends.call_templates.path import NoPath
from apiql.json_nodes import Keys, Lines


class Findings:
    """The problems of one template, and what is merely odd."""

    def __init__(self, document: Document) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._document = document

    def add(
        self, code: Code, keys: Keys, wrong: str, hint: str | None = None, at: int | None = None
    ) -> None:
        """Notes what is wrong with the value at the keys (from a letter of its text on)."""
        self.problems.append(self._problem(code, self._document.place(keys, at), wrong, hint))

    def add_name(self, code: Code, keys: Keys, wrong: str, hint: str | None = None) -> None:
        """Notes what is wrong with the name of a member."""
        self.problems.append(self._problem(code, self._document.name_place(keys), wrong, hint))

    def no_path(self, keys: Keys, refused: NoPath) -> None:
        """Notes a path that is none."""
        self.add(Code.SYNTAX, keys, refused.wrong, f"expected {refused.expected}", refused.at)

    def warn(self, keys: Keys, wrong: str, hint: str, at: int | None = None) -> None:
        """Notes what breaks nothing."""
        place = self._document.place(keys, at)
        self.warnings.append(self._problem(Code.VALIDATION, place, wrong, hint))

    def warn_name(self, keys: Keys, wrong: str, hint: str) -> None:
        """Notes something odd about the name of a member."""
        place = self._document.name_place(keys)
        self.warnings.append(self._problem(Code.VALIDATION, place, wrong, hint))

    def location(self, keys: Keys) -> Location:
        """Where the value at the keys stands."""
        return self._document.place(keys)[0]

    def refuse(self) -> None:
        """Raises QueryRefused with all that was found, if anything was."""
        if self.problems:
            raise QueryRefused(tuple(self.problems))

    def _problem(
        self, code: Code, place: tuple[Location, str], wrong: str, hint: str | None
    ) -> Problem:
        return Problem(code, f"{place[1]}: {wrong}", (place[0],), hint)


def problem_of(found: Finding, lines: Lines) -> tuple[Problem, bool]:
    """What reading found as a problem, and whether it breaks the template."""
    hint = f"expected {found.expected}" if found.expected else None
    if found.nearest:
        hint = f"did you mean {found.nearest}?"
    place = (lines.location(found.at),)
    problem = Problem(Code.VALIDATION, f"{found.path}: {found.wrong}", place, hint)
    return problem, found.severity is Severity.ERROR

"""A definition as read: its model, and where each of its parts stands. Knows no folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from apiql.documents.problems import DefinitionProblem, Severity
from apiql.documents.shape import Shape
from apiql.errors import Location
from apiql.frontends.definitions.kinds import Generation, Kind, word
from apiql.json_nodes import Keys, Lines, Node, letter, spot

M = TypeVar("M", bound=Shape, covariant=True)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a text is: its file (relative to the folder), its generation, kind and name."""

    file: str
    generation: Generation
    kind: Kind
    name: str

    @property
    def owner(self) -> tuple[str, str]:
        """The kind and the name, for problems."""
        return self.kind.value, self.name

    def __str__(self) -> str:
        return f"{word(self.generation, self.kind)} {self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Document(Generic[M]):
    """A definition. `model` holds its members under their names in Python, `root` and `lines` where
    they stand in the text.
    """

    origin: Origin
    model: M
    root: Node
    text: str
    lines: Lines

    def place(self, keys: Keys) -> tuple[Location, str]:
        """Where the value at the keys stands (names as in JSON), and its JSON path."""
        found = spot(self.root, keys)
        return self.lines.location(found.value), found.path

    def inside(
        self, problem: DefinitionProblem, keys: Keys, text: str, at: Location
    ) -> DefinitionProblem:
        """The problem at a line and a column of the text at the keys: the value, or its name."""
        found = spot(self.root, keys)
        start = found.key if keys[-1:] == (text,) else found.value
        here = letter(self.text, start, Lines(text).offset(at))
        return replace(problem, at=self.lines.location(here))

    def problem(
        self,
        keys: Keys,
        wrong: str,
        severity: Severity,
        expected: str | None = None,
        nearest: str | None = None,
    ) -> DefinitionProblem:
        """What is wrong with the value at the keys."""
        at, path = self.place(keys)
        origin = self.origin
        return DefinitionProblem(
            origin.file, wrong, severity, at, path, expected, nearest, origin.owner
        )

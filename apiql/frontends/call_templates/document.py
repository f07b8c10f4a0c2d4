"""The models of call templates, and a template as read: where each of its parts stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_pascal

from apiql.documents.shape import Demand, Listed, Shape, text_of, warning
from apiql.errors import Location, nearest
from apiql.json_nodes import Keys, Lines, Node, letter, quoted, spot

METHODS = ("get", "post", "put", "patch", "delete", "head")
SHORTEST = 100
"""Milliseconds; less is probably meant as seconds."""

Free: TypeAlias = dict[str, Any]
"""An object of free JSON: its names stay as they are written."""


class Resource(Shape):
    """One call."""

    model_config = ConfigDict(alias_generator=to_pascal)
    closed: ClassVar[bool] = True

    url: Annotated[str, Field(min_length=1)]
    """The address: an absolute URL, or a path of the default upstream. A `<<path>>` in it stands
    for a part of its path or for a value of its query string."""
    method: str = ""
    """The method; POST where nothing is said."""
    input: Free | None = None
    """The JSON body; for GET, HEAD and DELETE the query string. A text that is one `<<path>>`
    becomes the value that it finds."""
    header: dict[str, str] = Field(default_factory=dict)
    """Headers; a `<<path>>` in a value becomes the text of what it finds."""
    timeout: Annotated[int, Field(ge=0)] = 0
    """Milliseconds; 5000 where nothing is said."""

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """A method that there is, a time that was meant as one."""
        method = text_of(found, "Method")
        if method and method.lower() not in METHODS:
            near = nearest(method.lower(), METHODS)
            known = None if near else f"one of {', '.join(METHODS).upper()}"
            wrong = f"there is no method {quoted(method)}"
            yield Demand(wrong, known, "Method", nearest=near and near.upper())
        node = found.get("Timeout")
        if node is not None and type(node.value) is int and 0 < node.value < SHORTEST:
            wrong = f"{node.value} milliseconds are very short"
            yield warning(wrong, f"{node.value * 1000}, if seconds are meant", "Timeout")


class CallTemplate(Shape):
    """Calls that belong together, and what becomes of their answers."""

    model_config = ConfigDict(alias_generator=to_pascal)
    closed: ClassVar[bool] = True

    output: Free
    """The answer: any JSON. A text that is one `<<path>>` becomes the value that it finds."""
    resources: dict[str, Resource] = Field(default_factory=dict)
    """The calls by name. Only those run that the output reaches, each as soon as it can."""
    arguments: Listed[str] | None = None
    """The names of all arguments: then each must be given, and every other name is a mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A template and where it stands: `within` its file under these keys."""

    id: str
    file: str
    model: CallTemplate
    root: Node
    path: str
    text: str
    lines: Lines

    def place(self, keys: Keys, at: int | None = None) -> tuple[Location, str]:
        """Where the value at the keys stands (a letter of its text), and its JSON path."""
        found = spot(self.root, keys)
        start = found.value if at is None else letter(self.text, found.value, at)
        return self.lines.location(start), self.path + found.path.removeprefix("$")

    def name_place(self, keys: Keys) -> tuple[Location, str]:
        """Where the name of the member at the keys stands, and its JSON path."""
        found = spot(self.root, keys)
        return self.lines.location(found.key), self.path + found.path.removeprefix("$")

"""What every model of a document is made of: how its members are spelled, which words they take,
what they demand of each other. Knows no generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, Strict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from apiql.documents.problems import Severity
from apiql.json_nodes import Node, meant

T = TypeVar("T")

Listed: TypeAlias = Annotated[tuple[T, ...], Strict(False)]
"""A list of the file; everything else is taken strictly as it is written."""


@dataclass(frozen=True, slots=True)
class Older:
    """Other spellings of a member, of earlier versions or the other generation."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Renamed:
    """Words that are taken for others; those of `any_case` in any case of letters."""

    words: Mapping[str, str]
    any_case: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """The words a text usually is; others are told, unless they hold `also`, and taken."""

    known: tuple[str, ...]
    also: str | None = None
    renamed: Mapping[str, str] | None = None

    def unusual(self, word: str) -> bool:
        """Whether a word is to be told."""
        return bool(word) and word not in self.known and not (self.also and self.also in word)

    def near(self, word: str) -> str | None:
        """The known word that was probably meant."""
        return (self.renamed or {}).get(word) or meant(word, self.known)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"enum": list(self.known)}, handler(core)]}


@dataclass(frozen=True, slots=True)
class Demand:
    """What the members of one object demand of each other, where that is not met.

    `member` is the one it stands at; None is the object itself.
    """

    wrong: str
    expected: str | None = None
    member: str | None = None
    severity: Severity = Severity.ERROR
    nearest: str | None = None


class Shape(BaseModel):
    """An object of a document: frozen, strict, absent members as in Go (empty text, 0, false).

    A `closed` one refuses unknown members, others tell them as warnings.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_name=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )

    closed: ClassVar[bool] = False
    schema_rules: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """What the schema says of `demands`: those that are errors."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        made = handler(core)
        inner = handler.resolve_ref_schema(made)
        if not cls.closed:
            inner.pop("additionalProperties", None)
        inner.update(cls.schema_rules)
        return made

    @classmethod
    def demands(cls, found: Mapping[str, Node]) -> Iterator[Demand]:
        """What is wrong between the members; `found` holds those that are there, by name."""
        yield from ()


def text_of(found: Mapping[str, Node], name: str) -> str:
    """The text of a member, empty where there is none."""
    node = found.get(name)
    return node.value if node is not None and isinstance(node.value, str) else ""


def warning(wrong: str, expected: str | None = None, member: str | None = None) -> Demand:
    """A demand whose neglect breaks nothing."""
    return Demand(wrong, expected, member, Severity.WARNING)


Json: TypeAlias = Any
"""Free JSON: dicts, lists, texts, numbers (int, Decimal), booleans, None."""

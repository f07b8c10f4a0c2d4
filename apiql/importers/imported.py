"""What a description from elsewhere holds, whatever its format: upstreams, operations, credentials,
and what could not be taken. Knows neither the formats nor what is written of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from apiql.errors import ApiqlError
from apiql.ir.request import Place

MOST_OPERATIONS = 5_000
MOST_PARAMETERS = 500
"""Of one operation."""
MOST_URL = 4_096
JSON, FORM, MULTIPART = (
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data",
)  # fmt: skip
METHODS = ("get", "post", "put", "patch", "delete", "head")

Kind: TypeAlias = Literal["basic", "bearer", "header", "query", "oauth2"]
Tell: TypeAlias = Callable[[str, str], None]
"""Notes a place and what was not taken there, and why."""


class ImportRefused(ApiqlError):
    """A description that cannot be read at all, with its place."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not taken, or not as it stands: where, and why."""

    at: str
    why: str

    def __str__(self) -> str:
        return f"{self.at}: {self.why}"


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A value that a call takes. `default` is what the upstream itself takes where nothing is
    sent; `sent` is what is sent where a query says nothing. None: there is none.
    """

    name: str
    place: Place
    type: str = "any"
    required: bool = False
    default: Any = None
    sent: Any = None
    style: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: the members or fields that are known, or something as a `whole`."""

    content_type: str
    parameters: tuple[Parameter, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a caller shows who it is, never the secret; `param` is a header or parameter."""

    kind: Kind
    param: str = ""
    token_url: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: `path` has its placeholders as `{name}`; `url` is that of its upstream."""

    name: str
    method: str
    url: str
    path: str
    at: str
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    schemes: tuple[Scheme, ...] = ()
    summary: str = ""
    deprecated: bool = False
    answer: tuple[str, ...] = ()
    """Members of the answer, with their types, if they are known."""

    def at_place(self, *places: Place) -> tuple[Parameter, ...]:
        """Its parameters of these places."""
        return tuple(each for each in self.parameters if each.place in places)


@dataclass(frozen=True, slots=True)
class Choice:
    """What whoever imports has chosen: the file's name, an address, hosts of a recording."""

    name: str = "-"
    url: str | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A description, read: its title, its operations, and what it had beside them."""

    title: str
    operations: tuple[Operation, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """The upstreams' addresses, in the order of the operations."""
        return tuple(dict.fromkeys(operation.url for operation in self.operations))


class Notes:
    """What was left out so far: each thing once."""

    def __init__(self) -> None:
        self._found: dict[LeftOut, None] = {}

    def __call__(self, at: str, why: str) -> None:
        """Notes it."""
        self._found[LeftOut(at, why)] = None

    def all(self) -> tuple[LeftOut, ...]:
        """Everything, in the order it was found."""
        return tuple(self._found)

"""What every object of a configuration is made of: members in kebab case, strict, closed; and the
texts that mean more than a text: durations, sizes, hosts, paths. Knows no object.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from apiql.frontends.endpoints.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    duration_of,
    size_of,
)

T = TypeVar("T")

Listed: TypeAlias = Annotated[tuple[T, ...], Strict(False)]
"""A list of the file; everything else is taken strictly as it is written."""


def kebab(name: str) -> str:
    """`max_body_size` as the files have it."""
    return name.replace("_", "-")


class Part(BaseModel):
    """An object of a configuration: frozen, strict; unknown members are refused."""

    model_config = ConfigDict(
        alias_generator=kebab,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_name=False,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    comment: str = Field(default="", alias="@comment")
    """For people."""


def refusal(wrong: str, expected: str) -> PydanticCustomError:
    """Why a value is refused; braces may stand in neither text."""
    return PydanticCustomError("refused", "{wrong}", {"wrong": wrong, "expected": expected})


def _duration(value: Any) -> Any:
    found = duration_of(value) if isinstance(value, str) else None
    if found is None or found <= 0:
        wrong = "a duration is more than zero" if found is not None else ""
        raise refusal(wrong, "a duration in quotes: 30s, 500ms, 1h30m, 1.5h")
    return int(found)


def _size(value: Any) -> Any:
    found = size_of(value) if isinstance(value, str) else None
    if found is None:
        raise refusal("", "a size in quotes: 512B, 50KB, 1MB, 1.5GB")
    return int(found)


_HOST = re.compile(
    r"https?://(?:[^\s/?#@:\[\]$<>{}|\\^`\"]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?"
)


def _host(value: Any) -> Any:
    expected = "http:// or https://, a name or an address, and a port if it has one"
    if isinstance(value, str) and "@" in value:
        raise refusal("a host holds no user and no password", expected)
    if not isinstance(value, str) or _HOST.fullmatch(value) is None:
        raise refusal("", expected)
    return value.rstrip("/")


_PATH = re.compile(r"/[^\s?#]*")
_PARAMETER = re.compile(r":[\w-]+")


def _path(value: Any) -> Any:
    expected = "a path: /users/:id, with / first and names behind colons for parameters"
    if not isinstance(value, str) or _PATH.fullmatch(value) is None:
        raise refusal("", expected)
    for segment in value.split("/"):
        if segment.startswith(":") and _PARAMETER.fullmatch(segment) is None:
            raise refusal(f"{segment!r} is no name of a parameter", expected)
    return value


_STATUSES = "a status: 100 to 599"


def _status(value: Any) -> Any:
    if type(value) is not int or not 100 <= value <= 599:
        raise refusal("", _STATUSES)
    return value


def _status_or_zero(value: Any) -> Any:
    if type(value) is not int or (value != 0 and not 100 <= value <= 599):
        raise refusal("", f"{_STATUSES}, or 0 for unchanged")
    return value


def _text_schema(**words: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **words})


DurationText = Annotated[int, BeforeValidator(_duration), _text_schema(pattern=DURATION_PATTERN)]
SizeText = Annotated[int, BeforeValidator(_size), _text_schema(pattern=SIZE_PATTERN)]
Host = Annotated[str, BeforeValidator(_host), _text_schema(pattern=r"^https?://[^\s?#@]+$")]
Path = Annotated[str, BeforeValidator(_path), _text_schema(pattern=r"^/[^\s?#]*$")]
Status = Annotated[
    int,
    BeforeValidator(_status),
    WithJsonSchema({"type": "integer", "minimum": 100, "maximum": 599}),
]
StatusOrZero = Annotated[
    int,
    BeforeValidator(_status_or_zero),
    WithJsonSchema({"type": "integer", "anyOf": [{"const": 0}, {"minimum": 100, "maximum": 599}]}),
]
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Encoding: TypeAlias = Literal["JSON", "XML", "TEXT"]

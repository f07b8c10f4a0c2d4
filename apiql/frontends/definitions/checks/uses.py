"""What a definition uses, told in the same words for both generations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from apiql.frontends.definitions.demands import SECOND
from apiql.frontends.definitions.kinds import Kind
from apiql.gotemplate.layout_tokens import TOKEN
from apiql.json_nodes import Keys, quoted

_ABSOLUTE = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Calls:
    """Another definition (or a file of private values), by its name."""

    kind: Kind
    name: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class PrivateValue:
    """A private value of a file; no file is named where `file` is empty."""

    file: str
    name: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function by its name."""

    name: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A text that is a template."""

    text: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class JsonTemplate:
    """The templates of one JSON template, in the order of their making: later ones may use the
    variables of earlier ones.
    """

    texts: tuple[TemplateText, ...]
    keys: Keys


@dataclass(frozen=True, slots=True)
class PathText:
    """A path that a template is made of: `city` of `{{.origin.city}}`."""

    path: str
    root: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A file of the folder `templates`."""

    name: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: how often it runs where that is written down, how many loops it stands in."""

    rounds: str | None
    depth: int
    keys: Keys


@dataclass(frozen=True, slots=True)
class Remark:
    """What is odd by itself; a warning."""

    wrong: str
    expected: str | None
    keys: Keys


Use: TypeAlias = (
    Calls
    | PrivateValue
    | FunctionCall
    | TemplateText
    | JsonTemplate
    | PathText
    | TemplateFile
    | Loop
    | Remark
)


def json_template(value: Any, keys: Keys) -> JsonTemplate:
    """The templates in free JSON: each text, and each name of a member; members in the order of
    their names, as Go writes them.
    """
    return JsonTemplate(tuple(_texts(value, keys)), keys)


def odd_url(url: str) -> Iterator[Remark]:
    """What is told of an address that nobody can call."""
    if url and _ABSOLUTE.match(url) is None:
        yield Remark("this is no address that can be called", "http://… or https://…", ("url",))


def odd_layout(layout: str) -> Iterator[Remark]:
    """What is told where no text can tell the end of an answer."""
    if layout.casefold() != SECOND and TOKEN.search(layout) is None:
        wrong = f"no time is written as {quoted(layout)}: nothing is kept"
        expected = f"{SECOND}, or how Go would write Jan 2 15:04:05 2006"
        yield Remark(wrong, expected, ("cache", "format") if layout else ("cache",))


def _texts(value: Any, keys: Keys) -> Iterator[TemplateText]:
    match value:
        case str():
            if "{{" in value:
                yield TemplateText(value, keys)
        case list():
            for at, element in enumerate(value):
                yield from _texts(element, (*keys, at))
        case dict():
            for name, member in sorted(value.items()):
                if "{{" in name:
                    yield TemplateText(name, (*keys, name))
                yield from _texts(member, (*keys, name))

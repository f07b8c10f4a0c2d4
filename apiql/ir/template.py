"""Path templates: `/users/{id}/posts?{page}&sort={order}` as encoded text and slots.

A path is written by whoever writes the query, so it may not climb (`..`), hide characters behind
percent signs, or hold anything that one server reads one way and the next another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from apiql.ir.request import Slot, TemplatePart

SLOT = re.compile(r"\{([^\W\d][\w.-]*)(\?)?\}")
HIDDEN = re.compile(r"%(?:2e|2f|5c|25|[01][0-9a-f]|7f)", re.IGNORECASE)
PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
PATH_SAFE = "/%:@!$&'()*+,;=~-._"
QUERY_SAFE = "%:@!$'()*+,;/?~-._"


class TemplateRefused(ValueError):
    """A path that is not let through; `forbidden` ones might have reached another place."""

    def __init__(self, message: str, hint: str, forbidden: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.forbidden = forbidden


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed path. `name` is its last static segment, None if there is none."""

    path: tuple[TemplatePart, ...]
    query: tuple[tuple[str, TemplatePart], ...]
    name: str | None

    @property
    def prefix(self) -> str:
        """The encoded text before the first slot, as far as its segments are whole: what a slot
        adds to one makes another of it.
        """
        first = self.path[0] if self.path else ""
        if not isinstance(first, str):
            return ""
        return first if len(self.path) == 1 else first[: first.rfind("/") + 1]


def parse_template(text: str, segments: int = 16) -> Template:
    """The template of a path (it starts with `/`) and its query string.

    Raises:
        TemplateRefused: dot segments, `//`, backslashes, encoded separators, broken percent
            signs, a fragment, braces that are no slot, more than `segments` segments.
    """
    path, mark, query = _halves(text)
    _check_path(path, segments)
    _check_braces(text)
    parts = _parts(path, PATH_SAFE)
    return Template(parts, _pairs(query) if mark else (), _name(path))


def _halves(text: str) -> tuple[str, bool, str]:
    """Path and query string, parted at the first `?` that is not a slot's own."""
    bare = SLOT.sub(lambda slot: " " * len(slot[0]), text)
    at = bare.find("?")
    return (text, False, "") if at < 0 else (text[:at], True, text[at + 1 :])


def _check_path(path: str, segments: int) -> None:
    names = path.split("/")[1:]
    if "\\" in path or HIDDEN.search(path) or PERCENT.search(path):
        raise TemplateRefused(
            "this path holds a backslash or a hidden character",
            "write separators and dots plainly; values go through {name} and where",
            forbidden=True,
        )
    if "//" in path or any(_is_dots(name) or _is_dots(_unfilled(name)) for name in names):
        raise TemplateRefused(
            "this path climbs: it holds `.`, `..` or an empty segment",
            "write the path the upstream should see",
            forbidden=True,
        )
    if "#" in path:
        raise TemplateRefused("a path has no fragment", "leave out # and what follows it")
    if len(names) > segments:
        raise TemplateRefused(
            f"this path goes over the limit path_segments = {segments}", "make it shorter"
        )


def _is_dots(segment: str) -> bool:
    return segment.split(";")[0] in (".", "..")


def _unfilled(segment: str) -> str:
    """A segment whose optional slots stay empty; others always have a text."""
    return SLOT.sub(lambda slot: "" if slot[2] else slot[0], segment)


def _check_braces(text: str) -> None:
    rest = SLOT.sub("", text)
    if "{" in rest or "}" in rest:
        raise TemplateRefused("a brace that is no placeholder", "write {name} or {name?}")


def _parts(text: str, safe: str) -> tuple[TemplatePart, ...]:
    parts: list[TemplatePart] = []
    at = 0
    for match in SLOT.finditer(text):
        if match.start() > at:
            parts.append(quote(text[at : match.start()], safe=safe))
        parts.append(Slot(match[1], match[2] is not None))
        at = match.end()
    if at < len(text):
        parts.append(quote(text[at:], safe=safe))
    return tuple(parts)


def _pairs(query: str) -> tuple[tuple[str, TemplatePart], ...]:
    pairs: list[tuple[str, TemplatePart]] = []
    for pair in filter(None, query.split("&")):
        slot = SLOT.fullmatch(pair)
        if slot:
            pairs.append((slot[1], Slot(slot[1], optional=True)))
            continue
        name, _, value = pair.partition("=")
        if "{" in name:
            raise TemplateRefused("a placeholder cannot name a query parameter", "write name={x}")
        inner = SLOT.fullmatch(value)
        if inner:
            pairs.append((_encoded(name), Slot(inner[1], optional=True)))
        elif "{" in value:
            raise TemplateRefused("a placeholder is a whole query value", "write name={x}")
        else:
            pairs.append((_encoded(name), _encoded(value)))
    return tuple(pairs)


def _encoded(text: str) -> str:
    if PERCENT.search(text) or re.search(r"%(?:[01][0-9a-f]|7f)", text, re.IGNORECASE):
        raise TemplateRefused(
            "the query string holds a broken percent sign or a control character",
            "values go through where, query and {name}",
            forbidden=True,
        )
    if "#" in text:
        raise TemplateRefused("a path has no fragment", "leave out # and what follows it")
    return quote(text, safe=QUERY_SAFE)


def _name(path: str) -> str | None:
    static = (part for part in reversed(path.split("/")) if part and "{" not in part)
    return next(static, None)

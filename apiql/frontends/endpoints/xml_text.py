"""JSON as XML, the way mxj writes it: members by name, lists by elements, indented by two.

Unlike there, letters are escaped and names that XML has not get `_`. Knows no body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from apiql.frontends.endpoints.json_value import MOST_LETTERS, Json, TooDeep, text_of

ROOT = "object"
DEEPEST = 100
"""Elements in each other; what stands deeper is written as JSON."""
_STEP = "  "
_LETTERS = (
    "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
"""What a name begins with, by XML 1.0; no colon, which means more."""
_FIRST = re.compile(f"[{_LETTERS}]")
_NO_NAME = re.compile(f"[^{_LETTERS}0-9.\\-\u00b7\u0300-\u036f\u203f\u2040]")
_UNUSABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_of(value: Json) -> str:
    """The document: an object is the root, a list is in one.

    Raises:
        TooDeep: it would be too long; the deeper an element stands, the longer is its line.
    """
    inside = {ROOT: value} if isinstance(value, list) else value
    lines: list[str] = []
    room = MOST_LETTERS
    for line in _element(ROOT, inside, ""):
        room -= len(line) + 1
        if room < 0:
            raise TooDeep(f"a body is longer than {MOST_LETTERS} letters when written as XML")
        lines.append(line)
    return "\n".join(lines)


def xml_of_text(text: str) -> str:
    """`<string>…</string>`."""
    return f"<string>{_escaped(text)}</string>"


def _element(name: str, value: Json, indent: str) -> Iterator[str]:
    """The lines of an element; a list is an element for each of its own."""
    tag = _tag(name)
    match value:
        case list() | dict() if len(indent) >= DEEPEST * len(_STEP):
            yield f"{indent}<{tag}>{_escaped(text_of(value))}</{tag}>"
        case list():
            if not value:
                yield f"{indent}<{tag}/>"
            for element in _flat(value):
                yield from _element(name, element, indent)
        case dict():
            yield from _object(tag, value, indent)
        case None | "":
            yield f"{indent}<{tag}/>"
        case _:
            yield f"{indent}<{tag}>{_escaped(text_of(value))}</{tag}>"


def _flat(value: list[Json]) -> Iterator[Json]:
    """The elements of a list and of those in it; empty ones are left."""
    waiting = [iter(value)]
    while waiting:
        for element in waiting[-1]:
            if isinstance(element, list) and element:
                waiting.append(iter(element))
                break
            yield element
        else:
            waiting.pop()


def _object(tag: str, value: Mapping[str, Json], indent: str) -> Iterator[str]:
    """Members in the order of their names: `-name` is an attribute, `#text` the text."""
    attributes = sorted(name for name in value if _is_attribute(name, value))
    members = sorted(value.keys() - set(attributes))
    texts = {_tag(name[1:]): _usable(text_of(value[name])) for name in attributes}
    written = "".join(f" {name}={quoteattr(text)}" for name, text in texts.items())
    opening = f"{indent}<{tag}{written}"
    if not members:
        yield f"{opening}/>"
    elif members == ["#text"] and not isinstance(value["#text"], list | dict):
        yield f"{opening}>{_escaped(text_of(value['#text']))}</{tag}>"
    else:
        yield f"{opening}>"
        for name in members:
            yield from _element(name, value[name], indent + _STEP)
        yield f"{indent}</{tag}>"


def _is_attribute(name: str, value: Mapping[str, Json]) -> bool:
    return len(name) > 1 and name[0] == "-" and not isinstance(value[name], list | dict)


def _tag(name: str) -> str:
    usable = _NO_NAME.sub("_", name)
    return usable if _FIRST.match(usable) else f"_{usable}"


def _escaped(text: str) -> str:
    return escape(_usable(text))


def _usable(text: str) -> str:
    """Letters that XML cannot hold become U+FFFD."""
    return _UNUSABLE.sub("\ufffd", text)

"""Bytes of JSON -> nodes that know where they stand; strict, bounded, in linear time.

Numbers keep their digits: int, or Decimal where they are no integer. Knows no file and no meaning.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, NoReturn

from apiql.errors import ApiqlError
from apiql.json_nodes import Member, Members, Node, quoted, step

NESTING = 100
MOST_DIGITS = 400
"""As in answers and queries: a longer number is refused."""

_MARK = "\ufeff"
_SPACE = re.compile(r"[ \t\r\n]*+")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*+')
_ESCAPED = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+')
"""Repeated by hand: up to Python 3.11.4, what follows a possessive group goes on where its last try
has failed, not where that began.
"""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"[\w.+-]++")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_VALUE = "a value: an object, a list, a text in double quotes, a number, true, false or null"


class NoJson(ApiqlError):
    """A text that is no JSON: what is wrong, at which offset, what was expected, inside of what."""

    def __init__(self, wrong: str, at: int, expected: str) -> None:
        super().__init__(wrong)
        self.wrong, self.at, self.expected = wrong, at, expected
        self.path = ""

    def inside(self, key: str | int) -> NoJson:
        """The same, seen from the object or the list around it."""
        self.path = step(key) + self.path
        return self


class NoText(ApiqlError):
    """Bytes that are no UTF-8; `before` is the text up to the first wrong one."""

    def __init__(self, before: str) -> None:
        super().__init__("the file is not UTF-8")
        self.before = before


class Depth(NamedTuple):
    """Brackets around a place, and how many there may be."""

    now: int
    most: int

    def inner(self) -> Depth:
        """That of what is inside of the next one."""
        return Depth(self.now + 1, self.most)


def decoded(data: bytes) -> str:
    """The text in bytes of UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoText(data[: error.start].decode("utf-8")) from None


def read_json(text: str, nesting: int = NESTING) -> Node:
    """The value of a text; NoJson where it is broken, or its brackets nest deeper than so many."""
    if text.startswith(_MARK):
        raise NoJson("a byte order mark stands first", 0, "UTF-8 without a byte order mark")
    node, at = _value(text, _behind_space(text, 0), Depth(0, nesting))
    at = _behind_space(text, at)
    if at < len(text):
        raise NoJson(f"{_seen(text, at)} stands behind the value", at, "the end of the file")
    return node


def _behind_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: Depth) -> tuple[Node, int]:
    match text[at : at + 1]:
        case "{" | "[" if depth.now == depth.most:
            most = f"no more than {depth.most} in each other"
            raise NoJson("the brackets nest too deeply", at, most)
        case "{":
            return _object(text, at, depth.inner())
        case "[":
            return _list(text, at, depth.inner())
        case '"':
            found, end = _text(text, at)
            return Node(found, at), end
        case letter:
            return _number(text, at) if letter and letter in "-0123456789" else _word(text, at)


def _object(text: str, start: int, depth: Depth) -> tuple[Node, int]:
    members: list[Member] = []
    at = _behind_space(text, start + 1)
    while members or text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            wrong = "a comma too many" if members and text[at : at + 1] == "}" else None
            _refuse(text, at, "the name of a member, in double quotes", wrong)
        name, end = _text(text, at)
        colon = _behind_space(text, end)
        if text[colon : colon + 1] != ":":
            _refuse(text, colon, f"a colon behind {quoted(name)}")
        try:
            node, end = _value(text, _behind_space(text, colon + 1), depth)
        except NoJson as broken:
            raise broken.inside(name) from None
        members.append(Member(name, name, at, node))
        at, more = _behind_element(text, end, "}")
        if not more:
            break
    return Node(Members(members), start), at + (not members)


def _list(text: str, start: int, depth: Depth) -> tuple[Node, int]:
    elements: list[Node] = []
    at = _behind_space(text, start + 1)
    while elements or text[at : at + 1] != "]":
        if elements and text[at : at + 1] == "]":
            _refuse(text, at, "an element", "a comma too many")
        try:
            node, end = _value(text, at, depth)
        except NoJson as broken:
            raise broken.inside(len(elements)) from None
        elements.append(node)
        at, more = _behind_element(text, end, "]")
        if not more:
            break
    return Node(tuple(elements), start), at + (not elements)


def _behind_element(text: str, at: int, closing: str) -> tuple[int, bool]:
    """Where it goes on, and whether another element has to follow."""
    at = _behind_space(text, at)
    match text[at : at + 1]:
        case ",":
            return _behind_space(text, at + 1), True
        case letter if letter == closing:
            return at + 1, False
        case _:
            _refuse(text, at, f"a comma or {closing}")


def _text(text: str, at: int) -> tuple[str, int]:
    part, end = _PLAIN.match(text, at + 1), at + 1
    while part is not None:
        end = part.end()
        part = _ESCAPED.match(text, end)
    if text[end : end + 1] != '"':
        _refuse_text(text, at, end)
    written = text[at : end + 1]
    read: str = json.loads(written) if "\\" in written else written[1:-1]
    if _SURROGATE.search(read):
        raise NoJson("a text has half of a surrogate pair", at, "both halves: \\ud83d\\ude00")
    return read, end + 1


def _refuse_text(text: str, at: int, end: int) -> NoReturn:
    """Says why a text does not end where its pattern does."""
    match text[end : end + 1]:
        case "":
            raise NoJson("a text does not end", at, 'a closing "')
        case "\\":
            expected = r"one of \" \\ \/ \b \f \n \r \t \u0000"
            raise NoJson(f"{quoted(text[end : end + 2])} is no escape", end, expected)
        case _:
            raise NoJson("a line break or control character in a text", end, r"\n, \t or \u0000")


def _number(text: str, at: int) -> tuple[Node, int]:
    found = _NUMBER.match(text, at)
    if found is None or _WORD.match(text, found.end()):
        _refuse(text, at, "a number in plain form: 10, -1.5, 2e3", "this is no number")
    written, end = found[0], found.end()
    if sum(map(str.isdigit, written)) > MOST_DIGITS:
        raise NoJson(f"a number has more than {MOST_DIGITS} digits", at, "a shorter number")
    if found[1] is None and found[2] is None:
        return Node(int(written), at), end
    try:
        return Node(Decimal(written), at), end
    except InvalidOperation:
        raise NoJson("the number is out of range", at, "a smaller exponent") from None


def _word(text: str, at: int) -> tuple[Node, int]:
    found = _WORD.match(text, at)
    if found is None or found[0] not in _WORDS:
        _refuse(text, at, _VALUE)
    return Node(_WORDS[found[0]], at), found.end()


def _refuse(text: str, at: int, expected: str, wrong: str | None = None) -> NoReturn:
    if text.startswith(("//", "/*", "#"), at):
        raise NoJson("JSON has no comments", at, expected)
    raise NoJson(wrong or f"found {_seen(text, at)}", at, expected)


def _seen(text: str, at: int) -> str:
    if at >= len(text):
        return "the end of the file"
    word = _WORD.match(text, at)
    return quoted(word[0]) if word else quoted(text[at])

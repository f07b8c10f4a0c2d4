"""One rights file, read -> a right: `{"type", "right", "list"}`, whatever is wrong with it told.

The names of members are matched whatever their case, as in all definitions of the older notation;
their values are not. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apiql.access.rights import Right, Word
from apiql.errors import Code, Location, Problem, nearest
from apiql.ir.reach import Kind
from apiql.json_nodes import Lines, Members, Node, shown, step
from apiql.json_text import NoJson, read_json

NESTING = 64
MEMBERS = ("type", "right", "list")
LISTED = ("user", "scope")
FORM = '{"type": "source", "right": "whitelist", "list": [{"user": "web"}]}'


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the file with what tells where it stands."""

    node: Node
    path: str
    lines: Lines

    @property
    def value(self) -> Any:
        """A scalar, or a tuple of what is in it."""
        return self.node.value

    @property
    def at(self) -> Location:
        """Where it begins."""
        return self.lines.location(self.node.start)

    @property
    def is_object(self) -> bool:
        """Whether it has members."""
        return isinstance(self.node.value, Members)

    def inside(self, key: str | int, node: Node) -> _Part:
        """A member or an element of it."""
        return _Part(node, self.path + step(key), self.lines)

    def __str__(self) -> str:
        return shown(self.node.value)


def read_right(text: str, kind: Kind) -> Right | tuple[Problem, ...]:
    """The right in the text of a file that stands in the folder of a kind, or all that is wrong."""
    lines = Lines(text)
    try:
        root = _Part(read_json(text, NESTING), "$", lines)
    except NoJson as refused:
        hint = f"expected {refused.expected}"
        return (_problem(f"this is no JSON: {refused.wrong}", lines.location(refused.at), hint),)
    problems: list[Problem] = []
    found = _members(root, MEMBERS, problems)
    if not root.is_object:
        return tuple(problems)
    _check_type(found.get("type"), kind, root, problems)
    word = _word(found.get("right"), root, problems)
    users, scopes = _listed(found.get("list"), problems)
    if word is not None:
        problems += _list_and(word, found, root)
    if problems or word is None:
        return tuple(problems)
    return Right(word, users, scopes, found["right"].at)


def _members(part: _Part, known: tuple[str, ...], problems: list[Problem]) -> Mapping[str, _Part]:
    """The members of an object, by their names in lower case."""
    found: dict[str, _Part] = {}
    if not part.is_object:
        problems.append(_wrong(part, f"expected an object, found {part}", FORM))
        return found
    for member in part.value:
        name = member.name.lower()
        inner = part.inside(member.name, member.node)
        at = part.lines.location(member.start)
        if name not in known:
            problems.append(_problem(f"{inner.path}: there is no such member", at,
                                     _meant(name, known)))  # fmt: skip
        elif name in found:
            problems.append(_problem(f"{inner.path}: this member stands twice", at, None))
        else:
            found[name] = inner
    return found


def _check_type(node: _Part | None, kind: Kind, root: _Part, problems: list[Problem]) -> None:
    if node is None:
        problems.append(_missing(root, "type", f'"{kind}"'))
    elif node.value != kind.value:
        wrong = f"found {node}, but the file stands among the rights of kind {kind}"
        problems.append(_wrong(node, wrong, f'expected "{kind}"'))


def _word(node: _Part | None, root: _Part, problems: list[Problem]) -> Word | None:
    words = tuple(word.value for word in Word)
    if node is None:
        problems.append(_missing(root, "right", f"one of {', '.join(words)}"))
    elif node.value in words:
        return Word(node.value)
    else:
        hint = _meant(node.value.lower() if isinstance(node.value, str) else "", words)
        problems.append(_wrong(node, f"{node} is no right", hint))
    return None


def _listed(node: _Part | None, problems: list[Problem]) -> tuple[frozenset[str], frozenset[str]]:
    """The users and the scopes of a list."""
    found: dict[str, set[str]] = {name: set() for name in LISTED}
    for entry in _entries(node, problems):
        members = _members(entry, LISTED, problems)
        if entry.is_object and len(members) != 1 and len(entry.value) < 2:
            problems.append(_wrong(entry, "an entry names a user or a scope", '{"user": "web"}'))
        elif len(members) > 1:
            problems.append(_wrong(entry, "an entry names one of both", "make two entries of it"))
        for name, value in members.items():
            if isinstance(value.value, str) and value.value:
                found[name].add(value.value)
            else:
                problems.append(_wrong(value, f"found {value}", f"expected the name of a {name}"))
    return frozenset(found["user"]), frozenset(found["scope"])


def _entries(node: _Part | None, problems: list[Problem]) -> tuple[_Part, ...]:
    if node is None:
        return ()
    if node.is_object or not isinstance(node.value, tuple):
        problems.append(_wrong(node, f"expected a list, found {node}", '[{"user": "web"}]'))
        return ()
    return tuple(node.inside(number, each) for number, each in enumerate(node.value))


def _list_and(word: Word, found: Mapping[str, _Part], root: _Part) -> Iterator[Problem]:
    """What is wrong with a list beside a right: what it cannot mean was not meant."""
    listed = found.get("list")
    if word not in (Word.WHITELIST, Word.BLACKLIST):
        if listed is not None:
            hint = f'take it out, or "whitelist" in place of "{word}"'
            yield _wrong(listed, f"a list says nothing beside {word}", hint)
    elif listed is None:
        yield _missing(root, "list", '[{"user": "web"}]')
    elif word is Word.BLACKLIST and listed.value == ():
        yield _wrong(listed, "this list keeps nobody out", 'that is "public"')


def _meant(word: str, known: tuple[str, ...]) -> str:
    meant = nearest(word, known)
    return f"did you mean {meant}?" if meant else f"expected one of {', '.join(known)}"


def _missing(root: _Part, name: str, expected: str) -> Problem:
    return _wrong(root, f"the member {name} is missing", f"expected {expected}")


def _wrong(node: _Part, message: str, hint: str | None) -> Problem:
    return _problem(f"{node.path}: {message}", node.at, hint)


def _problem(message: str, at: Location, hint: str | None) -> Problem:
    line = "".join(c if c.isprintable() else "?" for c in message)
    return Problem(Code.VALIDATION, line, (at,), hint)

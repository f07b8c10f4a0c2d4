"""One rights file, read -> a right: `{"type", "right", "list"}`, whatever is wrong with it told.

The names of members are matched whatever their case, as in all definitions of the older notation;
their values are not. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apiql.access.rights import Right, Word
from apiql.errors import Code, Location, Problem, nearest
from apiql.ir.reach import Kind
from apiql.json_places import Node, NoJson, read_places

MEMBERS = ("type", "right", "list")
LISTED = ("user", "scope")
FORM = '{"type": "source", "right": "whitelist", "list": [{"user": "web"}]}'


def read_right(text: str, kind: Kind) -> Right | tuple[Problem, ...]:
    """The right in the text of a file that stands in the folder of a kind, or all that is wrong."""
    try:
        root = read_places(text)
    except NoJson as refused:
        return (_problem(f"this is no JSON: {refused.message}", refused.at, None),)
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


def _members(node: Node, known: tuple[str, ...], problems: list[Problem]) -> Mapping[str, Node]:
    """The members of an object, by their names in lower case."""
    found: dict[str, Node] = {}
    if not node.is_object:
        problems.append(_wrong(node, f"expected an object, found {node}", FORM))
        return found
    for member in node.value:
        name = member.name.lower()
        path = member.value.path
        if name not in known:
            hint = _meant(name, known)
            problems.append(_problem(f"{path}: there is no such member", member.at, hint))
        elif name in found:
            problems.append(_problem(f"{path}: this member stands twice", member.at, None))
        else:
            found[name] = member.value
    return found


def _check_type(node: Node | None, kind: Kind, root: Node, problems: list[Problem]) -> None:
    if node is None:
        problems.append(_missing(root, "type", f'"{kind}"'))
    elif node.value != kind.value:
        wrong = f"found {node}, but the file stands among the rights of kind {kind}"
        problems.append(_wrong(node, wrong, f'expected "{kind}"'))


def _word(node: Node | None, root: Node, problems: list[Problem]) -> Word | None:
    words = tuple(word.value for word in Word)
    if node is None:
        problems.append(_missing(root, "right", f"one of {', '.join(words)}"))
    elif node.value in words:
        return Word(node.value)
    else:
        hint = _meant(node.value.lower() if isinstance(node.value, str) else "", words)
        problems.append(_wrong(node, f"{node} is no right", hint))
    return None


def _listed(node: Node | None, problems: list[Problem]) -> tuple[frozenset[str], frozenset[str]]:
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


def _entries(node: Node | None, problems: list[Problem]) -> tuple[Node, ...]:
    if node is None:
        return ()
    if node.is_object or not isinstance(node.value, tuple):
        problems.append(_wrong(node, f"expected a list, found {node}", '[{"user": "web"}]'))
        return ()
    return node.value


def _list_and(word: Word, found: Mapping[str, Node], root: Node) -> Iterator[Problem]:
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


def _missing(root: Node, name: str, expected: str) -> Problem:
    return _wrong(root, f"the member {name} is missing", f"expected {expected}")


def _wrong(node: Node, message: str, hint: str | None) -> Problem:
    return _problem(f"{node.path}: {message}", node.at, hint)


def _problem(message: str, at: Location, hint: str | None) -> Problem:
    line = "".join(c if c.isprintable() else "?" for c in message)
    return Problem(Code.VALIDATION, line, (at,), hint)

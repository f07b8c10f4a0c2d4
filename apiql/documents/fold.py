"""A document as written -> the same under the names of its model, and all that is odd about it.

Names are matched whatever their case, as Go's encoding/json does; null is as if it were absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from apiql.documents.members import Slot, Spelling, names, spellings
from apiql.documents.problems import Severity
from apiql.documents.shape import Shape
from apiql.json_nodes import Member, Members, Node, meant, quoted, step

SCHEMA = "$schema"
"""Editors find the schema of a file by it; everybody else passes it by."""


class Finding(NamedTuple):
    """Something about a part of a document."""

    at: int
    path: str
    severity: Severity
    wrong: str
    expected: str | None = None
    nearest: str | None = None


Tell: TypeAlias = Callable[[Finding], None]


def fold(node: Node, model: type[Shape], tell: Tell, path: str = "$") -> Node:
    """The node with the model's names, without unknown members, doubles and nulls."""
    if not isinstance(node.value, Members):
        return node
    known = spellings(model)
    chosen: dict[str, Member] = {}
    for member in node.value:
        spelling = known.get(member.spelled.casefold())
        if spelling is None:
            if not (path == "$" and member.spelled == SCHEMA):
                tell(_unknown(member, model, path))
        elif _counts(member, spelling, chosen, tell, path) and member.node.value is not None:
            chosen[spelling.slot.name] = _folded(member, spelling.slot, tell, path)
    _demands(node, model, chosen, tell, path)
    return Node(Members(chosen.values()), node.start)


def _unknown(member: Member, model: type[Shape], path: str) -> Finding:
    known = names(model)
    near = meant(member.spelled, known)
    severity = Severity.ERROR if model.closed else Severity.WARNING
    wrong = "there is no such member" + ("" if model.closed else ": it is ignored")
    expected = None if near else f"one of {', '.join(known)}"
    return Finding(member.start, path + step(member.spelled), severity, wrong, expected, near)


def _counts(
    member: Member, spelling: Spelling, chosen: dict[str, Member], tell: Tell, path: str
) -> bool:
    """Whether a member is the one to take: the last of a name, and an older name only alone."""
    name = spelling.slot.name
    there = path + step(member.spelled)
    first = chosen.get(name)
    if first is None:
        if spelling.is_older:
            wrong = f"{quoted(member.spelled)} is an older spelling"
            tell(Finding(member.start, there, Severity.WARNING, wrong, quoted(name)))
        return True
    was_older = first.spelled.casefold() != name.casefold()
    taken = was_older or not spelling.is_older
    wrong = f"{quoted(name)} stands twice: " + (
        "this one counts" if taken else f"{quoted(first.spelled)} counts"
    )
    tell(Finding(member.start, there, Severity.WARNING, wrong, "one of them"))
    return taken


def _folded(member: Member, slot: Slot, tell: Tell, path: str) -> Member:
    there = path + step(member.spelled)
    node = member.node
    if slot.model is not None and slot.is_named:
        node = _named(node, slot.model, tell, there)
    elif slot.model is not None and not slot.is_listed:
        node = fold(node, slot.model, tell, there)
    elif slot.model is not None and _is_list(node):
        inner = slot.model
        elements = (fold(n, inner, tell, there + step(at)) for at, n in enumerate(node.value))
        node = Node(tuple(elements), node.start)
    elif slot.is_free:
        _tell_doubles(node, tell, there)
    elif isinstance(node.value, str):
        node = _word(node, slot, tell, there)
    return Member(slot.name, member.spelled, member.start, node)


def _named(node: Node, model: type[Shape], tell: Tell, path: str) -> Node:
    """The models under the names of an object; of a name that stands twice the last one counts."""
    if not isinstance(node.value, Members):
        return node
    found: dict[str, Member] = {}
    for name, spelled, start, inner in node.value:
        there = path + step(spelled)
        if name in found:
            wrong = f"{quoted(name)} stands twice: this one counts"
            tell(Finding(start, there, Severity.WARNING, wrong, "one of them"))
        found[name] = Member(name, spelled, start, fold(inner, model, tell, there))
    return Node(Members(found.values()), node.start)


def _is_list(node: Node) -> bool:
    return isinstance(node.value, tuple) and not isinstance(node.value, Members)


def _word(node: Node, slot: Slot, tell: Tell, path: str) -> Node:
    """A word, or the one that it means."""
    word: str = node.value
    if slot.renamed is not None:
        other = slot.renamed.words.get(word)
        if other is not None:
            wrong = f"{quoted(word)} is an older word"
            tell(Finding(node.start, path, Severity.WARNING, wrong, quoted(other)))
        elif word.lower() in slot.renamed.any_case:
            other = word.lower()
        return node if other is None else Node(other, node.start)
    if slot.words is not None and slot.words.unusual(word):
        near = slot.words.near(word)
        expected = None if near else f"one of {', '.join(slot.words.known)}"
        wrong = f"{quoted(word)} is not known here"
        tell(Finding(node.start, path, Severity.WARNING, wrong, expected, near and quoted(near)))
    return node


def _tell_doubles(node: Node, tell: Tell, path: str) -> None:
    """Members of free JSON that stand twice: as in Go, the last one counts."""
    if _is_list(node):
        for at, element in enumerate(node.value):
            _tell_doubles(element, tell, path + step(at))
    elif isinstance(node.value, Members):
        seen: set[str] = set()
        for member in node.value:
            there = path + step(member.spelled)
            if member.name in seen:
                wrong = f"{quoted(member.name)} stands twice: this one counts"
                tell(Finding(member.start, there, Severity.WARNING, wrong, "one of them"))
            seen.add(member.name)
            _tell_doubles(member.node, tell, there)


def _demands(
    node: Node, model: type[Shape], chosen: dict[str, Member], tell: Tell, path: str
) -> None:
    for demand in model.demands({name: member.node for name, member in chosen.items()}):
        member = chosen.get(demand.member or "")
        at = node.start if member is None else member.node.start
        there = path if member is None else path + step(member.spelled)
        told = demand.expected, demand.nearest and quoted(demand.nearest)
        tell(Finding(at, there, demand.severity, demand.wrong, *told))

"""Where the comments of a text belong: each to the innermost element it stands at.

At the end of a line a comment belongs to what stands before it, else to what follows; before a
`;` or the end to the statement; before a closing bracket to the last element in it; amid an
element to that element.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lark import Token

from apiql.frontends.text.grammar import CLOSERS, OPENERS
from apiql.frontends.text.layout import Doc, Element, Notes, inside

COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
SEPARATORS = frozenset({"COMMA", "AND"})
LEADING = frozenset({"FROM", "EXPLAIN", "ANALYZE", "SIDE", "JOIN", "ELSE"})
"""Words that stand before an element and come with it."""
INTRODUCING = LEADING | OPENERS | {"SELECT", "WHERE", "QUERY", "HEADERS", "COOKIES", "FORM", "BY"}
"""What an element can follow that a comment cannot belong to."""
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Commented:
    """The comments of elements, by where these start, and those that follow a statement."""

    notes: dict[int, Notes] = field(default_factory=lambda: defaultdict(Notes))
    after_statement: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class Gap:
    """Between two tokens (their numbers; None beyond either end of the text)."""

    start: int
    end: int
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and how it stands: ending on the line of the token before it, and right before
    the one after it.
    """

    text: str
    behind: bool
    ahead: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text, and the element that each belongs to."""

    tokens: Sequence[Token]
    starts: frozenset[int]
    owners: Sequence[int]

    def kind(self, number: int | None) -> str:
        """The type of a token; `;` beyond either end."""
        return "SEMICOLON" if number is None else self.tokens[number].type

    def owner(self, number: int | None) -> int:
        """The start of the element that a token belongs to."""
        return NOBODY if number is None else self.owners[number]

    def begins(self, number: int | None) -> bool:
        """Whether an element starts with a token."""
        return number is not None and self.tokens[number].start_pos in self.starts


def commented(text: str, tokens: Sequence[Token], statements: Sequence[Doc]) -> Commented:
    """The comments of a text, attached to the elements of its statements."""
    first_of = [min(_starts(doc)) for doc in statements]
    known = _owned(tokens, frozenset(start for doc in statements for start in _starts(doc)))
    found = Commented()
    for gap in _gaps(text, tokens):
        for comment in _comments(text, gap):
            _attach(comment, gap, known, first_of, found)
    return found


def _starts(doc: Doc) -> Iterator[int]:
    """Where the elements in a document start."""
    waiting = [doc]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Element):
            yield item.start
        waiting += inside(item)


def _owned(tokens: Sequence[Token], starts: frozenset[int]) -> Tokens:
    """A token belongs to the element that started last; behind a bracket the one before it."""
    owners: list[int] = []
    outer: list[int] = []
    current = NOBODY
    for token in tokens:
        start = token.start_pos or 0
        current = start if start in starts else current
        if token.type in CLOSERS:
            current = outer.pop()
        elif token.type in OPENERS:
            outer.append(current)
        owners.append(current)
    return Tokens(tokens, starts, owners)


def _gaps(text: str, tokens: Sequence[Token]) -> Iterator[Gap]:
    end = 0
    for number, token in enumerate(tokens):
        yield Gap(end, token.start_pos or 0, number - 1 if number else None, number)
        end = token.end_pos or 0
    yield Gap(end, len(text), len(tokens) - 1, None)


def _comments(text: str, gap: Gap) -> Iterator[Comment]:
    for found in COMMENT.finditer(text, gap.start, gap.end):
        behind = gap.before is not None and "\n" not in text[gap.start : found.end()]
        whole = "\n" not in found[0] and not found[0].startswith("--")
        ahead = whole and gap.after is not None and "\n" not in text[found.end() : gap.end]
        yield Comment(found[0].rstrip(), behind, ahead)


def _attach(
    comment: Comment, gap: Gap, known: Tokens, first_of: Sequence[int], found: Commented
) -> None:
    """Notes a comment at the element or behind the statement that it belongs to."""
    before, after = gap.before, _next(gap, known)
    owner, follower = known.owner(before), known.owner(after)
    if owner == NOBODY or (known.kind(before) in INTRODUCING and known.begins(after)):
        _lead(comment, found.notes[follower])
    elif known.kind(gap.after) == "SEMICOLON":
        if comment.behind and _is_open(found.notes[owner]):
            found.notes[owner].at_end.append(comment.text)
        elif after is None or known.kind(before) != "SEMICOLON":
            found.after_statement[bisect_right(first_of, owner) - 1].append(comment.text)
        else:
            _lead(comment, found.notes[follower])
    elif owner == follower:
        _lead(comment, found.notes[owner])
    else:
        _between(comment, known.kind(gap.after), found.notes[owner], found.notes[follower])


def _between(comment: Comment, following: str, owner: Notes, follower: Notes) -> None:
    """Notes a comment that stands between two elements."""
    if comment.behind and not comment.ahead and _is_open(owner):
        owner.at_end.append(comment.text)
    elif comment.behind and comment.ahead and following in SEPARATORS | CLOSERS:
        owner.behind.append(comment.text)
    elif following in CLOSERS:
        owner.below.append(comment.text)
    else:
        _lead(comment, follower)


def _is_open(owner: Notes) -> bool:
    """Whether the end of its line still has room."""
    return not owner.at_end or not owner.at_end[-1].startswith("--")


def _lead(comment: Comment, follower: Notes) -> None:
    (follower.before if comment.ahead else follower.above).append(comment.text)


def _next(gap: Gap, known: Tokens) -> int | None:
    """The number of the token that follows, past separators and words that lead to it."""
    skipped = SEPARATORS | LEADING
    if known.kind(gap.before) == "SEMICOLON":
        skipped |= {"SEMICOLON"}
    number = gap.after
    while number is not None and known.kind(number) in skipped:
        number = number + 1 if number + 1 < len(known.tokens) else None
    return number

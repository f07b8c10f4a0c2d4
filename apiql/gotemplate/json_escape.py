"""tree --escape_json--> tree: the actions of a template that writes JSON get escapers, by whether
they stand between quotes. The literal text is JSON but for backslashes and control characters
between quotes, which are meant as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Final

import msgspec

from apiql.gotemplate import quoting, syntax
from apiql.gotemplate.faults import Stopped, refused
from apiql.gotemplate.literals import Misread
from apiql.gotemplate.printing import written
from apiql.gotemplate.values import MISSING, ListView, MapView, Number, Value

INNER_QUOTE: Final = "\ufffe"
"""Stands in a literal text for a quote that belongs to the text between quotes."""

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_MARKS = re.compile(r"[\s,:]*")
_IN, _OUT = True, False
Escaped = tuple[syntax.List, bool]


def decoded(text: str) -> object:
    """The JSON value that a text spells; Stopped where it spells none."""
    try:
        return _DECODER.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeError, ArithmeticError) as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        hint = "texts must stand in quotes, elements between commas"
        raise Stopped(f"the text is no JSON: {reason[:200]}", hint=hint) from None


def between_quotes(value: Value) -> str:
    """The text of a value, as it stands between the quotes of JSON."""
    return quoting.json_inside(written(value))


def bare(value: Value) -> str:
    """A value outside quotes: JSON. A text must be one JSON value, or only marks between values."""
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, MapView | ListView):
        return quoting.json_text(value)
    if isinstance(value, Number) or not isinstance(value, str):
        return written(value)
    if not _MARKS.fullmatch(value):
        try:
            decoded(value)
        except Stopped:
            message = f"a text outside quotes is no JSON value: {quoting.quoted(value[:40])}"
            raise Stopped(message, hint='put quotes around the action: \\"{{…}}\\"') from None
    return str(value)


def escape_json(tree: syntax.Tree) -> syntax.Tree:
    """The tree with its escapers; TemplateRefused where quotes are not the same in each branch."""
    work = _Work(tree)
    try:
        body, end = _body(tree.body, _OUT, work)
        if end is _IN:
            raise Misread("a quote is not closed", len(tree.text), 'expected \\" before the end')
        work.finish()
    except Misread as error:
        raise refused(tree.text, error.offset, error.message, error.hint) from None
    return syntax.Tree(tree.text, body, work.copies)


class _Work:
    """The copies of templates, one for use between quotes and one outside."""

    def __init__(self, tree: syntax.Tree) -> None:
        self.defined = tree.defined
        self.copies: dict[str, syntax.List] = {}
        self.waiting: list[tuple[str, str, bool, int]] = []
        self.loops: list[bool] = []

    def wanted(self, node: syntax.Call, quotes: bool) -> str:
        """The name of the copy."""
        target = f"{node.name}\0{quotes}"
        if node.name in self.defined and target not in self.copies:
            self.copies[target] = ()
            self.waiting.append((target, node.name, quotes, node.offset))
        return target

    def finish(self) -> None:
        """Makes the copies that are wanted; each must end as it begins."""
        while self.waiting:
            target, name, quotes, offset = self.waiting.pop()
            self.copies[target], end = _body(self.defined[name], quotes, self)
            _check(end, quotes, offset)


def _body(nodes: syntax.List, quotes: bool, work: _Work) -> Escaped:
    found = []
    for node in nodes:
        escaped, quotes = _node(node, quotes, work)
        found.append(escaped)
    return tuple(found), quotes


def _node(node: syntax.Node, quotes: bool, work: _Work) -> tuple[syntax.Node, bool]:
    match node:
        case syntax.Text():
            text, quotes = _text(node.text, quotes)
            return syntax.Text(text, node.offset), quotes
        case syntax.Action():
            return _action(node, quotes), quotes
        case syntax.If():
            return _if(node, quotes, work)
        case syntax.With() | syntax.Range():
            return _block(node, quotes, work)
        case syntax.Call():
            return replace(node, target=work.wanted(node, quotes)), quotes
        case syntax.Leave() | syntax.NextRound():
            _check(quotes, work.loops[-1], node.offset)
            return node, quotes


def _if(node: syntax.If, quotes: bool, work: _Work) -> tuple[syntax.Node, bool]:
    other, end = _body(node.other or (), quotes, work)
    branches = []
    for pipeline, body in node.branches:
        escaped, body_end = _body(body, quotes, work)
        _check(body_end, end, node.offset)
        branches.append((pipeline, escaped))
    return syntax.If(tuple(branches), other, node.offset), end


def _block(node: syntax.With | syntax.Range, quotes: bool, work: _Work) -> tuple[syntax.Node, bool]:
    loops = isinstance(node, syntax.Range)
    work.loops += [quotes] if loops else []
    body, end = _body(node.body, quotes, work)
    if loops:
        work.loops.pop()
        _check(end, quotes, node.offset)
    other, other_end = _body(node.other or (), quotes, work)
    _check(end, other_end, node.offset)
    return replace(node, body=body, other=other), end


def _check(end: bool, other: bool, offset: int) -> None:
    if end is not other:
        hint = "close the quotes in each branch as in the others"
        raise Misread("a branch ends between quotes, another outside", offset, hint)


def _action(node: syntax.Action, quotes: bool) -> syntax.Action:
    operands = [operand for command in node.pipeline.commands for operand in command.operands]
    if quotes:
        return replace(node, escapers=(between_quotes,))
    if all(isinstance(operand, syntax.Literal) for operand in operands):
        return node
    return replace(node, escapers=(bare,))


def _text(text: str, quotes: bool) -> tuple[str, bool]:
    parts = []
    for place, part in enumerate(text.split('"')):
        if place:
            quotes = not quotes
            parts.append('"')
        plain = part.replace(INNER_QUOTE, '"')
        parts.append(quoting.json_inside(plain) if quotes else plain)
    return "".join(parts), quotes

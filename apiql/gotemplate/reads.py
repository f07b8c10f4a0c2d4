"""Which paths of the root data a template reads, as far as that can be told from its tree."""

from __future__ import annotations

from typing import TypeAlias

from apiql.gotemplate import syntax

Path: TypeAlias = tuple[str, ...]

EVERYTHING: Path = ()


def reads_of(tree: syntax.Tree) -> frozenset[Path]:
    """The paths; the empty one stands for all of the data. A path includes what is below it, so the
    data of a `range` or `with` are read as a whole.
    """
    found: set[Path] = set()
    waiting = [(tree.body, True)]
    known: set[str] = set()
    while waiting:
        body, dot_is_root = waiting.pop()
        for name in _body(body, dot_is_root, dot_is_root, found):
            target = tree.defined.get(name)
            if target is not None and name not in known:
                known.add(name)
                # Whatever it is given, its own dot is at most what the caller read already.
                waiting.append((target, False))
    return frozenset([EVERYTHING]) if EVERYTHING in found else frozenset(found)


def _body(body: syntax.List, at_root: bool, has_root: bool, found: set[Path]) -> list[str]:
    """Adds the paths of a body; gives the templates that it calls. `at_root` says whether the dot
    is the root, `has_root` whether `$` is.
    """
    called: list[str] = []
    for node in body:
        match node:
            case syntax.Action():
                _pipeline(node.pipeline, at_root, has_root, found)
            case syntax.If():
                for pipeline, inner in node.branches:
                    _pipeline(pipeline, at_root, has_root, found)
                    called += _body(inner, at_root, has_root, found)
                called += _body(node.other or (), at_root, has_root, found)
            case syntax.With() | syntax.Range():
                _pipeline(node.pipeline, at_root, has_root, found)
                called += _body(node.body, False, has_root, found)
                called += _body(node.other or (), at_root, has_root, found)
            case syntax.Call():
                called.append(node.target or node.name)
                if node.pipeline is not None:
                    _pipeline(node.pipeline, at_root, has_root, found)
    return called


def _pipeline(pipeline: syntax.Pipeline, at_root: bool, has_root: bool, found: set[Path]) -> None:
    for command in pipeline.commands:
        for operand in command.operands:
            _operand(operand, at_root, has_root, found)


def _operand(operand: syntax.Operand, at_root: bool, has_root: bool, found: set[Path]) -> None:
    match operand:
        case syntax.Field() if at_root:
            found.add(operand.names)
        case syntax.Dot() if at_root:
            found.add(EVERYTHING)
        case syntax.Variable() if has_root and operand.name == "$":
            found.add(operand.names or EVERYTHING)
        case syntax.Chain():
            _operand(operand.base, at_root, has_root, found)
        case syntax.Pipeline():
            _pipeline(operand, at_root, has_root, found)

"""Checks a tree that the grammar took: its functions exist, variables are declared, break and
continue stand in loops; and gathers the templates that blocks define.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from apiql.gotemplate import syntax
from apiql.gotemplate.literals import Misread


def check(tree: syntax.Tree, functions: Container[str]) -> syntax.Tree:
    """The tree with the bodies of its blocks among the defined templates; Misread at a mistake."""
    defined = dict(tree.defined)
    waiting = [tree.body, *tree.defined.values()]
    while waiting:
        body = waiting.pop()
        _check_body(body, frozenset(("$",)), False, functions)
        for call in _blocks(body):
            if defined.get(call.name):
                message = f'multiple definition of template "{call.name}"'
                raise Misread(message, call.offset, "rename one")
            defined[call.name] = call.body or ()
            waiting.append(call.body or ())
    return replace(tree, defined=defined)


def _blocks(body: syntax.List) -> Iterator[syntax.Call]:
    for node in body:
        if isinstance(node, syntax.Call) and node.body is not None:
            yield node
        for inner in bodies(node):
            yield from _blocks(inner)


def bodies(node: syntax.Node) -> tuple[syntax.List, ...]:
    """The bodies inside a node, without those of the templates that it calls."""
    match node:
        case syntax.If():
            return (*(body for _, body in node.branches), node.other or ())
        case syntax.With() | syntax.Range():
            return (node.body, node.other or ())
        case _:
            return ()


Names = frozenset[str]
MOST_VARIABLES = 1_000


def _check_body(body: syntax.List, names: Names, in_loop: bool, functions: Container[str]) -> None:
    """A variable is known from where it is declared to the end of the body."""
    for node in body:
        match node:
            case syntax.Action():
                names = _check_pipeline(node.pipeline, names, functions)
            case syntax.If():
                _check_if(node, names, in_loop, functions)
            case syntax.With() | syntax.Range():
                inside = _check_pipeline(node.pipeline, names, functions)
                loops = in_loop or isinstance(node, syntax.Range)
                _check_body(node.body, inside, loops, functions)
                _check_body(node.other or (), inside, in_loop, functions)
            case syntax.Call() if node.pipeline is not None:
                _check_pipeline(node.pipeline, names, functions)
            case syntax.Leave() | syntax.NextRound() if not in_loop:
                word = "break" if isinstance(node, syntax.Leave) else "continue"
                raise Misread(f"{{{{{word}}}}} outside {{{{range}}}}", node.offset, "take it out")


def _check_if(node: syntax.If, names: Names, in_loop: bool, functions: Container[str]) -> None:
    for pipeline, body in node.branches:
        names = _check_pipeline(pipeline, names, functions)
        _check_body(body, names, in_loop, functions)
    _check_body(node.other or (), names, in_loop, functions)


def _check_pipeline(pipeline: syntax.Pipeline, names: Names, functions: Container[str]) -> Names:
    """The names known behind a pipeline."""
    if pipeline.assigns:
        for name in pipeline.variables:
            _check_name(name, names, pipeline.offset)
    elif not names.issuperset(pipeline.variables):
        # As in Go, a declared name is known to its own pipeline already.
        names = names.union(pipeline.variables)
        if len(names) > MOST_VARIABLES:
            raise Misread(f"more than {MOST_VARIABLES} variables", pipeline.offset, "use fewer")
    for command in pipeline.commands:
        for operand in command.operands:
            _check_operand(operand, names, functions)
    return names


def _check_operand(operand: syntax.Operand, names: Names, functions: Container[str]) -> None:
    match operand:
        case syntax.Identifier():
            if operand.name not in functions:
                message = f'function "{operand.name}" not defined'
                hint = "only the functions of the list in docs/go-templates.md exist"
                raise Misread(message, operand.offset, hint)
        case syntax.Variable():
            _check_name(operand.name, names, operand.offset)
        case syntax.Chain():
            _check_operand(operand.base, names, functions)
        case syntax.Pipeline():
            _check_pipeline(operand, names, functions)


def _check_name(name: str, names: Names, offset: int) -> None:
    if name not in names:
        message = f'undefined variable "{name}"'
        raise Misread(message, offset, f"declare it before: {name} := value")

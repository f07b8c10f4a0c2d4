"""Nodes as closures: each becomes a function of a `Run` that writes, and tells whether a loop is to
be left. Knows no escaping: an action brings its escapers along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from apiql.gotemplate import syntax
from apiql.gotemplate.budget import Run
from apiql.gotemplate.evaluate import Reader, pipeline_of, value_of
from apiql.gotemplate.faults import Stopped, StoppedAt
from apiql.gotemplate.printing import pairs, text_of, written
from apiql.gotemplate.scope import Scope
from apiql.gotemplate.values import MISSING, ListView, MapView, Value, is_true, seen

ON, LEAVE, NEXT = 0, 1, 2
"""What a node tells the loop around it."""

Writer: TypeAlias = Callable[[Run], int]


class Bodies:
    """The bodies of the templates of a tree, by name: filled one after the other, since they may
    call each other. Each with the slots it needs.
    """

    def __init__(self) -> None:
        self.found: dict[str, tuple[Writer, int]] = {}


def body_of(nodes: syntax.List, scope: Scope, bodies: Bodies) -> Writer:
    """All nodes one after the other."""
    writers: list[Writer] = []
    for node in nodes:
        writer, scope = _node(node, scope, bodies)
        writers.append(writer)
    if len(writers) == 1:
        return writers[0]
    steps = tuple(writers)

    def write(run: Run) -> int:
        run.charge(len(steps))
        for step in steps:
            told = step(run)
            if told:
                return told
        return ON

    return write


def _node(node: syntax.Node, scope: Scope, bodies: Bodies) -> tuple[Writer, Scope]:
    match node:
        case syntax.Text():
            return _text(node.text), scope
        case syntax.Action():
            return _action(node, scope)
        case syntax.If():
            return _if(node, scope, bodies), scope
        case syntax.With():
            return _with(node, scope, bodies), scope
        case syntax.Range():
            return _range(node, scope, bodies), scope
        case syntax.Leave():
            return (lambda run: LEAVE), scope
        case syntax.NextRound():
            return (lambda run: NEXT), scope
        case syntax.Call():
            return _template(node, scope, bodies), scope


def _text(text: str) -> Writer:
    def write(run: Run) -> int:
        run.write(text)
        return ON

    return write


def _action(node: syntax.Action, scope: Scope) -> tuple[Writer, Scope]:
    read, after = pipeline_of(node.pipeline, scope)
    if node.pipeline.variables:

        def set_only(run: Run) -> int:
            read(run)
            return ON

        return set_only, after
    return (_escaped(read, node.escapers) if node.escapers else _plain(read)), after


def _plain(read: Reader) -> Writer:
    def write(run: Run) -> int:
        value = read(run)
        run.write(value if type(value) is str else written(value))
        return ON

    return write


def _escaped(read: Reader, escapers: tuple[syntax.Escaper, ...]) -> Writer:
    def write(run: Run) -> int:
        value = read(run)
        for escape in escapers:
            value = run.made(escape(value))
        run.write(value)
        return ON

    return write


def _if(node: syntax.If, scope: Scope, bodies: Bodies) -> Writer:
    branches: list[tuple[Reader, Writer]] = []
    for pipeline, body in node.branches:
        read, scope = pipeline_of(pipeline, scope)
        branches.append((read, body_of(body, scope, bodies)))
    other = body_of(node.other or (), scope, bodies)

    def write(run: Run) -> int:
        for read, body in branches:
            if is_true(read(run)):
                return body(run)
        return other(run)

    return write


def _with(node: syntax.With, scope: Scope, bodies: Bodies) -> Writer:
    read, inside = pipeline_of(node.pipeline, scope)
    body = body_of(node.body, inside, bodies)
    other = body_of(node.other or (), inside, bodies)

    def write(run: Run) -> int:
        value = read(run)
        if not is_true(value):
            return other(run)
        dot = run.dot
        run.dot = value
        told = body(run)
        run.dot = dot
        return told

    return write


def _range(node: syntax.Range, scope: Scope, bodies: Bodies) -> Writer:
    read = value_of(node.pipeline, scope)
    names = node.pipeline.variables
    inside = scope if node.pipeline.assigns else scope.with_variables(names)
    slots = [inside.variables[name] for name in names]
    body = body_of(node.body, inside, bodies)
    other = body_of(node.other or (), inside, bodies)

    def write(run: Run) -> int:
        value = read(run)
        if not is_true(value) and (value is MISSING or isinstance(value, MapView | ListView)):
            return other(run)
        dot = run.dot
        for key, element in _elements(value, node, run):
            run.next_round()
            run.dot = element
            if slots:
                run.variables[slots[-1]] = element
                run.variables[slots[0]] = element if len(slots) == 1 else key
            if body(run) == LEAVE:
                break
        run.dot = dot
        return ON

    return write


def _elements(value: Value, node: syntax.Range, run: Run) -> Iterable[tuple[Value, Value]]:
    if isinstance(value, ListView):
        kind = value.kind
        return ((place, seen(raw, kind)) for place, raw in enumerate(value.raw))
    if isinstance(value, MapView):
        run.charge(len(value.raw))
        return ((name, seen(raw, value.kind_of(name))) for name, raw in pairs(value))
    last = node.pipeline.commands[-1].operands[-1]
    message = f"range can't iterate over {text_of(value)[:200]}"
    raise StoppedAt(Stopped(message), last.offset, str(last))


def _template(node: syntax.Call, scope: Scope, bodies: Bodies) -> Writer:
    read = pipeline_of(node.pipeline, scope)[0] if node.pipeline else None
    found: Mapping[str, tuple[Writer, int]] = bodies.found
    name = node.target or node.name

    def write(run: Run) -> int:
        called = found.get(name)
        if called is None:
            message = f'template "{node.name}" not defined'
            raise StoppedAt(Stopped(message), node.offset, str(node))
        dot = MISSING if read is None else read(run)
        _run_template(run, dot, called, node)
        return ON

    return write


def _run_template(run: Run, dot: Value, called: tuple[Writer, int], node: syntax.Call) -> None:
    body, slots = called
    run.next_round()
    if run.depth >= run.budget.depth:
        message = f"exceeded maximum template depth ({run.budget.depth})"
        raise StoppedAt(Stopped(message), node.offset, str(node))
    around = run.dot, run.variables
    run.depth += 1
    run.dot, run.variables = dot, [dot] * slots
    body(run)
    run.dot, run.variables = around
    run.depth -= 1

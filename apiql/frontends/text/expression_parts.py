"""What expressions are made of, for checks that point at a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apiql.frontends.text import expressions as e


def parts(
    expression: e.Expression, enter: Callable[[e.Invocation], bool] = lambda call: True
) -> Iterator[e.Expression]:
    """An expression and all in it, in the order of the text; `enter` says into which calls."""
    yield expression
    for inner in _inner(expression, enter):
        yield from parts(inner, enter)


def _inner(
    expression: e.Expression, enter: Callable[[e.Invocation], bool]
) -> Iterator[e.Expression]:
    match expression:
        case e.Reference(root, steps):
            if isinstance(root, e.Invocation) and enter(root):
                yield from root.args
            yield from (s.index for s in steps if isinstance(s, e.IndexStep) and s.index)
        case e.Spread(of):
            yield of
        case e.ListOf(items) | e.Round(items) | e.Operation(_, items):
            yield from items
        case e.ObjectOf(members):
            yield from (m if isinstance(m, e.Spread) else m[1] for m in members)
        case e.Sum(first, rest):
            yield first
            yield from (operand for _, operand in rest)
        case e.Constant():
            pass

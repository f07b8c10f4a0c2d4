"""What is sent for clauses that an upstream carries out: pairs of the query string.

Each clause counts on those before it: the first that cannot be sent whole ends the row, and the
row clauses of the task do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from apiql.ir.push import Hole, Pushed, Sendable, SentCount, SentText
from apiql.ir.sendable import filled
from apiql.ir.values import Value
from apiql.plugins import Registry
from apiql.runtime.encode import query_text
from apiql.runtime.evaluate import compile_value
from apiql.runtime.scope import Evaluate, Reads, Scope

ToSend: TypeAlias = Callable[[Scope], str | None]
"""What is sent; None where it is not."""

Pairs: TypeAlias = str | Callable[[Scope], str]


def compile_pushed(
    pushed: Sequence[Pushed], functions: Registry, reads: Reads
) -> tuple[Pairs, ...]:
    """Pieces of a query string, `a=b&c=d` or nothing: what is constant as it is."""
    constant = [each for each in pushed if not each.open]
    if len(constant) == len(pushed):
        return tuple(_text(each) for each in constant)
    clauses = [
        [(name, compile_sendable(found, functions, reads)) for name, found in each.pairs]
        for each in pushed
    ]

    def pairs(scope: Scope) -> str:
        sent: list[tuple[str, str]] = []
        for clause in clauses:
            found = [(name, value(scope)) for name, value in clause]
            whole = [(name, text) for name, text in found if text is not None]
            if len(whole) < len(found):
                break
            sent += whole
        return query_text(sent)

    return (pairs,)


def _text(pushed: Pushed) -> str:
    return query_text([(name, str(found)) for name, found in pushed.pairs])


def compile_sendable(found: Sendable, functions: Registry, reads: Reads) -> ToSend:
    """What of a run is sent."""
    match found:
        case str():
            return lambda scope: found
        case SentCount():
            return lambda scope: _count(found, scope)
        case SentText(pieces):
            holes = {piece.value: None for piece in pieces if isinstance(piece, Hole)}
            values = {value: compile_value(value, functions, reads) for value in holes}
            return lambda scope: filled(found, _finder(values, scope))


def _finder(values: dict[Value, Evaluate], scope: Scope) -> Callable[[Value], object]:
    return lambda value: values[value](scope)


def _count(found: SentCount, scope: Scope) -> str | None:
    number = scope.params.get(found.param.name)
    if type(number) is int and found.least <= number <= found.most:
        return str(number)
    return None

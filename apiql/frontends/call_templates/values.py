"""JSON and texts of a template --lower--> values: the paths in them become references.

In JSON a path stands for a whole text and keeps its type; in an address or a header it is a part of
the text. What is missing is null in JSON; an answer that is missing makes no call elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from apiql.frontends.call_templates.naming import Naming
from apiql.frontends.call_templates.path import Path, Piece
from apiql.ir.values import (
    Apply,
    Items,
    Literal,
    OutputRoot,
    ParamRoot,
    Record,
    Ref,
    ResultRoot,
    Value,
    refs,
)
from apiql.json_nodes import Keys

ALONE = "a path in JSON is a whole text; this stays as it is written"
NO_NAME = "a path is no name of a member; this stays as it is written"


def output_value(value: Any, keys: Keys, naming: Naming) -> Value:
    """What becomes of the answers: resources as the answer would hold them."""

    def reference(path: Path) -> Value:
        if naming.is_resource(path):
            return Ref(OutputRoot(path.base), path.steps)
        if path.steps:
            naming.need(path)
        return _or_null(Ref(ParamRoot(path.base), path.steps, optional=True))

    return _json(value, keys, naming, reference, in_order=False)


def input_value(value: Any, keys: Keys, naming: Naming) -> Value:
    """What is sent. Names stand in the order of the alphabet, as they always have."""

    def reference(path: Path) -> Value:
        root = ResultRoot if naming.is_resource(path) else ParamRoot
        return _or_null(Ref(root(path.base), path.steps, optional=True))

    return _json(value, keys, naming, reference, in_order=True)


def _or_null(ref: Ref) -> Value:
    return Apply("coalesce", (ref,))


def _json(
    value: Any, keys: Keys, naming: Naming, reference: Callable[[Path], Value], in_order: bool
) -> Value:
    match value:
        case dict():
            names = sorted(value) if in_order else list(value)
            for name in names:
                if "<<" in name and ">>" in name:
                    hint = "write the name itself"
                    naming.findings.warn_name((*keys, name), NO_NAME, hint)
            members = ((n, (*keys, n)) for n in names)
            return Record(
                tuple((n, _json(value[n], k, naming, reference, in_order)) for n, k in members)
            )
        case list():
            each = enumerate(value)
            return Items(tuple(_json(v, (*keys, i), naming, reference, in_order) for i, v in each))
        case str():
            return _text(value, keys, naming, reference)
        case _:
            return Literal(value)


def _text(text: str, keys: Keys, naming: Naming, reference: Callable[[Path], Value]) -> Value:
    found = naming.pieces(text, keys)
    first = found[0] if found else ""
    if len(found) == 1 and isinstance(first, Path):
        return reference(first)
    for piece in found:
        if isinstance(piece, Path):
            hint = f"let {piece.written} stand alone"
            naming.findings.warn(keys, ALONE, hint, piece.at)
    return Literal(text)


def address_value(pieces: tuple[Piece, ...], naming: Naming, in_path: bool) -> Value:
    """A part of an address. In the path every argument is needed. In the query string one that
    finds nothing stays as it is written, as it always has, unless the template lists its arguments.
    """

    def argument(path: Path) -> Value:
        if in_path:
            naming.need(path)
            return Ref(ParamRoot(path.base), path.steps)
        found = Ref(ParamRoot(path.base), path.steps, optional=True)
        return Apply("coalesce", (found, Literal(path.written)))

    return _joined(pieces, naming, argument)


def header_value(pieces: tuple[Piece, ...], naming: Naming) -> Value:
    """The value of a header: one that is an argument alone is left out without it, a longer text
    needs it.
    """

    def argument(path: Path) -> Value:
        if len(pieces) == 1:
            return Ref(ParamRoot(path.base), path.steps, optional=True)
        naming.need(path)
        return Ref(ParamRoot(path.base), path.steps)

    return _joined(pieces, naming, argument)


def _joined(pieces: tuple[Piece, ...], naming: Naming, argument: Callable[[Path], Value]) -> Value:
    """The pieces as one text. What a resource answers, and arguments that are listed, must be there
    for the call to be made.
    """

    def value(piece: Piece) -> Value:
        match piece:
            case str():
                return Literal(piece)
            case path if naming.is_resource(path):
                return Ref(ResultRoot(path.base), path.steps)
            case path if naming.is_declared(path):
                return Ref(ParamRoot(path.base), path.steps)
            case path:
                return argument(path)

    parts = tuple(map(value, pieces))
    return parts[0] if len(parts) == 1 else Apply("concat", parts)


def resources_in(values: Iterator[Value]) -> dict[str, None]:
    """The resources whose answers are read, in their order."""
    found = (ref.root for value in values for ref in refs(value))
    return {
        root.task if isinstance(root, ResultRoot) else root.name: None
        for root in found
        if isinstance(root, ResultRoot | OutputRoot)
    }

"""When two programs are the same: what `apiql fmt` may change of a tree and what not.

Left out: places in the text, the order of clauses, brackets that only group, `get` before a path,
`left`, capitals of keywords and functions, and how a name or text is quoted.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.clauses import word_of_clause

IN_ROW = (s.FieldOf, cl.Having, cl.GroupBy, cl.OrderBy, cl.RowsAt, cl.Into)
KEEPING = {(cl.Each, "value"), (e.IndexStep, "index")}
"""Where a pair of brackets says something."""


def tree(node: Any, in_row: bool = False) -> Any:
    """A program as nested tuples, without what does not count."""
    match node:
        case e.Round((item,)):
            return tree(item, in_row)
        case s.Select():
            return select_tree(node)
        case e.Operation() | e.Sum():
            return operator_tree(node, in_row)
        case e.Reference(e.Word()):
            return reference_tree(node, in_row)
        case e.Invocation(name, args, star):
            return ("call", name.text.lower(), tree(args, in_row), star)
        case Decimal() | bool() | int():
            return (type(node).__name__, str(node))
        case e.Word(text):
            return text
        case s.FieldOf(value, None):
            return ("field", kept(value, True))
    return plain_tree(node, in_row)


def operator_tree(node: e.Operation | e.Sum, in_row: bool) -> Any:
    """An operation; `(a + b) - c` is `a + b - c`, and so with `and` and `or`."""
    match node:
        case e.Operation("in", (left, right)):
            return ("in", tree(left, in_row), kept(right, in_row))
        case e.Operation(sign, operands):
            first, *rest = (tree(operand, in_row) for operand in operands)
            merged = sign in ("and", "or") and first[0] == sign
            return (sign, *first[1:], *rest) if merged else (sign, first, *rest)
        case e.Sum(first, rest):
            head = tree(first, in_row)
            tail = [(sign, tree(operand, in_row)) for sign, operand in rest]
            return ("sum", *head[1:], *tail) if head[0] == "sum" else ("sum", head, *tail)


def reference_tree(reference: e.Reference, in_row: bool) -> Any:
    """A path from a name; `"x"` alone is a text where it is no field."""
    root, steps, optional = reference.root, reference.steps, reference.optional
    assert isinstance(root, e.Word)
    quoted = root.quoted and not in_row
    if quoted and not (steps or optional):
        return ("Constant", root.text)
    return ("reference", root.text, quoted, tree(steps, in_row), optional)


def plain_tree(node: Any, in_row: bool) -> Any:
    """A node as its type and members."""
    if isinstance(node, tuple):
        return tuple(tree(item, in_row) for item in node)
    if not hasattr(node, "__dataclass_fields__"):
        return node
    in_row = in_row or isinstance(node, IN_ROW)
    members = [
        kept(value, in_row) if (type(node), field.name) in KEEPING else tree(value, in_row)
        for field in fields(node)
        if not isinstance(value := getattr(node, field.name), e.Span)
    ]
    return (type(node).__name__, *members)


def select_tree(select: s.Select) -> Any:
    """A select with its clauses in alphabetical order."""
    method = select.method.text.lower() if select.method else None
    if method == "get" and not isinstance(select.source, s.SourceName):
        method = None
    side = select.side.text.lower() if select.side else "left"
    clauses = sorted(select.clauses, key=word_of_clause)
    rest = (select.fields, select.source, select.alias, select.otherwise, tuple(clauses))
    return ("select", method, side, *map(tree, rest))


def kept(node: Any, in_row: bool) -> Any:
    """A node whose own brackets count."""
    if isinstance(node, e.Round):
        return ("round", tuple(tree(item, in_row) for item in node.items))
    return tree(node, in_row)

"""Expressions -> documents: one way to write each, brackets only where the meaning needs them.

In a row `"x"` is a field, elsewhere a text: there texts are in single quotes whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import IntEnum

from apiql.frontends.text import expressions as e
from apiql.frontends.text.layout import Doc, Element, Group, Indented, Line, Literal, separated
from apiql.frontends.text.words import field_text, literal_text, name_text, number_text, quoted
from apiql.ir.values import Scalar


class Rank(IntEnum):
    """How tightly an operator binds; ANY is any expression."""

    ANY = 0
    OR = 0
    AND = 1
    NOT = 2
    TEST = 3
    SUM = 4
    PRODUCT = 5
    SIGN = 6
    ATOM = 7


CHAINS = {"or": Rank.OR, "and": Rank.AND}
RANKS = {**CHAINS, "not": Rank.NOT, "-": Rank.SIGN}
TESTS = frozenset({"in", "like", "between", "is null"})
PRODUCTS = frozenset({"*", "/", "%"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: in a row or not, and whether its constants count for identity."""

    in_row: bool = False
    lifts: bool = True

    @property
    def fixed(self) -> Place:
        """The same place, where constants count."""
        return replace(self, lifts=False)


def value_doc(node: e.Expression, place: Place, rank: Rank = Rank.SUM) -> Doc:
    """An expression that binds at least as tightly as the rank, in brackets otherwise."""
    return _written(_bare(node, rank), place)


def as_written(node: e.Expression, place: Place) -> Doc:
    """An expression that keeps its own round brackets: they mean something here."""
    return _written(node, place)


def reference_doc(reference: e.Reference, place: Place) -> Doc:
    """A root, its steps, and `?` where it is optional."""
    steps = tuple(_step(step, place) for step in reference.steps)
    return (_root(reference, place), *steps, "?" if reference.optional else "")


def _bare(node: e.Expression, rank: Rank) -> e.Expression:
    """A node without the brackets that it does not need."""
    while isinstance(node, e.Round) and len(node.items) == 1 and _rank(node.items[0]) >= rank:
        node = node.items[0]
    return node


def _rank(node: e.Expression) -> Rank:
    match node:
        case e.Operation(sign):
            return RANKS.get(sign, Rank.TEST)
        case e.Sum(_, rest):
            return Rank.PRODUCT if _is_product(rest) else Rank.SUM
        case e.Constant(value) if _is_number(value) and str(value).startswith("-"):
            return Rank.SIGN
    return Rank.ATOM


def _is_product(rest: Iterable[tuple[str, e.Expression]]) -> bool:
    return all(sign in PRODUCTS for sign, _ in rest)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _written(node: e.Expression, place: Place) -> Doc:
    match node:
        case e.Constant(value):
            return _constant(value, place)
        case e.Reference(e.Word(text, _, True), (), False) if not place.in_row:
            return _constant(text, place)
        case e.Reference():
            return reference_doc(node, place)
        case e.Spread(of):
            return ("...", reference_doc(of, place))
        case e.ListOf(items):
            return _bracketed("[", _elements(items, place), "]")
        case e.ObjectOf(members):
            return _bracketed("{", [_member(member, place) for member in members], "}")
        case e.Round(items):
            return _bracketed("(", _elements(items, place), ")")
        case e.Operation():
            return _operation(node, place)
        case e.Sum():
            return _sum(node, place)


def _constant(value: Scalar, place: Place) -> Doc:
    text = _constant_text(value, place)
    return Literal(text, value) if place.lifts else text


def _constant_text(value: Scalar, place: Place) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return literal_text(value, quotes=not place.in_row)
        case _:
            return number_text(value)


# -- references and what holds others


def _root(reference: e.Reference, place: Place) -> Doc:
    match reference.root:
        case e.Variable(name):
            return f"${name}"
        case e.Word(text, _, True) if not place.in_row:
            return quoted(text)
        case e.Word(text):
            return field_text(text)
        case e.Invocation() as call:
            return _call(call, place)


def _call(call: e.Invocation, place: Place) -> Doc:
    name = call.name.text.lower() if call.name.text.isascii() else call.name.text
    if call.star:
        return f"{name}(*)"
    inner = place.fixed if name == "jmespath" else place
    return (name, _bracketed("(", _elements(call.args, inner), ")"))


def _step(step: e.Step, place: Place) -> Doc:
    match step:
        case e.NameStep(word):
            return f".{name_text(word.text)}"
        case e.SystemStep(name):
            return f".{name}"
        case e.IndexStep(None):
            return "[]"
        case e.IndexStep(index):
            assert index is not None
            return ("[", as_written(index, place.fixed), "]")


def _elements(items: Iterable[e.Expression], place: Place) -> list[Doc]:
    return [Element(item.span.start, value_doc(item, place, Rank.ANY)) for item in items]


def _member(member: tuple[e.Word, e.Expression] | e.Spread, place: Place) -> Doc:
    if isinstance(member, e.Spread):
        return Element(member.span.start, _written(member, place))
    word, value = member
    return Element(word.span.start, (quoted(word.text), ": ", value_doc(value, place, Rank.ANY)))


def _bracketed(opening: str, docs: Sequence[Doc], closing: str) -> Doc:
    if not docs:
        return opening + closing
    return Group((opening, Indented((Line(""), separated(docs))), Line(""), closing))


# -- operators


def _operation(operation: e.Operation, place: Place) -> Doc:
    sign, operands = operation.sign, operation.operands
    if sign in CHAINS:
        return _chain(operation, place)
    if sign == "not":
        inner = _bare(operands[0], Rank.NOT)
        if isinstance(inner, e.Operation) and inner.sign in TESTS:
            return _test(inner, place, negated=True)
        return ("not ", _written(inner, place))
    if sign == "-":
        return _minus(operands[0], place)
    return _test(operation, place, negated=False)


def _chain(operation: e.Operation, place: Place) -> Doc:
    """`a and b or c`, the inner chain further in where it is broken."""
    sign, (first, *others) = operation.sign, _operands(operation)
    rank = Rank(CHAINS[sign] + 1)
    inner = _bare(first, rank)
    head = _written(inner, place)
    if isinstance(inner, e.Operation) and inner.sign in CHAINS:
        head = Indented(head)
    tails = tuple((Line(), f"{sign} ", value_doc(other, place, rank)) for other in others)
    return Group((head, Indented(tails)))


def _operands(chain: e.Operation) -> tuple[e.Expression, ...]:
    """The operands of `a and b and c`, however its left side is bracketed."""
    operands = chain.operands
    while True:
        first = _bare(operands[0], CHAINS[chain.sign])
        if not isinstance(first, e.Operation) or first.sign != chain.sign:
            return operands
        operands = (*first.operands, *operands[1:])


def _minus(operand: e.Expression, place: Place) -> Doc:
    """A number keeps its brackets: `-(5)` is an operation, `-5` a constant."""
    inner = _bare(operand, Rank.SIGN)
    if isinstance(inner, e.Constant) and _is_number(inner.value):
        return ("-(", _written(inner, place), ")")
    again = isinstance(inner, e.Operation) and inner.sign == "-"
    return ("- " if again else "-", _written(inner, place))


def _test(test: e.Operation, place: Place, *, negated: bool) -> Doc:
    first, *others = test.operands
    left, no = value_doc(first, place), "not " if negated else ""
    match test.sign, others:
        case "is null", _:
            return (left, f" is {no}null")
        case "in", (items,):
            return (left, f" {no}in ", as_written(items, place))
        case "between", (low, high):
            return (left, f" {no}between ", value_doc(low, place), " and ", value_doc(high, place))
        case sign, (right,):
            return (left, f" {no}{sign} ", value_doc(right, place))
    raise AssertionError(test.sign)


def _sum(chain: e.Sum, place: Place) -> Doc:
    first, rest = _unchained(chain)
    tails = tuple(
        (Line(), f"{sign} ", value_doc(operand, place, _beside(sign))) for sign, operand in rest
    )
    return Group((value_doc(first, place, Rank.SIGN), Indented(tails)))


def _unchained(chain: e.Sum) -> tuple[e.Expression, tuple[tuple[str, e.Expression], ...]]:
    """The first operand and the rest of `a - b + c`, however its left side is bracketed."""
    first, rest = chain.first, chain.rest
    while True:
        inner = _bare(first, Rank.PRODUCT if rest[0][0] in PRODUCTS else Rank.SUM)
        if not isinstance(inner, e.Sum):
            return first, rest
        first, rest = inner.first, (*inner.rest, *rest)


def _beside(sign: str) -> Rank:
    """What may stand to the right of a sign."""
    return Rank.SIGN if sign in PRODUCTS else Rank.PRODUCT

"""Expressions of the grammar to the syntax tree: one method for each rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lark import Token, Transformer, v_args

from apiql.frontends.text import expressions as e
from apiql.frontends.text.tokens import number_of, span_of, word_of


@v_args(inline=True)
class ExpressionRules(Transformer[Token, Any]):
    """Methods named after the rules of expressions in grammar/apiql.lark."""

    def or_(self, left: Any, right: Any) -> e.Operation:
        return _flat("or", left, right)

    def and_(self, left: Any, right: Any) -> e.Operation:
        return _flat("and", left, right)

    def not_(self, word: Token, value: Any) -> e.Operation:
        return e.Operation("not", (value,), span_of(word, value))

    def compare(self, left: Any, sign: Token, right: Any) -> e.Operation:
        return e.Operation(str(sign), (left, right), span_of(left, right))

    def among(self, value: Any, no: Token | None, items: Any) -> e.Operation:
        return _unless(no, e.Operation("in", (value, items), span_of(value, items)))

    def like(self, value: Any, no: Token | None, pattern: Any) -> e.Operation:
        return _unless(no, e.Operation("like", (value, pattern), span_of(value, pattern)))

    def between(self, value: Any, no: Token | None, low: Any, high: Any) -> e.Operation:
        return _unless(no, e.Operation("between", (value, low, high), span_of(value, high)))

    def is_null(self, value: Any, no: Token | None) -> e.Operation:
        return _unless(no, e.Operation("is null", (value,), span_of(value)))

    def arithmetic(self, left: Any, sign: Token, right: Any) -> e.Sum:
        if isinstance(left, e.Sum):
            return e.Sum(left.first, (*left.rest, (str(sign), right)), span_of(left, right))
        return e.Sum(left, ((str(sign), right),), span_of(left, right))

    def minus(self, sign: Token, value: Any) -> Any:
        match value:
            case e.Constant(bool()):
                pass
            case e.Constant(int() | Decimal() as number):
                return e.Constant(_negated(number), span_of(sign, value))
        return e.Operation("-", (value,), span_of(sign, value))

    def string(self, token: Token) -> e.Constant:
        return e.Constant(token[1:-1].replace("''", "'"), span_of(token))

    def number(self, token: Token) -> e.Constant:
        return e.Constant(number_of(token), span_of(token))

    def constant(self, token: Token) -> e.Constant:
        value = {"true": True, "false": False, "null": None}[token.lower()]
        return e.Constant(value, span_of(token))

    def round(self, paren: Token, *items: Any) -> e.Round:
        *inner, end = items
        return e.Round(tuple(inner), span_of(paren, end))

    def ref(self, root: Any, *rest: Any) -> e.Reference:
        *steps, mark = rest
        if isinstance(root, Token):
            variable = root.type == "VAR"
            root = e.Variable(root[1:], span_of(root)) if variable else word_of(root)
        last = mark or (steps[-1] if steps else root)
        return e.Reference(root, tuple(steps), mark is not None, span_of(root, last))

    def step_name(self, word: e.Word) -> e.NameStep:
        return e.NameStep(word)

    def step_sys(self, token: Token) -> e.SystemStep:
        return e.SystemStep(token.lower(), span_of(token))

    def step_index(self, bracket: Token, index: Any, end: Token) -> e.IndexStep:
        return e.IndexStep(index, span_of(bracket, end))

    def call(self, name: Token, *args: Any) -> e.Invocation:
        *inner, end = args
        star = len(inner) == 1 and isinstance(inner[0], Token)
        given = () if star else tuple(arg for arg in inner if arg is not None)
        return e.Invocation(word_of(name), given, star, span_of(name, end))

    def array(self, bracket: Token, *items: Any) -> e.ListOf:
        *inner, end = items
        return e.ListOf(tuple(i for i in inner if i is not None), span_of(bracket, end))

    def object(self, brace: Token, *members: Any) -> e.ObjectOf:
        *inner, end = members
        return e.ObjectOf(tuple(m for m in inner if m is not None), span_of(brace, end))

    def pair_member(self, name: e.Word, value: Any) -> tuple[e.Word, Any]:
        return (name, value)

    def spread(self, dots: Token, of: e.Reference) -> e.Spread:
        return e.Spread(of, span_of(dots, of))


def _negated(number: int | Decimal) -> int | Decimal:
    """With all its digits: the operator would round a Decimal. Zero has no sign."""
    if isinstance(number, Decimal):
        return number.copy_negate() if number else number
    return -number


def _flat(sign: str, left: Any, right: Any) -> e.Operation:
    chained = isinstance(left, e.Operation) and left.sign == sign
    operands = (*left.operands, right) if chained else (left, right)
    return e.Operation(sign, operands, span_of(left, right))


def _unless(no: Token | None, operation: e.Operation) -> e.Operation:
    return e.Operation("not", (operation,), operation.span) if no else operation

"""From grammar rules to the syntax tree: one method for each rule, called as the parser reduces."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lark import Token, Transformer, v_args

from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.tokens import Mistake, number_of, span_of, word_of
from apiql.ir.policy import seconds

LONGER = {"group": "group by", "order": "order by", "no": "no cache"}
"""Clauses that begin with more than one word."""


@v_args(inline=True)
class TreeBuilder(Transformer[Token, Any]):
    """Methods named after the rules of grammar/apiql.lark."""

    # -- statements

    def start(self, *statements: Any) -> s.Program:
        return s.Program(tuple(item for item in statements if item is not None))

    def set_alias(self, keyword: Token, name: Token, source: s.Source) -> s.SetAlias:
        return s.SetAlias(word_of(name), source, span_of(keyword, source))

    def set_var(
        self, keyword: Token, name: Token, kind: Token | None, _: Token | None, value: Any
    ) -> s.SetVariable:
        variable = e.Variable(name[1:], span_of(name))
        return s.SetVariable(variable, kind and kind.lower(), value, span_of(keyword, name))

    def use_timeout(self, use: Token, word: Token, duration: s.DurationOf) -> s.Use:
        return s.Use("timeout", "", duration, span_of(use, duration))

    def use_max_age(self, use: Token, word: Token, duration: s.DurationOf) -> s.Use:
        return s.Use("max-age", "", duration, span_of(use, duration))

    def use_status_max(self, use: Token, word: Token, value: Token) -> s.Use:
        return s.Use("status", "max", None, span_of(use, value))

    def use_status_any(self, use: Token, word: Token) -> s.Use:
        return s.Use("status", "any ok", None, span_of(use, word))

    def use_errors_partial(self, use: Token, word: Token, value: Token) -> s.Use:
        return s.Use("errors", "partial", None, span_of(use, value))

    def use_errors_all(self, use: Token, word: Token) -> s.Use:
        return s.Use("errors", "all or nothing", None, span_of(use, word))

    def use_envelope(self, use: Token, word: Token) -> s.Use:
        return s.Use("envelope", "none", None, span_of(use, word))

    def return_(self, keyword: Token, value: Any) -> s.Return:
        return s.Return(span_of(keyword))

    # -- queries

    def explain(self, keyword: Token, analyze: Token | None) -> e.Word | None:
        return word_of(analyze) if analyze else e.Word("explain", span_of(keyword))

    def join(self, side: Token | None, select: s.Select) -> tuple[e.Word | None, s.Select]:
        return (word_of(side) if side else None, select)

    def query(self, explain: e.Word | None, first: s.Select, *joined: Any) -> s.Query:
        selects = (first, *(select for _, select in joined))
        sides = tuple(side for side, _ in joined if side is not None)
        analyze = explain if explain and explain.text.lower() == "analyze" else None
        return s.Query(selects, sides, explain is not None, analyze)

    def else_(self, keyword: Token, select: s.Select) -> s.Later:
        return s.Later("else", span_of(keyword))

    def select(
        self, keyword: Token, fields: s.Fields, method: Token | None, source: s.Source,
        alias: Token | None, *rest: Any,
    ) -> s.Select:  # fmt: skip
        *clauses, otherwise = rest
        return s.Select(
            fields, word_of(method) if method else None, source, word_of(alias) if alias else None,
            tuple(clauses), otherwise, span_of(keyword),
        )  # fmt: skip

    def all_fields(self, star: Token, *fields: s.FieldOf) -> s.Fields:
        return s.Fields(True, fields)

    def some_fields(self, *fields: s.FieldOf) -> s.Fields:
        return s.Fields(False, fields)

    def field(self, value: Any, alias: e.Word | None) -> s.FieldOf:
        return s.FieldOf(value, alias)

    def name(self, token: Token) -> e.Word:
        return word_of(token)

    def url(self, token: Token) -> s.Url:
        return s.Url(str(token), span_of(token))

    def path(self, token: Token) -> s.PathText:
        return s.PathText(str(token), span_of(token))

    def source_name(self, first: Token, *rest: e.Word) -> s.SourceName:
        names = (str(first), *(word.text for word in rest))
        return s.SourceName(names, span_of(first, rest[-1] if rest else first))

    # -- clauses

    def where(self, keyword: Token, *binds: Any) -> s.Where:
        return s.Where(binds, span_of(keyword))

    def bind_one(self, place: tuple[e.Word, ...], _: Token, value: Any) -> s.Bind:
        return s.Bind(tuple(w.text for w in place), value, span_of(place[0], place[-1]))

    def bind_each(self, place: tuple[e.Word, ...], value: Any, *_: Any) -> s.Each:
        return s.Each((tuple(w.text for w in place),), span_of(place[0], value))

    def bind_zip(self, paren: Token, *rest: Any) -> s.Each:
        *places, value = rest
        names = tuple(tuple(word.text for word in place) for place in places)
        return s.Each(names, span_of(paren, value))

    def place(self, *words: e.Word) -> tuple[e.Word, ...]:
        return words

    def pair(self, name: Token, _: Token, value: Any) -> s.Bind:
        word = word_of(name)
        return s.Bind((word.text,), value, word.span)

    def pairs(self, keyword: Token, *pairs: s.Bind) -> s.Pairs:
        return s.Pairs(keyword.lower(), pairs, span_of(keyword))

    def body(self, keyword: Token, value: Any) -> s.Body:
        return s.Body(value, span_of(keyword))

    def after(self, keyword: Token, *names: Token) -> s.After:
        return s.After(tuple(map(word_of, names)), span_of(keyword))

    def duration(self, token: Token) -> s.DurationOf:
        if token.type == "VAR":
            return s.DurationOf(e.Variable(token[1:], span_of(token)), span_of(token))
        found = seconds(token)
        if found is None:
            raise Mistake("this time has too many digits", span_of(token), "write 500ms, 2s, 5m")
        return s.DurationOf(found, span_of(token))

    def count(self, token: Token) -> Token:
        return token

    def timeout(self, keyword: Token, duration: s.DurationOf) -> s.TimeoutOf:
        return s.TimeoutOf(duration, span_of(keyword, duration))

    def tolerance(self, keyword: Token) -> s.Flag:
        return s.Flag(keyword.lower(), span_of(keyword))

    hidden = tolerance

    def rows(self, keyword: Token, *_: Any) -> s.Later:
        word = keyword.lower()
        return s.Later(LONGER.get(word, word), span_of(keyword))

    into = having = limit = cache = max_age = within = retry = when = fallback = distinct = rows
    group_by = order_by = no_cache = rows

    def key(self, *parts: Any) -> None:
        return None

    # -- expressions

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
        if isinstance(value, e.Constant) and isinstance(value.value, int | Decimal):
            return e.Constant(-value.value, span_of(sign, value))
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


def _flat(sign: str, left: Any, right: Any) -> e.Operation:
    chained = isinstance(left, e.Operation) and left.sign == sign
    operands = (*left.operands, right) if chained else (left, right)
    return e.Operation(sign, operands, span_of(left, right))


def _unless(no: Token | None, operation: e.Operation) -> e.Operation:
    return e.Operation("not", (operation,), operation.span) if no else operation

"""From grammar rules to the syntax tree: one method for each rule, called as the parser reduces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, v_args

from apiql.frontends.text import clauses as cl
from apiql.frontends.text import expressions as e
from apiql.frontends.text import syntax as s
from apiql.frontends.text.expression_rules import ExpressionRules
from apiql.frontends.text.tokens import Mistake, span_of, word_of
from apiql.ir.policy import seconds


@v_args(inline=True)
class TreeBuilder(ExpressionRules):
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

    def use_timeout(self, use: Token, word: Token, duration: cl.DurationOf) -> s.Use:
        return s.Use("timeout", "", duration, span_of(use, duration))

    def use_max_age(self, use: Token, word: Token, duration: cl.DurationOf) -> s.Use:
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
        return s.Return(value, span_of(keyword))

    # -- queries

    def explain(self, keyword: Token, analyze: Token | None) -> e.Word | None:
        return word_of(analyze) if analyze else e.Word("explain", span_of(keyword))

    def join(self, side: Token | None, select: s.Select) -> s.Select:
        return replace(select, side=word_of(side)) if side else select

    def query(self, explain: e.Word | None, first: s.Select, *joined: s.Select) -> s.Query:
        analyze = explain if explain and explain.text.lower() == "analyze" else None
        return s.Query((first, *joined), explain is not None, analyze)

    def else_(self, keyword: Token, select: s.Select) -> s.Select:
        return select

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
        return s.Fields(True, fields, span_of(star, fields[-1] if fields else star))

    def some_fields(self, *fields: s.FieldOf) -> s.Fields:
        return s.Fields(False, fields, span_of(fields[0], fields[-1]))

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

    def where(self, keyword: Token, *binds: Any) -> cl.Where:
        return cl.Where(binds, span_of(keyword))

    def bind_one(self, place: tuple[e.Word, ...], _: Token, value: Any) -> cl.Bind:
        return cl.Bind(tuple(w.text for w in place), value, span_of(place[0], place[-1]))

    def bind_each(
        self, place: tuple[e.Word, ...], value: Any, size: Token | None = None,
        style: Token | None = None,
    ) -> cl.Each:  # fmt: skip
        batch = None
        if size is not None:
            number = int(size) if size.type == "INT" else None
            batch = cl.BatchOf(number, style and style.lower(), span_of(size, style or size))
        return cl.Each((tuple(w.text for w in place),), value, batch, span_of(place[0], value))

    def bind_zip(self, paren: Token, *rest: Any) -> cl.Each:
        *places, value = rest
        names = tuple(tuple(word.text for word in place) for place in places)
        return cl.Each(names, value, None, span_of(paren, value))

    def place(self, *words: e.Word) -> tuple[e.Word, ...]:
        return words

    def pair(self, name: Token, _: Token, value: Any) -> cl.Bind:
        word = word_of(name)
        return cl.Bind((word.text,), value, word.span)

    def pairs(self, keyword: Token, *pairs: cl.Bind) -> cl.Pairs:
        return cl.Pairs(keyword.lower(), pairs, span_of(keyword))

    def body(self, keyword: Token, value: Any) -> cl.Body:
        return cl.Body(value, span_of(keyword))

    def after(self, keyword: Token, *names: Token) -> cl.After:
        return cl.After(tuple(map(word_of, names)), span_of(keyword))

    def duration(self, token: Token) -> cl.DurationOf:
        if token.type == "VAR":
            return cl.DurationOf(e.Variable(token[1:], span_of(token)), span_of(token))
        found = seconds(token)
        if found is None:
            raise Mistake("this time has too many digits", span_of(token), "write 500ms, 2s, 5m")
        return cl.DurationOf(found, span_of(token))

    def count(self, token: Token) -> cl.CountOf:
        span = span_of(token)
        if token.type == "VAR":
            return cl.CountOf(e.Variable(token[1:], span), span)
        return cl.CountOf(int(token), span)

    def timeout(self, keyword: Token, duration: cl.DurationOf) -> cl.TimeoutOf:
        return cl.TimeoutOf(duration, span_of(keyword, duration))

    def tolerance(self, keyword: Token) -> cl.Flag:
        return cl.Flag(keyword.lower(), span_of(keyword))

    hidden = distinct = tolerance

    def no_cache(self, no: Token, cache: Token) -> cl.Flag:
        return cl.Flag("no cache", span_of(no, cache))

    def cache(self, keyword: Token, duration: cl.DurationOf) -> cl.Lifetime:
        return cl.Lifetime(keyword.lower(), duration, span_of(keyword, duration))

    max_age = cache

    def within(self, keyword: Token, duration: cl.DurationOf, otherwise: Any) -> cl.Within:
        substitute = None if isinstance(otherwise, Token) else otherwise
        return cl.Within(duration, substitute, span_of(keyword, otherwise))

    def retry(
        self, keyword: Token, times: Token, unsafe: Token | None, backoff: cl.DurationOf | None
    ) -> cl.Retry:
        end = backoff or unsafe or times
        return cl.Retry(int(times), unsafe is not None, backoff, span_of(keyword, end))

    def when(self, keyword: Token, condition: Any) -> cl.When:
        return cl.When(condition, span_of(keyword))

    def fallback(self, keyword: Token, value: Any) -> cl.Fallback:
        return cl.Fallback(value, span_of(keyword))

    # -- rows and embedding

    def rows(self, keyword: Token, path: e.Reference) -> cl.RowsAt:
        return cl.RowsAt(path, span_of(keyword, path))

    def into(self, keyword: Token, target: e.Reference, *on: Any) -> cl.Into:
        own, _, theirs = on if on and on[0] is not None else (None, None, None)
        pair = (own, theirs) if own is not None else None
        return cl.Into(target, pair, span_of(keyword, theirs or target))

    def having(self, keyword: Token, condition: Any) -> cl.Having:
        return cl.Having(condition, span_of(keyword))

    def group_by(self, keyword: Token, *keys: Any) -> cl.GroupBy:
        found = tuple(key for key in keys if key is not None and not isinstance(key, Token))
        return cl.GroupBy(found, span_of(keyword))

    def key(self, value: Any, direction: Token | None, nulls: Token | None) -> cl.SortKey:
        descending = direction is not None and direction.lower() == "desc"
        return cl.SortKey(value, descending, nulls is not None and nulls.lower() == "first")

    def order_by(self, keyword: Token, *keys: cl.SortKey) -> cl.OrderBy:
        return cl.OrderBy(keys, span_of(keyword))

    def limit(self, keyword: Token, count: cl.CountOf, offset: cl.CountOf | None) -> cl.Limit:
        return cl.Limit(count, offset, span_of(keyword, offset or count))

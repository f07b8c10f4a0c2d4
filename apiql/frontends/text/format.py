"""syntax tree -> text in its one form: `format_text` prints a program with its comments.

Statements stand one below another, with an empty line beside those of several lines. A select
stands on one line where it fits there; else each of its clauses has a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apiql.frontends.text import syntax as s
from apiql.frontends.text.comments import Commented, commented
from apiql.frontends.text.expressions import Round
from apiql.frontends.text.format_clauses import FIXED, ROW, VALUES, clause_doc, ordered
from apiql.frontends.text.format_values import Rank, as_written, value_doc
from apiql.frontends.text.layout import (
    Break,
    Doc,
    Element,
    Group,
    Indented,
    Line,
    laid_out,
    separated,
)
from apiql.frontends.text.parse import TextParser
from apiql.frontends.text.words import duration_text, name_text

WIDTH = 100


def format_text(text: str, parser: TextParser) -> str:
    """The canonical form of a text, with all its comments; it ends with a line feed.

    Raises:
        QueryRefused: the text does not parse.
    """
    docs = statement_docs(parser.parse(text))
    return _joined(docs, commented(text, parser.tokens(text), docs))


def statement_docs(program: s.Program) -> list[Doc]:
    """The document of each statement."""
    return [_statement(statement) for statement in program.statements]


def _joined(docs: Sequence[Doc], comments: Commented) -> str:
    """Statements with `;` between them; comments that follow one come before its `;`."""
    blocks: list[str] = []
    for number, doc in enumerate(docs):
        below = comments.after_statement.get(number, ())
        last = number == len(docs) - 1
        if last or below:
            tail: Doc = tuple((Break(), text) for text in below)
            doc = (doc, tail if last else (Indented(tail), Break(), ";"))
        else:
            doc = (doc, ";")
        blocks.append(laid_out(doc, WIDTH, comments.notes))
    return "\n".join(_spaced(blocks)) + "\n"


def _spaced(blocks: Sequence[str]) -> Iterator[str]:
    for number, block in enumerate(blocks):
        if number and ("\n" in block or "\n" in blocks[number - 1]):
            yield ""
        yield block


def _statement(statement: s.Statement) -> Doc:
    match statement:
        case s.Query():
            return _query(statement)
        case s.Return(value, span):
            return Element(span.start, ("return ", value_doc(value, VALUES, Rank.ANY)))
        case s.SetAlias(name, source, span):
            return Element(span.start, f"set {name.text} as {_source(source)}")
        case s.SetVariable(variable, kind, default, span):
            head = f"set ${variable.name}" + (f" {kind}" if kind else "")
            told: Doc = (" = ", value_doc(default, FIXED)) if default is not None else ""
            return Element(span.start, (head, told))
        case s.Use(setting, value, duration, span):
            return Element(
                span.start, f"use {setting} {duration_text(duration) if duration else value}"
            )


def _query(query: s.Query) -> Doc:
    """The selects of a query, joined ones and those after `else` on lines of their own."""
    docs: list[Doc] = []
    for select in query.selects:
        word = _join_word(select) if docs else _explain_word(query)
        following: s.Select | None = select
        while following is not None:
            doc = Element(following.span.start, (word, _select(following)))
            docs += [Break(), doc] if docs else [doc]
            word, following = "else ", following.otherwise
    return tuple(docs)


def _explain_word(query: s.Query) -> str:
    return ("explain analyze " if query.analyze else "explain ") if query.explain else ""


def _join_word(select: s.Select) -> str:
    inner = select.side is not None and select.side.text.lower() == "inner"
    return "inner join " if inner else "join "


def _select(select: s.Select) -> Doc:
    fields = Group(Indented(Indented((Line(), separated(_fields(select.fields))))))
    head = Group(("select", fields, Indented((Line(), _origin(select)))))
    clauses = tuple((Line(), clause_doc(clause)) for clause in ordered(select.clauses))
    return Group((head, Indented(clauses)))


def _fields(fields: s.Fields) -> list[Doc]:
    docs: list[Doc] = [Element(fields.span.start, "*")] if fields.star else []
    return docs + [_field(field) for field in fields.fields]


def _field(field: s.FieldOf) -> Doc:
    """A field; without `as`, round brackets are an exclusion."""
    value, alias = field.value, field.alias
    if alias is None:
        bare = isinstance(value, Round)
        doc = as_written(value, ROW) if bare else value_doc(value, ROW, Rank.ANY)
    else:
        doc = (value_doc(value, ROW, Rank.ANY), f" as {name_text(alias.text)}")
    return Element(value.span.start, doc)


def _origin(select: s.Select) -> Doc:
    """From where, and how: `get` goes without saying, but for names, which may mean another."""
    method, source, alias = select.method, select.source, select.alias
    start = method.span.start if method else source.span.start
    word = method.text.lower() + " " if method else ""
    if word == "get " and not isinstance(source, s.SourceName):
        word = ""
    name = f" as {alias.text}" if alias else ""
    return Element(start, f"{word}from {_source(source)}{name}")


def _source(source: s.Source) -> str:
    match source:
        case s.Url(text) | s.PathText(text):
            return text
        case s.SourceName(names):
            return ".".join(map(name_text, names))

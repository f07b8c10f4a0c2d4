"""Clauses of a select -> documents, in the order that language.md lists them in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apiql.frontends.text import clauses as cl
from apiql.frontends.text.expressions import Expression, Variable
from apiql.frontends.text.format_values import (
    Place,
    Rank,
    as_written,
    reference_doc,
    value_doc,
)
from apiql.frontends.text.layout import Doc, Element, Group, Indented, Line, in_one_line, separated
from apiql.frontends.text.words import duration_text, name_text, pair_name_text

ORDER = (
    "where", "query", "headers", "cookies", "body", "form", "rows", "into", "having", "group by",
    "order by", "limit", "distinct", "timeout", "within", "retry", "cache", "no cache", "max-age",
    "after", "when", "optional", "required", "fallback", "hidden",
)  # fmt: skip
STALE = re.compile(r"stale\b", re.IGNORECASE)
VALUES = Place()
FIXED = Place(lifts=False)
ROW = Place(in_row=True)


def ordered(clauses: Sequence[cl.Clause]) -> list[cl.Clause]:
    """Clauses in their one order."""
    return sorted(clauses, key=lambda clause: ORDER.index(cl.word_of_clause(clause)))


def clause_doc(clause: cl.Clause) -> Doc:
    """A clause with its keyword."""
    return Element(clause.span.start, _clause(clause))


def _clause(clause: cl.Clause) -> Doc:
    match clause:
        case cl.Where(binds):
            return _where(binds)
        case cl.Pairs(word, pairs):
            return _listed(word, [_pair(pair) for pair in pairs])
        case cl.Body(value):
            return ("body ", value_doc(value, VALUES))
        case cl.After(names):
            return "after " + ", ".join(name.text for name in names)
        case cl.When(condition):
            return ("when ", value_doc(condition, FIXED, Rank.ANY))
        case cl.Fallback(value):
            return ("fallback ", value_doc(value, FIXED))
        case cl.Flag(word):
            return word
        case cl.TimeoutOf() | cl.Within() | cl.Retry() | cl.Lifetime():
            return _carrying(clause)
        case _:
            return _rows(clause)


def _carrying(clause: cl.TimeoutOf | cl.Within | cl.Retry | cl.Lifetime) -> Doc:
    """How a call may be carried out."""
    match clause:
        case cl.TimeoutOf(duration):
            return f"timeout {duration_text(duration)}"
        case cl.Within(duration, None):
            return f"within {duration_text(duration)} or stale"
        case cl.Within(duration, substitute):
            assert substitute is not None
            return (f"within {duration_text(duration)} or ", _substitute(substitute))
        case cl.Retry(times, unsafe, backoff):
            more = f" backoff {duration_text(backoff)}" if backoff else ""
            return f"retry {times}{' unsafe' if unsafe else ''}{more}"
        case cl.Lifetime(word, duration):
            return f"{word} {duration_text(duration)}"


def _substitute(value: Expression) -> Doc:
    """A value that does not begin with the keyword `stale`."""
    doc = value_doc(value, FIXED)
    return ("(", doc, ")") if STALE.match(in_one_line(doc)) else doc


def _rows(clause: cl.RowsAt | cl.Into | cl.Having | cl.GroupBy | cl.OrderBy | cl.Limit) -> Doc:
    """What is done with the rows of a result."""
    match clause:
        case cl.RowsAt(path):
            return ("rows ", reference_doc(path, ROW))
        case cl.Into(target, None):
            return ("into ", reference_doc(target, ROW))
        case cl.Into(target, (own, theirs)):
            ends = (reference_doc(own, ROW), " = ", reference_doc(theirs, ROW))
            return ("into ", reference_doc(target, ROW), " on ", ends)
        case cl.Having(condition):
            return ("having ", value_doc(condition, ROW, Rank.ANY))
        case cl.GroupBy(keys):
            items = [(key.span.start, value_doc(key, ROW)) for key in keys]
            return _listed("group by", items) if items else "group by ()"
        case cl.OrderBy(keys):
            return _listed("order by", [_sort_key(key) for key in keys])
        case cl.Limit(count, offset):
            more = f" offset {_count(offset)}" if offset else ""
            return f"limit {_count(count)}{more}"
    raise AssertionError(clause)


def _where(binds: Sequence[cl.Bind | cl.Each]) -> Doc:
    items = [(bind.span.start, _bind(bind)) for bind in binds]
    if len(items) == 1:
        return _listed("where", items)
    lines = [
        (Line(), Element(start, ("and ", doc) if number else doc))
        for number, (start, doc) in enumerate(items)
    ]
    return Group(("where", Indented(tuple(lines))))


def _listed(keyword: str, items: Sequence[tuple[int, Doc]]) -> Doc:
    """A keyword and what it lists: one behind it, several below it where the line is short."""
    if len(items) == 1:
        return (keyword, " ", Element(*items[0], hugged=True))
    return Group((keyword, Indented((Line(), separated([Element(*item) for item in items])))))


def _bind(bind: cl.Bind | cl.Each) -> Doc:
    match bind:
        case cl.Bind(place, value):
            return (_place(place), " = ", value_doc(value, VALUES))
        case cl.Each((place,), value, batch):
            return (_place(place), " in ", as_written(value, VALUES), _batch(batch))
        case cl.Each(places, value):
            names = ", ".join(map(_place, places))
            return (f"({names}) in ", as_written(value, VALUES))


def _place(names: Sequence[str]) -> str:
    return ".".join(map(name_text, names))


def _batch(batch: cl.BatchOf | None) -> str:
    if batch is None:
        return ""
    style = f" as {batch.style}" if batch.style else ""
    return f" batch {'all' if batch.size is None else batch.size}{style}"


def _pair(pair: cl.Bind) -> tuple[int, Doc]:
    name = pair_name_text(pair.place[0])
    return (pair.span.start, (name, " = ", value_doc(pair.value, VALUES)))


def _sort_key(key: cl.SortKey) -> tuple[int, Doc]:
    """Ascending and nulls last go without saying."""
    order = (" desc" if key.descending else "") + (" nulls first" if key.nulls_first else "")
    return (key.value.span.start, (value_doc(key.value, ROW), order))


def _count(count: cl.CountOf) -> str:
    return f"${count.value.name}" if isinstance(count.value, Variable) else str(count.value)

"""Upstreams over one table which carry out what they are asked for, each in its own language.

Written from what those languages say, as far as the tests go; what an upstream would answer with
400 raises `Refused`. Rows are in the order of `no`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

Row = dict[str, Any]
Pairs = list[tuple[str, str]]
Test = Callable[[Row], bool | None]

TYPES = {"no": "integer", "price": "number", "status": "text", "note": "text", "name": "text",
         "sold": "boolean", "tags": "list", "ghost": "text"}  # fmt: skip
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b), "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b), "le": lambda a, b: bool(a <= b),
    "gt": lambda a, b: bool(a > b), "ge": lambda a, b: bool(a >= b),
}  # fmt: skip


class Refused(Exception):
    """What the upstream does not understand."""


def column(name: str) -> str:
    if name not in TYPES:
        raise Refused(f"no column {name!r}")
    return name


def meant(name: str, text: str) -> Any:
    """A text as a value of a column's type."""
    kind = TYPES[column(name)]
    try:
        if kind == "integer" and abs(int(text)) < 2**31:
            return int(text)
        if kind == "number":
            return Decimal(text)
    except (ValueError, InvalidOperation):
        pass
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "text" and "\0" not in text:
        return text
    raise Refused(f"{text!r} is no {kind}")


def kept(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    return [{name: row[name] for name in map(column, names) if name in row} for row in rows]


def count(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise Refused(f"{text!r} is no count")
    return int(text)


def cut(rows: list[Row], offset: str | None, limit: str | None) -> list[Row]:
    rows = rows[count(offset) :] if offset is not None else rows
    return rows[: count(limit)] if limit is not None else rows


def arranged(rows: list[Row], name: str, descending: bool, nulls_first: bool) -> list[Row]:
    """Ties are anyhow: backwards, so that nobody counts on them."""
    column(name)
    others = [row for row in rows if row.get(name) is not None]
    nulls = [row for row in rows if row.get(name) is None]
    others.sort(key=lambda row: row[name], reverse=descending)
    return nulls + others if nulls_first else others + nulls


def negated(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def all_of(truths: Iterable[bool | None]) -> bool | None:
    found = list(truths)
    return False if False in found else None if None in found else True


def any_of(truths: Iterable[bool | None]) -> bool | None:
    return negated(all_of(negated(truth) for truth in truths))


# -- PostgREST ----------------------------------------------------------------------------------


def postgrest(rows: list[Row], pairs: Pairs) -> Any:
    found = [*reversed(rows)] if any(name == "order" for name, _ in pairs) else rows
    for name, value in pairs:
        if name in ("or", "and"):
            test = Logic(name + value).whole()
            found = [row for row in found if test(row) is True]
        elif name not in ("select", "order", "limit", "offset"):
            test = term(name, value, value.partition(".")[2])
            found = [row for row in found if test(row) is True]
    last = dict(pairs)
    for key in reversed(last.get("order", "").split(",") if "order" in last else []):
        name, *words = key.split(".")
        if not set(words) <= {"asc", "desc", "nullsfirst", "nullslast"}:
            raise Refused(key)
        down = "desc" in words
        first = "nullsfirst" in words or (down and "nullslast" not in words)
        found = arranged(found, name, down, first)
    found = cut(found, last.get("offset"), last.get("limit"))
    return kept(found, last["select"].split(",")) if "select" in last else found


def term(name: str, text: str, value: str) -> Test:
    """A filter; `value` is what is behind the operator, taken out of its quotes."""
    if text.startswith("not."):
        rest = text.removeprefix("not.")
        inner = term(name, rest, rest.partition(".")[2] if text.endswith(value) else value)
        return lambda row: negated(inner(row))
    sign = text.partition(".")[0]
    sign = {"neq": "ne", "gte": "ge", "lte": "le"}.get(sign, sign)
    if sign == "is" and value == "null":
        return lambda row: row.get(column(name)) is None
    if sign == "in":
        among = [meant(name, item) for item in list_items(value)]
        return lambda row: None if row.get(name) is None else row[name] in among
    if sign == "like":
        pattern = like(value.replace("*", "%"))
        return lambda row: None if row.get(name) is None else bool(pattern.fullmatch(row[name]))
    if sign not in COMPARE:
        raise Refused(text)
    right = meant(name, value)
    return lambda row: None if row.get(name) is None else COMPARE[sign](row[name], right)


def like(pattern: str) -> re.Pattern[str]:
    """SQL's pattern, with a backslash before what is meant literally."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    texts = {"%": ".*", "_": "."}
    return re.compile("".join(texts.get(p) or re.escape(p[-1]) for p in parts), re.DOTALL)


QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?=[,)]|$)', re.DOTALL)
BARE = re.compile(r"[^,)]*")


def list_items(text: str) -> list[str]:
    if not text.startswith("(") or not text.endswith(")"):
        raise Refused(text)
    items, at = [], 1
    while True:
        found = QUOTED.match(text, at) or BARE.match(text, at)
        assert found is not None
        items.append(unquoted(found))
        at = found.end() + 1
        if text[found.end() : at] == ")":
            if at < len(text):
                raise Refused(text)
            return items


def unquoted(found: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found.re is QUOTED else found[0]


class Logic:
    """`or(price.gt.10,and(status.eq."new",sold.eq.true))`"""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def whole(self) -> Test:
        test = self.tree()
        if self.at != len(self.text):
            raise Refused(self.text)
        return test

    def tree(self) -> Test:
        word = re.compile(r"(and|or)\(").match(self.text, self.at)
        if word is None:
            return self.leaf()
        self.at = word.end()
        parts = [self.tree()]
        while self.text[self.at : self.at + 1] == ",":
            self.at += 1
            parts.append(self.tree())
        if self.text[self.at : self.at + 1] != ")":
            raise Refused(self.text)
        self.at += 1
        join = all_of if word[1] == "and" else any_of
        return lambda row: join([part(row) for part in parts])

    def leaf(self) -> Test:
        head = re.compile(r"(\w+)\.((?:not\.)?\w+)\.").match(self.text, self.at)
        if head is None:
            raise Refused(self.text[self.at :])
        self.at = head.end()
        if head[2].endswith("in"):
            ends = re.compile(r'\((?:"(?:[^"\\]|\\.)*"|[^")])*\)', re.DOTALL)
            items = ends.match(self.text, self.at)
            if items is None:
                raise Refused(self.text[self.at :])
            self.at = items.end()
            return term(head[1], f"{head[2]}.{items[0]}", items[0])
        found = QUOTED.match(self.text, self.at) or BARE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        value = unquoted(found)
        return term(head[1], f"{head[2]}.{value}", value)


# -- OData --------------------------------------------------------------------------------------

TOKEN = re.compile(r"\s*('(?:[^']|'')*'|-?[0-9]+(?:\.[0-9]+)?|\w+|[(),])", re.DOTALL)
FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda a, b: b in a, "startswith": str.startswith, "endswith": str.endswith,
}  # fmt: skip


def odata(rows: list[Row], pairs: Pairs) -> Any:
    asked = dict(pairs)
    if len(asked) < len(pairs) or not all(name.startswith("$") for name in asked):
        raise Refused(str(pairs))
    found = rows
    if "$filter" in asked:
        test = Filter(asked["$filter"]).whole()
        found = [row for row in found if test(row) is True]
    if "$orderby" in asked:
        found = [*reversed(found)]
        for key in reversed(asked["$orderby"].split(",")):
            name, _, word = key.strip().partition(" ")
            if word not in ("", "asc", "desc"):
                raise Refused(key)
            found = arranged(found, name, word == "desc", word != "desc")
    found = cut(found, asked.get("$skip"), asked.get("$top"))
    if "$select" in asked:
        found = kept(found, asked["$select"].split(","))
    return {"@odata.context": "#items", "value": found}


class Filter:
    """Null is a value to `eq` and `ne`, and false to the others; `not` of unknown is true."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise Refused(text[at:])
            self.tokens.append(found[1])
            at = found.end()
        self.tokens.reverse()

    def whole(self) -> Test:
        test = self.either()
        if self.tokens:
            raise Refused(str(self.tokens))
        return test

    def take(self, *wanted: str) -> str:
        token = self.tokens.pop() if self.tokens else ""
        if wanted and token not in wanted:
            raise Refused(token)
        return token

    def follows(self, word: str) -> bool:
        if self.tokens and self.tokens[-1] == word:
            self.tokens.pop()
            return True
        return False

    def either(self) -> Test:
        parts = [self.both()]
        while self.follows("or"):
            parts.append(self.both())
        return lambda row: any(part(row) for part in parts)

    def both(self) -> Test:
        parts = [self.one()]
        while self.follows("and"):
            parts.append(self.one())
        return lambda row: all(part(row) for part in parts)

    def one(self) -> Test:
        if self.follows("not"):
            inner = self.one()
            return lambda row: not inner(row)
        if self.follows("("):
            test = self.either()
            self.take(")")
            return test
        name = self.take()
        return self.call(FUNCTIONS[name]) if name in FUNCTIONS else self.comparison(column(name))

    def call(self, function: Callable[[str, str], bool]) -> Test:
        self.take("(")
        name = column(self.take())
        self.take(",")
        text = self.constant(name)
        self.take(")")
        return lambda row: None if row.get(name) is None else function(row[name], text)

    def comparison(self, name: str) -> Test:
        sign, right = self.take(*COMPARE), self.constant(name)
        if sign in ("eq", "ne"):
            return lambda row: COMPARE[sign](row.get(name), right)
        return lambda row: row.get(name) is not None and COMPARE[sign](row[name], right)

    def constant(self, name: str) -> Any:
        token = self.take()
        if token == "null":
            return None
        if token.startswith("'") != (TYPES[name] == "text"):
            raise Refused(token)
        return meant(name, token[1:-1].replace("''", "'") if token.startswith("'") else token)


# -- JSON:API, Google, plain parameters ----------------------------------------------------------


def signed(rows: list[Row], keys: str) -> list[Row]:
    """By `-price,no`; where nulls go is anyhow."""
    found = [*reversed(rows)]
    for key in reversed(keys.split(",")):
        found = arranged(found, key.removeprefix("-"), key.startswith("-"), nulls_first=True)
    return found


def equal(rows: list[Row], name: str, text: str) -> list[Row]:
    """An empty value filters nothing, a comma parts several."""
    if not text:
        return rows
    among = [meant(name, each.strip()) for each in text.split(",")]
    return [row for row in rows if row.get(name) in among and row.get(name) is not None]


def jsonapi(rows: list[Row], pairs: Pairs) -> Any:
    asked, found = dict(pairs), rows
    for name, value in pairs:
        member = re.fullmatch(r"filter\[(\w+)\]", name)
        if member:
            found = equal(found, member[1], value)
        elif name not in ("sort", "page[limit]", "page[offset]", "fields[items]"):
            raise Refused(name)
    found = signed(found, asked["sort"]) if "sort" in asked else found
    found = cut(found, asked.get("page[offset]"), asked.get("page[limit]"))
    names = asked["fields[items]"].split(",") if "fields[items]" in asked else list(TYPES)
    numbers = [row["no"] for row in found]
    return {
        "data": [
            {"type": "items", "id": f"r{number}", "attributes": attributes}
            for number, attributes in zip(numbers, kept(found, names), strict=True)
        ]
    }


def google(rows: list[Row], pairs: Pairs) -> Any:
    asked = dict(pairs)
    if not asked.keys() <= {"fields", "maxResults"}:
        raise Refused(str(pairs))
    body = {"kind": "list", "items": cut(rows, None, asked.get("maxResults")), "next": "t"}
    return masked(body, asked["fields"]) if "fields" in asked else body


def masked(value: Any, mask: str) -> Any:
    """`items(no,name),next`"""
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    found = {}
    for part in re.findall(r"\w+(?:\([^()]*\))?", mask):
        name, _, inside = part.partition("(")
        if name not in {"kind", "items", "next", *TYPES}:
            raise Refused(name)
        if name in value:
            found[name] = masked(value[name], inside[:-1]) if inside else value[name]
    return found


def param(rows: list[Row], pairs: Pairs) -> Any:
    asked, found = dict(pairs), rows
    for name, value in pairs:
        if name not in ("sort", "limit", "offset", "fields"):
            found = equal(found, name, value)
    found = signed(found, asked["sort"]) if "sort" in asked else found
    found = cut(found, asked.get("offset"), asked.get("limit"))
    return kept(found, asked["fields"].split(",")) if "fields" in asked else found


UPSTREAMS: dict[str, Callable[[list[Row], Pairs], Any]] = {
    "postgrest": postgrest, "odata": odata, "jsonapi": jsonapi, "google": google, "param": param,
}  # fmt: skip

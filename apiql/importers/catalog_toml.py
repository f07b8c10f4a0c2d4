"""Operations -> tables of `apiql.toml`: an upstream, a source for each operation, and a query to
begin with as a comment. No secret is among them: what shows who calls is a comment to fill in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from apiql.importers.documents import shown
from apiql.importers.imported import FORM, JSON, MULTIPART, Operation, Parameter, Scheme, Tell
from apiql.importers.naming import plain_word, unique
from apiql.importers.samples import literal, sample
from apiql.importers.toml_text import comment, key, value
from apiql.ir.request import Place
from apiql.ir.template import TemplateRefused, parse_template
from apiql.settings import Source

MOST_TOLD = 30
"""Parameters that a comment lists."""


@dataclass(frozen=True, slots=True)
class Written:
    """One source: its name, its table, and the query that calls it."""

    name: str
    table: dict[str, Any]
    operation: Operation
    sample: tuple[str, ...]


def sources_of(operations: Iterable[Operation], taken: set[str], tell: Tell) -> list[Written]:
    """The sources that settings take; of others the reason is told. Adds to the names `taken`."""
    found = []
    for operation in operations:
        slots = _slots(operation, tell)
        table = _table(operation, slots, tell)
        refused = _refusal(table)
        if refused is not None:
            tell(operation.at, f"{refused}; not taken")
            continue
        name = unique(operation.name, taken)
        if name != operation.name:
            tell(operation.at, f"the name {operation.name} is taken; it is called {name}")
        taken.add(name)
        named = replace(operation, name=name)
        found.append(Written(name, table, named, tuple(sample(named, slots))))
    return found


def _slots(operation: Operation, tell: Tell) -> dict[Parameter, str]:
    """The placeholders of the path and the query string."""
    slots = {each: each.name for each in operation.at_place(Place.PATH)}
    for each in operation.at_place(Place.QUERY):
        if not each.name.isprintable():
            tell(operation.at, f"the parameter {shown(each.name)} has no name that can be sent")
        elif each.sent is None:
            slots[each] = unique(plain_word(each.name), set(slots.values()))
    return slots


def _table(operation: Operation, slots: dict[Parameter, str], tell: Tell) -> dict[str, Any]:
    query = [_pair(each.name, slot) for each, slot in slots.items() if each.place is Place.QUERY]
    path = operation.path + ("?" + "&".join(query) if query else "")
    table: dict[str, Any] = {} if operation.method == "get" else {"method": operation.method}
    table["path"] = path
    style = _list_style(operation, tell)
    if style not in (None, "repeat"):
        table["list_style"] = style
    sent = operation.at_place(Place.QUERY, Place.HEADER)
    fixed = {each.name: each.sent for each in sent
             if each.sent is not None and each.place is Place.QUERY}  # fmt: skip
    headers = dict(operation.headers)
    headers |= {each.name: str(each.sent) for each in sent
                if each.sent is not None and each.place is Place.HEADER}  # fmt: skip
    kind = operation.body.content_type if operation.body else JSON
    if kind not in (JSON, FORM, MULTIPART, "text/plain"):
        headers["Content-Type"] = kind
    return table | ({"query": fixed} if fixed else {}) | ({"headers": headers} if headers else {})


def _pair(name: str, slot: str) -> str:
    return f"{{{slot}}}" if name == slot else f"{quote(name, safe='')}={{{slot}}}"


def _list_style(operation: Operation, tell: Tell) -> str | None:
    """A source writes all lists in one way: the most frequent."""
    styles = Counter(each.style for each in operation.at_place(Place.QUERY) if each.style)
    if len(styles) > 1:
        tell(operation.at, f"its lists are written in {len(styles)} ways; one is taken for all")
    return styles.most_common(1)[0][0] if styles else None


def _refusal(table: dict[str, Any]) -> str | None:
    """Why settings do not take a source."""
    try:
        Source.model_validate(table)
        parse_template(table["path"])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {shown(first['msg'])}"
    except TemplateRefused as refused:
        return shown(refused.message)
    return None


def fragment(upstream: str, url: str, sources: Iterable[Written]) -> Iterator[str]:
    """The lines of an upstream with its sources."""
    found = list(sources)
    name = key(upstream)
    yield f"[upstreams.{name}]"
    yield f"url = {value(url)}"
    schemes = dict.fromkeys(scheme for each in found for scheme in each.operation.schemes)
    for number, scheme in enumerate(schemes):
        yield ""
        yield from _credentials(name, scheme, number)
    for each in found:
        yield ""
        yield from map(comment, _told(each))
        yield f"[upstreams.{name}.sources.{key(each.name)}]"
        yield from (f"{setting} = {value(given)}" for setting, given in each.table.items())


def _credentials(name: str, scheme: Scheme, number: int) -> Iterator[str]:
    if number:
        yield "# Or, for the calls that want it; an upstream shows one of them:"
    else:
        yield "# Calls show who they are: fill in, take the first # of each line away. A secret is"
        yield "# better kept out of this file: APIQL_UPSTREAMS__<NAME>__AUTH__<KEY>."
    pairs: dict[str, str] = {
        "basic": {"user": "…", "password": "…"},
        "bearer": {"token": "…"},
        "header": {"name": scheme.param, "value": "…"},
        "query": {"name": scheme.param, "value": "…"},
        "oauth2": {"token_url": scheme.token_url, "client_id": "…", "client_secret": "…"}
        | ({"scope": scheme.scope} if scheme.scope else {}),
    }[scheme.kind]
    yield f"#[upstreams.{name}.auth]"
    for setting, given in ({"kind": scheme.kind} | pairs).items():
        yield f"#{setting} = {value(shown(given))}"


def _told(written: Written) -> Iterator[str]:
    """The comment before a source."""
    operation = written.operation
    mark = "Deprecated. " if operation.deprecated else ""
    if mark or operation.summary:
        # A description is somebody else's: it is none of the lines that an import stands between.
        yield f"{mark}{operation.summary.lstrip('<> ')}"
    yield from (f"    {line}" for line in written.sample)
    body = (
        [each for each in operation.body.parameters if not each.required] if operation.body else []
    )
    more = [_optional(each) for each in (*operation.parameters, *body)
            if not each.required or each.sent is not None]  # fmt: skip
    if more:
        cut = f" and {len(more) - MOST_TOLD} more" if len(more) > MOST_TOLD else ""
        yield f"It also takes: {', '.join(more[:MOST_TOLD])}{cut}."
    if operation.body is not None and operation.body.whole:
        yield f"The body is {operation.body.content_type}."
    if operation.answer:
        yield f"It answers: {', '.join(operation.answer)}."


def _optional(parameter: Parameter) -> str:
    kind = "" if parameter.type == "any" else f" {parameter.type}"
    where = "" if parameter.place is Place.QUERY else f" ({parameter.place.value})"
    plain = isinstance(parameter.default, str | int | float)
    default = f" = {shown(literal(parameter.default))}" if plain else ""
    return f"{shown(parameter.name)}{kind}{where}{default}"

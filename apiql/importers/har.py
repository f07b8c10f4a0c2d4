"""Recordings of a browser (HAR 1.2) -> operations: calls of one method and path are one. Nothing
that was sent is kept but names: recordings are full of secrets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from apiql.importers.documents import rows, shown, table, word
from apiql.importers.imported import (
    METHODS,
    MOST_OPERATIONS,
    MOST_PARAMETERS,
    Choice,
    Imported,
    ImportRefused,
    Notes,
    Operation,
    Parameter,
)
from apiql.importers.naming import call_name, path_pattern, unique
from apiql.importers.openapi_bodies import is_json, plain_type
from apiql.importers.requests import Request, operation_of, title_of
from apiql.ir.request import Place

MOST_ENTRIES = 20_000
READ = ("", "text/plain", "x-unknown")
"""Types of answers beside JSON that a query may read."""


def read_har(root: dict[str, Any], choice: Choice) -> Imported:
    """The operations that a recording shows, of the hosts that were chosen.

    Raises:
        ImportRefused: it is no recording, or of several hosts and none was chosen.
    """
    entries = table(root, "log").get("entries")
    if not isinstance(entries, list):
        raise ImportRefused(f"{choice.name}: log.entries: expected a list; this is no recording")
    if len(entries) > MOST_ENTRIES:
        raise ImportRefused(f"{choice.name}: log.entries: over {MOST_ENTRIES}; part it")
    hosts = _hosts(entries)
    if len(hosts) > 1 and not choice.hosts:
        listed = ", ".join(sorted(hosts)[:20])
        raise ImportRefused(f"{choice.name}: several hosts; say which with --host: {listed}")
    for missing in sorted(set(map(str.lower, choice.hosts)) - hosts):
        raise ImportRefused(f"{choice.name}: nothing in it calls the host {shown(missing)}")
    tell = Notes()
    found: dict[tuple[str, str, str], Operation] = {}
    for number, entry in enumerate(entries):
        operation = _operation(entry, f"log.entries[{number}]", choice, tell)
        if operation is not None:
            key = (operation.method, operation.url, operation.path)
            found[key] = _merged(found[key], operation, tell) if key in found else operation
        if len(found) > MOST_OPERATIONS:
            raise ImportRefused(f"{choice.name}: over {MOST_OPERATIONS} operations; part it")
    operations = _named(list(found.values()), choice)
    title = title_of(operations[0].url) if operations else "imported"
    return Imported(title, operations, tell.all())


def _hosts(entries: list[Any]) -> set[str]:
    return {host for entry in entries if (host := _host(word(table(entry, "request"), "url")))}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _operation(entry: Any, at: str, choice: Choice, tell: Notes) -> Operation | None:
    told = table(entry, "request")
    host, method = _host(word(told, "url")), word(told, "method")
    kind = plain_type(word(table(table(entry, "response"), "content"), "mimeType"))
    wrong = (
        (not host, at, "there is no request with a host"),
        (choice.hosts and host not in map(str.lower, choice.hosts), host, "it was not chosen"),
        (method.lower() not in METHODS, f"{at}.request", f"{shown(method)} is no query's method"),
        (not (is_json(kind) or kind in READ), f"{at}.response", f"it answers {shown(kind)}"),
    )
    for found, place, why in wrong:
        if found:
            tell(place, f"{why}; not taken")
            return None
    return operation_of(_request(told, at, tell), tell)


def _request(told: dict[str, Any], at: str, tell: Notes) -> Request:
    data = table(told, "postData")
    params = [row for row in rows(data, "params") if word(row, "name")]
    url = urlsplit(word(told, "url"))
    query = f"?{url.query}" if url.query else ""
    return Request(
        "",
        word(told, "method"),
        f"{url.scheme}://{url.netloc.rpartition('@')[2]}{path_pattern(url.path)}{query}",
        f"{at}.request",
        _own_headers(told, at, tell),
        text=word(data, "text") if data and not params else None,
        fields=tuple((row["name"], None if row.get("fileName") else "") for row in params) or None,
        content_type=word(data, "mimeType"),
        keeps_values=False,
    )


def _own_headers(told: Any, at: str, tell: Notes) -> tuple[tuple[str, str], ...]:
    """Of the headers only the credentials' names; all others are the browser's, and told."""
    names = [word(row, "name") for row in rows(told, "headers")]
    shows = {name.lower(): name for name in names if name.lower() == "authorization"}
    others = sorted({name.lower() for name in names if name} - {"authorization", "content-type"})
    own = [name for name in others if name.startswith("x-")]
    if own:
        tell(at, f"headers of a recording are not taken: {shown(', '.join(own))}")
    if "cookie" in others or rows(told, "cookies"):
        tell(at, "cookies are not written; a query names them: cookies sid = $sid")
    values = {word(row, "name").lower(): word(row, "value") for row in rows(told, "headers")}
    return tuple((name, values[low].partition(" ")[0]) for low, name in shows.items())


def _merged(one: Operation, other: Operation, tell: Notes) -> Operation:
    """Two calls of one operation: what both have is required."""
    names = {(each.place, each.name) for each in other.parameters}
    known = {(each.place, each.name) for each in one.parameters}
    both = [
        replace(each, required=False)
        if each.required and (each.place, each.name) not in names
        else each
        for each in one.parameters
    ]
    new = [replace(each, required=False) for each in other.parameters
           if (each.place, each.name) not in known]  # fmt: skip
    if len(both) + len(new) > MOST_PARAMETERS:
        tell(other.at, f"there are {MOST_PARAMETERS} parameters already; its own are not taken")
        new = []
    schemes = tuple(dict.fromkeys((*one.schemes, *other.schemes)))
    return replace(one, parameters=(*both, *new), body=one.body or other.body, schemes=schemes)


def _named(found: list[Operation], choice: Choice) -> tuple[Operation, ...]:
    taken: set[str] = set()
    operations = []
    for operation in found:
        name = unique(call_name(operation.method, operation.path), taken)
        taken.add(name)
        typed: list[Parameter] = [
            replace(each, type="string")
            if each.place is Place.QUERY and each.type == "any"
            else each
            for each in operation.parameters
        ]
        url = choice.url or operation.url
        operations.append(replace(operation, name=name, url=url, parameters=tuple(typed)))
    return tuple(operations)

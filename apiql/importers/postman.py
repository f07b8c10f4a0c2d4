"""Postman collections v2.1 -> operations. No script is run: what it would set is to be given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from apiql.importers.documents import rows, shown, table, word
from apiql.importers.imported import (
    MOST_OPERATIONS,
    Choice,
    Imported,
    ImportRefused,
    Kind,
    Notes,
    Operation,
    Scheme,
)
from apiql.importers.naming import is_secret, unique
from apiql.importers.postman_bodies import body_parts
from apiql.importers.requests import HOLE, Request, hole_name, operation_of, without_secrets

MOST_FILLED = 2**20
"""Letters of a text with its variables; where it would be longer, they stay."""
_PATH_VARIABLE = re.compile(r"(?<=/):([A-Za-z_][\w-]*)")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where in a collection a request stands: its names, its credentials, its variables."""

    names: tuple[str, ...]
    at: str
    auth: Any
    variables: dict[str, str]


def read_postman(root: dict[str, Any], choice: Choice) -> Imported:
    """The operations of a collection.

    Raises:
        ImportRefused: it is no collection of that version.
    """
    info = table(root, "info")
    if not isinstance(root.get("item"), list):
        raise ImportRefused(f"{choice.name}: item: expected a list of requests and folders")
    if "/v1" in word(info, "schema"):
        raise ImportRefused(f"{choice.name}: info.schema: export the collection as v2.1")
    tell = Notes()
    top = Folder((), "item", root.get("auth"), _variables(root, {}))
    _note_events(root, "event", tell)
    taken: set[str] = set()
    found: list[Operation] = []
    for request in _requests(root["item"], top, tell):
        operation = operation_of(request, tell)
        if operation is not None:
            name = unique(operation.name, taken)
            taken.add(name)
            found.append(replace(operation, name=name, url=choice.url or operation.url))
        if len(found) > MOST_OPERATIONS:
            raise ImportRefused(f"{choice.name}: over {MOST_OPERATIONS} operations; part it")
    return Imported(shown(word(info, "name")) or "imported", tuple(found), tell.all())


def _requests(items: list[Any], folder: Folder, tell: Notes) -> Iterator[Request]:
    for number, item in enumerate(items):
        at = f"{folder.at}[{number}]"
        if not isinstance(item, dict):
            tell(at, "expected a request or a folder; not taken")
            continue
        _note_events(item, f"{at}.event", tell)
        names = (*folder.names, word(item, "name"))
        auth = item.get("auth") or folder.auth
        variables = _variables(item, folder.variables)
        if isinstance(item.get("item"), list):
            inner = Folder(names, f"{at}.item", auth, variables)
            yield from _requests(item["item"], inner, tell)
        elif isinstance(item.get("request"), str):
            url = _with_scheme(_filled(item["request"], variables))
            yield Request(" ".join(names), "GET", url, at,
                          schemes=_schemes(auth, at, tell))  # fmt: skip
        elif isinstance(item.get("request"), dict):
            yield _request(item["request"], Folder(names, at, auth, variables), tell)
        else:
            tell(at, "neither a request nor a folder; not taken")


def _request(told: dict[str, Any], folder: Folder, tell: Notes) -> Request:
    at = f"{folder.at}.request"
    body = body_parts(told.get("body"), at, tell)
    return Request(
        " ".join(name for name in folder.names if name),
        word(told, "method") or "GET",
        _with_scheme(_filled(_url(told.get("url"), at, tell), folder.variables)),
        at,
        _pairs(told, "header", at, tell, folder.variables),
        _pairs(table(told, "url"), "query", f"{at}.url", tell, folder.variables),
        None if body.text is None else _filled(body.text, folder.variables),
        body.fields,
        body.content_type,
        _schemes(told.get("auth") or folder.auth, at, tell),
    )


def _url(told: Any, at: str, tell: Notes) -> str:
    """The address without its query string: put together of its parts, else as it was typed."""
    if isinstance(told, str):
        return _PATH_VARIABLE.sub(r"{{\1}}", told.partition("?")[0]) + _query_of(told)
    if not isinstance(told, dict):
        tell(at, "a request without a URL")
        return ""
    host = told.get("host")
    query = "" if told.get("query") else _query_of(word(told, "raw"))
    if not host:
        return _PATH_VARIABLE.sub(r"{{\1}}", word(told, "raw").partition("?")[0]) + query
    name = ".".join(map(str, host)) if isinstance(host, list) else str(host)
    scheme = word(told, "protocol") or ("" if "://" in name or HOLE.match(name) else "http")
    port = f":{told['port']}" if told.get("port") else ""
    listed = told.get("path")
    parts = [part if isinstance(part, str) else word(part, "value") for part in listed] \
        if isinstance(listed, list) else [str(listed or "").lstrip("/")]  # fmt: skip
    path = _PATH_VARIABLE.sub(r"{{\1}}", "/" + "/".join(parts))
    return f"{scheme}://{name}{port}{path}{query}" if scheme else f"{name}{port}{path}{query}"


def _with_scheme(url: str) -> str:
    """As Postman calls it where nobody says how."""
    return url if "://" in url or not url else f"http://{url}"


def _query_of(url: str) -> str:
    _, mark, query = url.partition("?")
    return mark + query


def _pairs(
    told: Any, key: str, at: str, tell: Notes, variables: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """Pairs of a list that are not switched off."""
    found: list[tuple[str, str]] = []
    for number, row in enumerate(rows(told, key)):
        if not isinstance(row, dict) or not isinstance(row.get("key"), str):
            tell(f"{at}.{key}[{number}]", "a pair without a name; not taken")
        elif row.get("disabled") is True:
            tell(f"{at}.{key}[{number}]", f"{shown(row['key'])} is switched off; not taken")
        else:
            value = row.get("value")
            text = _filled(value if isinstance(value, str) else "", variables)
            found.append((_filled(row["key"], variables), text))
    return tuple(found)


def _variables(told: Any, outer: dict[str, str]) -> dict[str, str]:
    """Variables with a value that is not secret, over those of the folder outside."""
    found = dict(outer)
    for row in rows(told, "variable"):
        name = word(row, "key")
        value = row.get("value") if isinstance(row, dict) else None
        usable = name and isinstance(value, str | int) and not isinstance(value, bool) and value
        if usable and row.get("disabled") is not True and row.get("type") != "secret":
            if not is_secret(name):
                found[name] = str(value)
    return found


def _filled(text: str, variables: dict[str, str]) -> str:
    """A text with the variables that are known; one in a value of another too."""
    for _ in range(3):
        added = sum(len(variables.get(hole_name(hole), "")) for hole in HOLE.finditer(text))
        if not added or len(text) + added > MOST_FILLED:
            break
        text = HOLE.sub(lambda hole: variables.get(hole_name(hole), hole[0]), text)
    return text


def _schemes(auth: Any, at: str, tell: Notes) -> tuple[Scheme, ...]:
    kind = word(auth, "type")
    if kind in ("", "noauth"):
        return ()
    given = {
        word(row, "key"): row.get("value") for row in rows(auth, kind) if isinstance(row, dict)
    }
    match kind:
        case "basic":
            return (Scheme("basic"),)
        case "bearer":
            return (Scheme("bearer"),)
        case "apikey":
            if name := _plain(given, "key"):
                place: Kind = "query" if given.get("in") == "query" else "header"
                return (Scheme(place, name),)
        case "oauth2":
            if url := _plain(given, "accessTokenUrl"):
                return (Scheme("oauth2", token_url=url, scope=_plain(given, "scope")),)
            return (Scheme("bearer"),)
    tell(at, f"credentials of the kind {shown(kind)} are not known; not taken")
    return ()


def _plain(given: dict[str, Any], key: str) -> str:
    """A text without variables; empty where there is none."""
    text = word(given, key)
    return "" if HOLE.search(text) else shown(without_secrets(text))


def _note_events(told: Any, at: str, tell: Notes) -> None:
    for row in rows(told, "event"):
        script = table(row, "script").get("exec")
        lines = script if isinstance(script, list) else [script or ""]
        if "".join(map(str, lines)).strip():
            tell(at, f"the script `{shown(word(row, 'listen'))}` is not run")

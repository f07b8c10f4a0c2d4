"""OpenAPI 3.0, 3.1 and Swagger 2.0 -> operations; what they are made of is beside this file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from apiql.importers.documents import rows, shown, table, word
from apiql.importers.imported import (
    METHODS,
    MOST_OPERATIONS,
    MOST_URL,
    Choice,
    Imported,
    ImportRefused,
    Notes,
    Operation,
    Parameter,
)
from apiql.importers.naming import call_name, slots_of, source_name, unique, with_slots
from apiql.importers.openapi_bodies import answer_of, body_of, swagger_body
from apiql.importers.openapi_parameters import parameters_of
from apiql.importers.openapi_security import schemes_of
from apiql.importers.references import Document
from apiql.ir.request import Place

MOST_SERVERS = 20
"""Of an operation, a path or the document; the first is taken."""
_OTHER_METHODS = ("options", "trace", "query")
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def read_openapi(root: dict[str, Any], choice: Choice) -> Imported:
    """The operations of a description.

    Raises:
        ImportRefused: it is no description of these versions, or says no address.
    """
    version = str(root.get("openapi", root.get("swagger", "")))
    if not version.startswith(("3.", "2.")):
        raise ImportRefused(
            f'{choice.name}: neither `openapi: 3.x` nor `swagger: "2.0"`; this is no description'
        )
    if not isinstance(root.get("paths"), dict) and "webhooks" not in root:
        raise ImportRefused(f"{choice.name}: paths: expected an object with the paths")
    tell = Notes()
    document = Document(root, tell)
    for key in ("webhooks", "x-webhooks"):
        if key in root:
            tell(key, "calls that the other side makes; not taken")
    operations = tuple(_operations(document, choice))
    title = word(table(root, "info"), "title")
    return Imported(shown(title) or "imported", operations, tell.all())


def _operations(document: Document, choice: Choice) -> Iterator[Operation]:
    taken: set[str] = set()
    paths = table(document.root, "paths")
    for path in paths:
        if path.startswith("x-"):
            continue
        if len(path) > MOST_URL:
            document.tell(shown(path), f"a path longer than {MOST_URL} letters; not taken")
            continue
        at = f'paths["{shown(path)}"]'
        shared = document.resolved(paths[path], at)
        for method in (*METHODS, *_OTHER_METHODS):
            if method not in shared:
                continue
            place = f"{at}.{method}"
            if method in _OTHER_METHODS or not isinstance(shared[method], dict):
                document.tell(place, "no operation that a query can call; not taken")
                continue
            if len(taken) >= MOST_OPERATIONS:
                raise ImportRefused(f"{choice.name}: over {MOST_OPERATIONS} operations; part it")
            operation = _operation(document, choice, path, method, shared, place, taken)
            taken.add(operation.name)
            yield operation


def _operation(
    document: Document, choice: Choice, path: str, method: str, shared: dict[str, Any],
    at: str, taken: set[str],
) -> Operation:  # fmt: skip
    told = shared[method]
    name = source_name(word(told, "operationId")) if word(told, "operationId") else ""
    at_path = f"{at.removesuffix(method)}parameters"
    lists = [(shared.get("parameters"), at_path), (told.get("parameters"), f"{at}.parameters")]
    slots = slots_of(path)
    body = _body(document, told, shared, method, at)
    if "callbacks" in told:
        document.tell(f"{at}.callbacks", "calls that the other side makes; not taken")
    return Operation(
        unique(name or call_name(method, path), taken),
        method,
        _url(document, choice, told, shared, at),
        with_slots(path if path.startswith("/") else f"/{path}", slots),
        at,
        _fitted(document, parameters_of(document, lists), slots, at),
        body,
        schemes=schemes_of(document, told, at),
        summary=shown(word(told, "summary") or word(told, "description")),
        deprecated=told.get("deprecated") is True,
        answer=answer_of(document, told, at),
    )


def _body(document: Document, told: Any, shared: Any, method: str, at: str) -> Any:
    swagger = "swagger" in document.root
    if swagger:
        found = swagger_body(document, told, shared, at)
    else:
        found = body_of(document, told.get("requestBody"), f"{at}.requestBody")
    if found is not None and method in ("get", "head"):
        document.tell(at, f"a body of a {method} is not sent; not taken")
        return None
    return found


def _fitted(
    document: Document, found: tuple[Parameter, ...], slots: dict[str, str], at: str
) -> tuple[Parameter, ...]:
    """Path parameters by the names of their placeholders, each placeholder with one."""
    told = {each.name: each for each in found if each.place is Place.PATH}
    for name in told.keys() - slots.keys():
        document.tell(at, f"the path has no placeholder {{{shown(name)}}}; not taken")
    path = (
        Parameter(slot, Place.PATH, told[name].type if name in told else "any", required=True)
        for name, slot in slots.items()
    )
    return (*path, *(each for each in found if each.place is not Place.PATH))


def _url(document: Document, choice: Choice, told: Any, shared: Any, at: str) -> str:
    """Where an operation is: as chosen, else the first server of it, its path, the document."""
    if choice.url is not None:
        return choice.url
    root = document.root
    if "swagger" in root:
        return _swagger_url(document, choice)
    for owner, place in ((told, at), (shared, at), (root, "servers")):
        servers = [each for each in rows(owner, "servers")[:MOST_SERVERS] if word(each, "url")]
        for other in servers[1:]:
            document.tell(place, f"the first server is taken, not {shown(other['url'])}")
        if servers:
            return _absolute(_filled(document, servers[0], place), choice)
    return _absolute("/", choice)


def _filled(document: Document, server: dict[str, Any], at: str) -> str:
    """The address with its variables at their defaults; what is too long is refused by its length,
    whatever it would become.
    """

    def default(found: re.Match[str]) -> str:
        value = table(table(server, "variables"), found[1]).get("default")
        if isinstance(value, str | int):
            document.tell(at, f"{{{shown(found[1])}}} of the address is taken as {shown(value)}")
            return str(value)[: MOST_URL + 1]
        return found[0]

    return _VARIABLE.sub(default, word(server, "url")[: MOST_URL + 1])


def _swagger_url(document: Document, choice: Choice) -> str:
    root = document.root
    listed = [each for each in rows(root, "schemes") if each in ("http", "https")]
    scheme = "https" if "https" in listed or not listed else "http"
    if not listed and word(root, "host"):
        document.tell("schemes", "it says no scheme; https is taken")
    base = word(root, "basePath")
    return _absolute(
        f"{scheme}://{word(root, 'host')}{base}" if word(root, "host") else "/", choice
    )


def _absolute(url: str, choice: Choice) -> str:
    if not _names_a_host(url):
        raise ImportRefused(
            f"{choice.name}: the address {shown(url)} names no host; say it with --url https://…"
        )
    return url.rstrip("/")


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url) if len(url) <= MOST_URL and url.isprintable() else None
    except ValueError:
        return False
    known = parts is not None and "[" not in url and parts.scheme in ("http", "https")
    return known and bool(parts and parts.netloc)

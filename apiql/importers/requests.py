"""One request that somebody made (in a collection, on a command line, in a recording) -> an
operation. What shows who made it is never kept: not its value, only how it is sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from apiql.importers.documents import NoJson, checked, once, shown
from apiql.importers.imported import (
    FORM,
    JSON,
    METHODS,
    MOST_PARAMETERS,
    MOST_URL,
    Body,
    ImportRefused,
    Operation,
    Parameter,
    Scheme,
    Tell,
)
from apiql.importers.naming import (
    call_name,
    is_secret,
    plain_word,
    slots_of,
    source_name,
    with_slots,
)
from apiql.importers.openapi_bodies import is_json, plain_type
from apiql.ir.request import Place

HOLE = re.compile(r"\{\{([^{}]*)\}\}")
"""A variable that only whoever made the request knows: `{{city}}`."""
_TEXT_OR_HOLE = re.compile(r'("(?:[^"\\]++|\\.)*+"?)|' + HOLE.pattern, re.DOTALL)
_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")
OF_THE_CONNECTION = frozenset(
    "host content-length connection keep-alive te trailer upgrade transfer-encoding expect "
    "accept-encoding user-agent proxy-connection".split()
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was made; `fields` are those of a form, None where it is no form."""

    name: str
    method: str
    url: str
    at: str
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    """Beside the query string of the URL."""
    text: str | None = field(default=None, repr=False)
    fields: tuple[tuple[str, str | None], ...] | None = None
    """A field without a text is a file."""
    content_type: str = ""
    schemes: tuple[Scheme, ...] = ()
    keeps_values: bool = True
    """Whether what was sent is sent again where a query says nothing."""


def operation_of(request: Request, tell: Tell) -> Operation | None:
    """The operation that a request calls; None where it cannot be taken."""
    found = _callable(request, tell)
    if found is None:
        return None
    method = request.method.lower()
    scheme, authority, path, query = found.groups()
    user, _, host = authority.lower().rpartition("@")
    path = HOLE.sub(lambda hole: "{" + hole_name(hole) + "}", path or "/")
    slots = slots_of(path)
    parameters, secrets = _query(query or "", request, set(slots.values()))
    headers, shown_in_headers, content_type = _headers(request, tell)
    basic = (Scheme("basic"),) if user else ()
    return Operation(
        source_name(request.name) if request.name else call_name(method, path),
        method,
        f"{scheme.lower()}://{host}",
        _encoded(with_slots(path, slots)),
        request.at,
        (*(Parameter(slot, Place.PATH, required=True) for slot in slots.values()), *parameters),
        _body(request, method, content_type, tell),
        headers,
        tuple(dict.fromkeys((*request.schemes, *basic, *shown_in_headers, *secrets))),
    )


def _callable(request: Request, tell: Tell) -> re.Match[str] | None:
    """The parts of the address, if it and the method can be called."""
    if request.url.count("&") + len(request.query) > MOST_PARAMETERS:
        tell(request.at, f"it has more than {MOST_PARAMETERS} parameters; not taken")
        return None
    known = request.method.lower() in METHODS
    found = _URL.fullmatch(request.url) if len(request.url) <= MOST_URL else None
    if known and found is not None and _is_host(found[2]):
        return found
    what = f"URL {without_secrets(request.url)}" if known else f"method {shown(request.method)}"
    tell(request.at, f"the {what} cannot be called; not taken")
    return None


def hole_name(hole: re.Match[str]) -> str:
    """What a variable is called: `city` for `{{ city }}`, `guid` for `{{$guid}}`."""
    return hole[1].strip().lstrip("$")


def _is_host(authority: str) -> bool:
    """Whether it names a host; a variable in it names none."""
    try:
        parts = urlsplit(f"//{authority}")
        return bool(parts.hostname) and parts.port != 0 and "{" not in authority
    except ValueError:
        return False


def without_secrets(url: str) -> str:
    """An address without what may be secret in it."""
    return shown(re.sub(r"//[^/]*@", "//", url.partition("?")[0][:MOST_URL]))


def _encoded(path: str) -> str:
    return re.sub(r"/{2,}", "/", quote(path, safe="/%:@!$&'()*+,=~-._{}"))


def _query(query: str, request: Request, taken: set[str]) -> tuple[list[Parameter], list[Scheme]]:
    """Parameters of the query string; a name that stands several times takes a list."""
    values: dict[str, list[str]] = {}
    for name, value in (*parse_qsl(query, keep_blank_values=True), *request.query):
        if name:
            values.setdefault(name, []).append(value)
    parameters, secrets = [], []
    for name, given in values.items():
        if is_secret(name):
            secrets.append(Scheme("query", name))
            continue
        many = len(given) > 1
        known = request.keeps_values and not any(map(HOLE.search, given)) and name not in taken
        sent: Any = (given if many else given[0]) if known else None
        kind = "array" if many else "any"
        style = "repeat" if many else None
        parameters.append(Parameter(name, Place.QUERY, kind, not known, sent=sent, style=style))
    return parameters, secrets


def _headers(request: Request, tell: Tell) -> tuple[tuple[tuple[str, str], ...], list[Scheme], str]:
    """Headers that may be sent again, the schemes of those that may not, the type of the body."""
    kept: dict[str, str] = {}
    schemes: list[Scheme] = []
    content_type = request.content_type
    for name, value in request.headers:
        low = name.lower()
        if low == "content-type":
            content_type = value
        elif low == "authorization":
            schemes.append(_authorization(value))
        elif low == "cookie":
            tell(request.at, "cookies are not written; a query names them: cookies sid = $sid")
        elif not _HEADER.fullmatch(name) or low in OF_THE_CONNECTION:
            tell(request.at, f"the header {shown(name)} belongs to who calls; not taken")
        elif is_secret(name):
            schemes.append(Scheme("header", name))
        elif HOLE.search(value) or not _HEADER_TEXT.fullmatch(value):
            tell(request.at, f"the header {name} is to be said by a query: headers {name} = $value")
        else:
            kept[name] = value
    return tuple(kept.items()), schemes, content_type


def _authorization(value: str) -> Scheme:
    way = value.partition(" ")[0].lower()
    if way == "basic":
        return Scheme("basic")
    return Scheme("bearer") if way == "bearer" else Scheme("header", "Authorization")


def _body(request: Request, method: str, content_type: str, tell: Tell) -> Body | None:
    kind = plain_type(content_type)
    if request.text is None and request.fields is None:
        return None
    if method in ("get", "head"):
        tell(request.at, f"a body of a {method} is not sent; not taken")
        return None
    if request.fields is not None:
        return Body(kind or FORM, tuple(_form(request.fields, request.keeps_values)))
    text = request.text or ""
    if kind == FORM:
        return Body(
            FORM, tuple(_form(parse_qsl(text, keep_blank_values=True), request.keeps_values))
        )
    found = _json(text) if is_json(kind) or not kind else None
    if isinstance(found, dict) and found:
        return Body(kind or JSON, tuple(_members(found, request.keeps_values)))
    return Body(kind or (JSON if found is not None else "text/plain"), whole=True)


def _form(fields: Any, keeps_values: bool) -> list[Parameter]:
    found: dict[str, Parameter] = {}
    for name, value in fields:
        if name:
            kind = "object" if value is None else "any"
            known = keeps_values and value is not None and not HOLE.search(value)
            sent = value if known and not is_secret(name) else None
            found[name] = Parameter(name, Place.FORM, kind, True, sent=sent)
    return list(found.values())


def _json(text: str) -> Any:
    """What a body says; variables that stand alone in it are texts. None: it is no JSON."""
    for written in (text, _TEXT_OR_HOLE.sub(lambda found: found[1] or f'"{found[0]}"', text)):
        try:
            found = json.loads(written, object_pairs_hook=once)
            return checked({"": found}, "body")[""]
        except (ValueError, RecursionError, NoJson, ImportRefused):
            continue
    return None


def _members(found: dict[str, Any], keeps_values: bool) -> list[Parameter]:
    """The members of a body: those that are secret, or hold variables, are to be given."""
    members = []
    for name, value in found.items():
        known = keeps_values and not is_secret(name) and not _has_holes(value)
        members.append(
            Parameter(name, Place.MEMBER, _kind(value), True, sent=value if known else None)
        )
    return members


def _has_holes(value: Any) -> bool:
    """Whether a variable or a secret is anywhere in it."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        return any(is_secret(name) or _has_holes(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_has_holes, value))


def _kind(value: Any) -> str:
    if isinstance(value, str) and HOLE.fullmatch(value):
        return "any"
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
    return kinds.get(type(value), "object" if isinstance(value, dict) else "any")


def title_of(url: str) -> str:
    """The host of an address, as a title."""
    return plain_word(unquote(urlsplit(url).hostname or ""), "imported")

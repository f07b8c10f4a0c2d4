"""Operations -> V2 httpapi definitions: a file each, and one of private values to fill in for what
shows who calls. What such a definition cannot say is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from apiql.importers.documents import shown
from apiql.importers.imported import FORM, Operation, Parameter, Scheme, Tell
from apiql.importers.naming import plain_word
from apiql.importers.openapi_bodies import is_json
from apiql.ir.request import Place

TO_FILL_IN = "fill in"
METHODS = ("get", "post")
"""Those that a definition knows; it sends a body with post alone."""
_SLOT = re.compile(r"\{([^{}]*)\}")
_FROM = {Place.QUERY: "query", Place.HEADER: "header"}


def definition(operation: Operation, private: str, tell: Tell) -> dict[str, Any] | None:
    """The definition of an operation; None where there is none."""
    if operation.method not in METHODS:
        why = f"definitions know get and post, not {operation.method}; not taken"
        tell(operation.at, why)
        return None
    if "{{" in operation.path or "}}" in operation.path:
        tell(operation.at, "{{ or }} in a path would be a template of a definition; not taken")
        return None
    args = [*_parameters(operation, tell), *_credentials(operation, tell)]
    kind = "none"
    if operation.body is not None:
        found = _body(operation, tell)
        if found is None:
            return None
        kind, more = found
        args += more
    told = {"description": operation.summary} if operation.summary else {}
    named = {"private": private} if any(_is_private(arg) for arg in args) else {}
    return {
        "id": operation.name, **told, **_url(operation), "method": operation.method.upper(),
        **named, "requestContentType": kind, "args": args,
    }  # fmt: skip


def _url(operation: Operation) -> dict[str, Any]:
    """Fixed, or a template that takes its values from the body and encodes them."""
    if not operation.at_place(Place.PATH):
        return {"url": operation.url + operation.path}
    path = _SLOT.sub(r"{{urlquery .origin.\1}}", operation.path)
    return {"dynamicUrl": {"from": "template", "content": operation.url + path}}


def _parameters(operation: Operation, tell: Tell) -> Iterator[dict[str, Any]]:
    for each in operation.parameters:
        if each.place in _FROM:
            if isinstance(each.sent, list):
                tell(operation.at, f"definitions send no lists: {shown(each.name)} is to be given")
            yield _arg(_FROM[each.place], each.name, _value(each, _FROM[each.place]))
        elif each.place is Place.COOKIE:
            tell(operation.at, f"definitions send no cookies: {shown(each.name)} is not taken")
    for name, text in operation.headers:
        yield _arg("header", name, {"from": "literal", "content": text})


def _value(parameter: Parameter, origin: str) -> dict[str, Any]:
    if isinstance(parameter.sent, str | int | float):
        return {"from": "literal", "content": _text(parameter.sent)}
    return {"from": origin, "content": parameter.name}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _arg(place: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"in": place, "name": name, "value": value}


def _is_private(arg: dict[str, Any]) -> bool:
    return bool(arg["value"]["from"] == "private")


def _credentials(operation: Operation, tell: Tell) -> Iterator[dict[str, Any]]:
    for scheme in operation.schemes:
        if scheme.kind == "oauth2":
            where = shown(scheme.token_url)
            tell(operation.at, f"a token is fetched from {where}: make a flow that does it first")
        place = "query" if scheme.kind == "query" else "header"
        name = scheme.param or "Authorization"
        yield _arg(place, name, {"from": "private", "content": private_name(scheme)})


def private_name(scheme: Scheme) -> str:
    """What the private value is called: the whole header where it is one."""
    return plain_word(scheme.param or "authorization", "key").lower()


def privates(operations: list[Operation]) -> dict[str, Any]:
    """The file of private values, with nothing in them but what to fill in."""
    schemes = dict.fromkeys(scheme for each in operations for scheme in each.schemes)
    names = dict.fromkeys(private_name(scheme) for scheme in schemes)
    ways = {private_name(scheme): scheme.kind for scheme in schemes}
    told = {"basic": "Basic <base64 of user:password>", "bearer": "Bearer <token>",
            "oauth2": "Bearer <token>"}  # fmt: skip
    return {
        "privates": [{"name": name, "value": told.get(ways[name], TO_FILL_IN)} for name in names]
    }


def _body(operation: Operation, tell: Tell) -> tuple[str, list[dict[str, Any]]] | None:
    body = operation.body
    assert body is not None
    if is_json(body.content_type):
        return _json_body(operation, tell)
    if body.content_type == FORM and not body.whole:
        fields = [_arg("body", each.name, _value(each, "origin")) for each in body.parameters]
        return "form", fields
    tell(operation.at, f"definitions send no {shown(body.content_type)}; not taken")
    return None


def _json_body(operation: Operation, tell: Tell) -> tuple[str, list[dict[str, Any]]]:
    """As the caller sends it; where values are known, as a template with them."""
    body = operation.body
    assert body is not None
    if body.whole or not any(each.sent is not None for each in body.parameters):
        if operation.at_place(Place.PATH):
            tell(operation.at, "the body is sent as it comes, with the values of the path in it")
        return "origin", []
    members = {
        _meant(each.name): _meant(each.sent)
        if each.sent is not None
        else f"{{{{.origin.{plain_word(each.name)}}}}}"
        for each in body.parameters
    }
    return "json", [_arg("body", "body", {"from": "json", "json": members})]


def _meant(value: Any) -> Any:
    """A value as a template writes it: braces in it are no actions, a description gives no code."""
    if isinstance(value, str):
        return value.replace("{{", "{{`{{`}}")
    if isinstance(value, list):
        return [_meant(each) for each in value]
    if isinstance(value, dict):
        return {_meant(name): _meant(each) for name, each in value.items()}
    return value


def text_of(document: dict[str, Any]) -> str:
    """A definition as a file holds it."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"

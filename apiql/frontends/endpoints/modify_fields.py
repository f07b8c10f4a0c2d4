"""Changes of header fields, query parameters and path parameters: message in, message out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from apiql.frontends.endpoints.json_value import decoded, text_of
from apiql.frontends.endpoints.message import Fields, Message
from apiql.frontends.endpoints.modifier import Action

PARAM_NAME = re.compile(r"[\w-]+")


def with_header(message: Message, action: Action, key: str, text: str) -> Message:
    """The message with a change of a header field."""
    return replace(message, headers=_changed(message.headers, action, key, text))


def with_query(message: Message, action: Action, key: str, text: str) -> Message:
    """The message with a change of a query parameter."""
    return replace(message, query=_changed(message.query, action, key, text))


def values_of(text: str) -> tuple[str, ...]:
    """The values that a text says: those of a list of JSON, else itself."""
    found = decoded(text) if text.startswith("[") else None
    return tuple(map(text_of, found)) if isinstance(found, list) else (text,)


def _changed(fields: Fields, action: Action, key: str, text: str) -> Fields:
    there = fields.get(key)
    if there is None and action not in (Action.ADD, Action.SET):
        return fields
    match action:
        case Action.ADD | Action.APD:
            return {**fields, key: (*(there or ()), *values_of(text))}
        case Action.SET | Action.RPL:
            return {**fields, key: values_of(text)}
        case Action.REN:
            return {**{k: v for k, v in fields.items() if k != key}, text: there or ()}
        case Action.DEL:
            return {k: v for k, v in fields.items() if k != key}


def with_param(message: Message, action: Action, key: str, text: str) -> Message:
    """The message with a change of a path parameter, and of the path where that has no place for it
    any more, or not yet. A new name that is none, as a caller may give one with a slash, changes
    nothing: the parameter keeps its place, and no name makes another path.
    """
    params, path = message.params, message.path
    if action is Action.SET:
        place = path if has_place(path, key) else f"{path.rstrip('/')}/:{key}"
        return replace(message, params={**params, key: text}, path=place)
    if key not in params:
        return message
    match action:
        case Action.RPL:
            return replace(message, params={**params, key: text})
        case Action.REN if PARAM_NAME.fullmatch(text):
            return replace(
                message, params=_renamed(params, key, text), path=_place(path, key, text)
            )
        case Action.DEL:
            left = {name: value for name, value in params.items() if name != key}
            return replace(message, params=left, path=_place(path, key, None))
        case _:
            return message


def has_place(path: str, key: str) -> bool:
    """Whether `:key` stands in a path: `:id` does not stand in `/:idx`."""
    return f":{key}" in path.split("/")


def places_of(path: str) -> tuple[str, ...]:
    """The parameters in a path."""
    return tuple(part[1:] for part in path.split("/") if part.startswith(":"))


def _renamed(params: Mapping[str, str], key: str, new: str) -> dict[str, str]:
    return {**{k: v for k, v in params.items() if k != key}, new: params[key]}


def _place(path: str, key: str, new: str | None) -> str:
    """The path with another name at a place, or without it."""
    place, parts = f":{key}", path.split("/")
    if new is None:
        return "/".join(part for part in parts if part != place) or "/"
    return "/".join(f":{new}" if part == place else part for part in parts)

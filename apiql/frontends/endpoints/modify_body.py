"""Changes of bodies, JSON by paths and texts by what stands in them: body in, body out."""

from __future__ import annotations

from apiql.frontends.endpoints.json_edit import put, without
from apiql.frontends.endpoints.json_find import finder
from apiql.frontends.endpoints.json_path import NoPath, Path, path_of
from apiql.frontends.endpoints.json_value import MISSING, MOST_LETTERS, Json, TooDeep
from apiql.frontends.endpoints.message import Body, Kind
from apiql.frontends.endpoints.modifier import Action, Modifier
from apiql.frontends.endpoints.retype import retyped


def with_change(body: Body | None, modifier: Modifier, text: str) -> Body | None:
    """The body with a change; none at all, and bodies of other kinds, stay as they are."""
    if body is None:
        return None
    match body.kind:
        case Kind.JSON:
            value = _json(body.value, modifier, text)
            return body if value is body.value else body.with_value(value)
        case Kind.TEXT:
            written = _text(body.text, modifier.action, modifier.key, text)
            return body if written == body.text else body.with_text(written)
        case Kind.OTHER:
            return body


def _json(value: Json, modifier: Modifier, text: str) -> Json:
    path = modifier.path
    if path is None:
        return value
    match modifier.action:
        case Action.ADD:
            return added(value, path, retyped(text))
        case Action.SET:
            return put(value, path, retyped(text))
        case Action.DEL:
            return without(value, path)
        case _:
            return _if_there(value, path, modifier, text)


def _if_there(value: Json, path: Path, modifier: Modifier, text: str) -> Json:
    """APD, RPL and REN do nothing where nothing stands."""
    there = finder(path)(value)
    if there is MISSING:
        return value
    match modifier.action:
        case Action.APD:
            return put(value, path, [there, retyped(text)])
        case Action.REN:
            return _renamed(value, path, modifier.renamed or _path(text), there)
        case _:
            return put(value, path, retyped(text))


def added(value: Json, path: Path, new: Json) -> Json:
    """The value with another one: what stands there and it become a list of two."""
    there = finder(path)(value)
    return put(value, path, new if there is MISSING else [there, new])


def _renamed(value: Json, path: Path, new: Path | None, there: Json) -> Json:
    if new is None or not path.is_simple:
        return value
    return put(without(value, path), new, there)


def _path(text: str) -> Path | None:
    try:
        return path_of(text)
    except NoPath:
        return None


def _text(text: str, action: Action, key: str, new: str) -> str:
    match action:
        case Action.ADD:
            return text + new
        case Action.APD:
            return text + new if text else text
        case Action.SET:
            return new
        case Action.DEL:
            return text.replace(key, "") if key else text
        case Action.RPL | Action.REN:
            return _replaced(text, key, new) if key else text


def _replaced(text: str, key: str, new: str) -> str:
    """Each of few letters may become many, which a caller gives."""
    if len(text) + text.count(key) * (len(new) - len(key)) > MOST_LETTERS:
        raise TooDeep(f"a body of text would be longer than {MOST_LETTERS} letters")
    return text.replace(key, new)

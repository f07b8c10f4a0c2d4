"""An httpapi of the second generation -> what its call is made of: URL, headers and body of a
request, composed as the original composes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeAlias

from msgspec.structs import replace as renewed

from apiql.errors import ValueRefused
from apiql.frontends.definitions.lower.sent import encoder, header_text, url_writer
from apiql.frontends.definitions.lower.v2_state import refused
from apiql.frontends.definitions.lower.v2_values import (
    Read,
    Seen,
    Sources,
    fixed_text,
    reader,
    text_reader,
)
from apiql.frontends.definitions.v2.httpapi import HttpApi
from apiql.gotemplate import Kind
from apiql.gotemplate.quoting import json_text
from apiql.gotemplate.values import seen as viewed

Values: TypeAlias = list[str]
"""The arguments of an httpapi as they were found, in their order."""
Made: TypeAlias = dict[str, Any]
"""`url` of a call, and `headers` and `body` of one that can have them."""
UrlOf: TypeAlias = Callable[[Seen, Values], str]
Places: TypeAlias = dict[str, int]
"""Names, and the number of the argument that is their value."""
Pairs: TypeAlias = list[tuple[str, str | int]]
"""The same, with the values themselves where they are written down."""

_MEDIA: Mapping[str, str] = {
    "json": "application/json", "form": "application/x-www-form-urlencoded",
}  # fmt: skip
OCTETS = "application/octet-stream"
"""What the original says of a POST that says nothing."""
CONTENT_TYPE = "content-type"


class Given(NamedTuple):
    """The arguments in their order, and which ones go to a place: of a name that stands twice there
    the last one counts.
    """

    all: tuple[tuple[str, Read], ...]
    query: Places
    headers: Places
    bodies: Places


def compose(api: HttpApi, sources: Sources) -> Callable[[Seen], Made]:
    """How the request of an httpapi is made of the heap."""
    given = _given(api, sources)
    url, headers, body = _url(api, sources, given), _headers(api, given), _body(api, given)
    listed, is_bare = given.all, not has_headers(api) and not has_body(api)

    def made(seen: Seen) -> Made:
        values: Values = []
        if listed:
            found: dict[str, str] = {}
            seen = renewed(seen, heap={**seen.heap, "vars": found})
            for name, read in listed:
                found[name] = value = read(seen)
                values.append(value)
        if is_bare:
            return {"url": url(seen, values)}
        text = body(seen, values)
        return {"url": url(seen, values), "headers": headers(seen, values), "body": text}

    return made


def _given(api: HttpApi, sources: Sources) -> Given:
    read = tuple((a.name, text_reader(a.value, sources)) for a in api.args)
    return Given(read, *(_places(api, place) for place in ("query", "header", "body")))


def _places(api: HttpApi, place: str) -> Places:
    return {a.name: number for number, a in enumerate(api.args) if a.place == place}


def _pairs(api: HttpApi, places: Places) -> Pairs:
    texts = [a.value.content if a.value.kind == "literal" else None for a in api.args]
    return [(n, at if (text := texts[at]) is None else text) for n, at in places.items()]


def has_body(api: HttpApi) -> bool:
    """Whether its call can have a body."""
    return api.method.upper() == "POST" and api.request_content_type not in ("none", "")


def has_headers(api: HttpApi) -> bool:
    """Whether its call can have headers of its own."""
    is_plain = api.request_content_type in ("none", "") and api.method.upper() != "POST"
    return not is_plain or any(argument.place == "header" for argument in api.args)


def fixed_url(api: HttpApi) -> str | None:
    """The whole URL where no run changes it."""
    has_query = any(argument.place == "query" for argument in api.args)
    if has_query or not api.url:
        return None
    try:
        return url_writer(api.url, None)()
    except ValueRefused:
        return api.url  # refused when it is called


def known_url(api: HttpApi) -> str | None:
    """The URL that the definition itself says, without what a run adds."""
    return api.url or fixed_text(api.dynamic_url)


# -- URL ------------------------------------------------------------------------------------------


def _url(api: HttpApi, sources: Sources, given: Given) -> UrlOf:
    pairs = _pairs(api, given.query) or None
    if api.url:
        try:
            written = url_writer(api.url, pairs)
        except ValueRefused as refusal:
            return _refusing(refusal.message)
        return lambda seen, values: written(*values)
    assert api.dynamic_url is not None, "what has no URL is refused when it is read"
    dynamic = reader(api.dynamic_url, sources)

    def made(seen: Seen, values: Values) -> str:
        url = dynamic(seen)
        if not isinstance(url, str):
            raise refused("dynamicUrl gives no text")
        return url_writer(url, pairs)(*values)

    return made


def _refusing(message: str) -> UrlOf:
    def refuse(seen: Seen, values: Values) -> NoReturn:
        raise refused(message)

    return refuse


# -- headers and body -----------------------------------------------------------------------------


def _headers(api: HttpApi, given: Given) -> Callable[[Seen, Values], list[tuple[str, str]]]:
    names = {name.lower(): (name, number) for name, number in given.headers.items()}
    own = names.pop(CONTENT_TYPE, None)
    is_post, kind = api.method.upper() == "POST", api.request_content_type
    fixed = None if kind in ("none", "origin", "") else _MEDIA.get(kind, kind)

    def made(seen: Seen, values: Values) -> list[tuple[str, str]]:
        listed = [(name, header_text(values[number])) for name, number in names.values()]
        media = fixed
        if own is not None:
            media = header_text(values[own[1]])
        elif kind == "origin":
            media = seen.headers.get(CONTENT_TYPE) or None
        if media is None and is_post:
            media = OCTETS
        if media is not None:
            listed.append(("Content-Type", media))
        return listed

    return made


def _body(api: HttpApi, given: Given) -> Callable[[Seen, Values], str | None]:
    kind = api.request_content_type if api.method.upper() == "POST" else "none"
    bodies = given.bodies
    match kind:
        case "form":
            form = encoder(_pairs(api, bodies), order=False)
            return lambda seen, values: form(*values)
        case "origin":
            return lambda seen, _: json_text(viewed(seen.heap.get("origin"), Kind.NUMBER))
        case other if other in ("none", "") or not bodies:
            return lambda seen, values: None
        case _:
            first = next(n for n, a in enumerate(api.args) if a.place == "body")
            return lambda seen, values: values[first]

"""An api of either generation -> a select and the source that it is of."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from apiql.documents.shape import Shape
from apiql.frontends.definitions.convert.conversion import Conversion, Origin, Place, Select
from apiql.frontends.definitions.convert.given import of_source
from apiql.frontends.definitions.convert.scope import Scope
from apiql.frontends.definitions.convert.templates import of_json
from apiql.frontends.definitions.convert.values import (
    Elements,
    Fixed,
    Hidden,
    Nothing,
    Result,
    Value,
    as_text,
    as_word,
    bare,
    is_plain,
)
from apiql.frontends.definitions.document import Document
from apiql.frontends.definitions.kinds import Kind
from apiql.frontends.definitions.v1.api import Api, Parameter
from apiql.frontends.definitions.v1.api import Cache as V1Cache
from apiql.frontends.definitions.v1.source import CacheSource
from apiql.frontends.definitions.v2.httpapi import HttpApi, Sent
from apiql.json_nodes import quoted

TYPES = {"json": "application/json", "form": "", "none": "", "": ""}
_JSON = ("JsonTemplate", "json", "jsonRaw")


@dataclass(slots=True)
class _Parts:
    """What a call is put together of."""

    query: dict[str, Value] = field(default_factory=dict)
    headers: dict[str, Value] = field(default_factory=dict)
    form: dict[str, Value] = field(default_factory=dict)
    body: Value | None = None
    hidden_query: dict[str, str] = field(default_factory=dict)
    hidden_headers: dict[str, str] = field(default_factory=dict)
    expires: str = ""


def called(conversion: Conversion, name: str, scope: Scope, key: str, place: Place) -> Value:
    """The value of what an api answers, after the select for it is taken."""
    document = conversion.definitions.documents[Kind.API].get(name)
    if document is None:
        return conversion.gap(place, f"there is no api {quoted(name)}")
    model, here = document.model, Place(document)
    assert isinstance(model, Api | HttpApi)
    inner = scope.calling(scope.private or model.private)
    if not model.url:
        return conversion.gap(here / "dynamicUrl", "an address that is made for each request")
    made = _parts(conversion, model, inner, here)
    _type(model, made)
    _keep(conversion, model, made, here)
    select = _select(conversion, document, model.url, made, key or name)
    if isinstance(select, Nothing):
        return select
    conversion.add(select)
    _unlike(conversion, model, here)
    return _answer(conversion, model, Result(select.name), inner, here)


def _select(
    conversion: Conversion, document: Document[Shape], url: str, made: _Parts, key: str
) -> Select | Nothing:
    address, model = _address(url), document.model
    if address is None:
        return conversion.gap(Place(document) / "url", "no address that a source can have")
    fixed = parse_qsl(address.query, keep_blank_values=True)
    query = {name: Fixed(text) for name, text in fixed} | made.query
    assert isinstance(model, Api | HttpApi)
    origin = Origin(
        _upstream(address.netloc), f"{address.scheme}://{address.netloc}",
        (model.method or "get").lower(), address.path or "/", made.hidden_query,
        made.hidden_headers, made.expires,
    )  # fmt: skip
    source = conversion.source(as_word(document.origin.name.lstrip("_")), origin)
    name = conversion.name(key)
    return Select(name, source, query, made.headers, made.form, made.body, conversion.before)


def _address(url: str) -> SplitResult | None:
    """The parts of an address; none where it names no host, a user, or cannot be read."""
    try:
        found = urlsplit(url)
        named = bool(found.hostname) and found.port != 0 and "@" not in found.netloc
    except ValueError:
        return None
    return found if named and "{" not in url else None


def _parts(conversion: Conversion, model: Api | HttpApi, scope: Scope, here: Place) -> _Parts:
    made = _Parts()
    is_v1 = isinstance(model, Api)
    listed: tuple[Parameter | Sent, ...] = (
        model.parameters if isinstance(model, Api) else model.args
    )
    for at, given in enumerate(listed):
        place = here / ("parameters" if is_v1 else "args") / at
        value, place = _given(conversion, given, scope, place)
        scope.sent[given.name] = value
        _put(conversion, model, made, given, value, place)
    return made


def _given(
    conversion: Conversion, given: Parameter | Sent, scope: Scope, place: Place
) -> tuple[Value, Place]:
    if isinstance(given, Sent):
        return of_source(conversion, given.value, scope, place / "value"), place / "value"
    if given.value or given.source is None:
        return Fixed(given.value), place / "value"
    return of_source(conversion, given.source, scope, place / "from"), place / "from"


def _put(
    conversion: Conversion, model: Api | HttpApi, made: _Parts, given: Parameter | Sent,
    value: Value, place: Place,
) -> None:  # fmt: skip
    match given.place, value:
        case "query", Hidden(name):
            made.hidden_query[given.name] = name
        case "header", Hidden(name):
            made.hidden_headers[given.name] = name
        case "query", _:
            made.query[given.name] = bare(conversion.usable(value, place))
        case "header", _:
            made.headers[given.name] = bare(conversion.usable(value, place))
        case "body", _ if model.method == "POST":
            _put_body(conversion, model, made, given, conversion.usable(value, place))
        case _:
            pass


def _put_body(
    conversion: Conversion, model: Api | HttpApi, made: _Parts, given: Parameter | Sent,
    value: Value,
) -> None:  # fmt: skip
    kind = model.request_content_type
    if kind == "form":
        _put_field(made, given, bare(value))
    elif kind not in ("", "none", "origin") and made.body is None:
        source = given.value if isinstance(given, Sent) else given.source
        is_json = getattr(source, "kind", "") in _JSON
        made.body = value if is_json else as_text(value)


def _put_field(made: _Parts, given: Parameter | Sent, value: Value) -> None:
    """The first generation sends a field that stands twice twice, the second the last."""
    before = made.form.get(given.name)
    if before is None or isinstance(given, Sent):
        made.form[given.name] = value
    else:
        earlier = before.elements if isinstance(before, Elements) else (before,)
        made.form[given.name] = Elements((*earlier, value))


def _type(model: Api | HttpApi, made: _Parts) -> None:
    """The Content-Type, where the clauses of a call do not say it by themselves."""
    kind = model.request_content_type
    media = TYPES.get(kind, kind)
    by_itself = kind == "json" and made.body is not None and not _is_text(made.body)
    if media and kind != "origin" and not by_itself:
        made.headers.setdefault("Content-Type", Fixed(media))


def _keep(conversion: Conversion, model: Api | HttpApi, made: _Parts, here: Place) -> None:
    """Where an answer tells how long it is kept: settings can name a member or a header."""
    if model.cache is None:
        return
    place, told = here / "cache", model.cache
    source = told.source if isinstance(told, V1Cache) else told.expire
    name = source.name if isinstance(source, CacheSource) else source.content
    if told.format.lower() != "second":
        conversion.gap(place / "format", "the end of a kept answer in a layout of its own")
    elif source.kind == "header" and not name.lower().startswith("set-cookie."):
        made.expires = f"header.{name}"
    else:
        whole = Result("result")
        scope = Scope(place.document.origin.generation, {whole.name: whole})
        match bare(of_source(conversion, source, scope, place)):
            case Result("result", (_, *_) as path) if all(is_plain(str(step)) for step in path):
                made.expires = f"body.{'.'.join(map(str, path))}"
            case _:
                conversion.gap(place, "the end of a kept answer that is no member or header of it")


def _is_text(value: Value) -> bool:
    return as_text(value) == value


def _unlike(conversion: Conversion, model: Api | HttpApi, here: Place) -> None:
    """What of the model no text has."""
    if model.request_content_type == "origin":
        conversion.gap(here / "requestContentType", "the body of the request, passed on as it came")
    if isinstance(model, Api) and model.resp_status is not None:
        conversion.gap(here / "respStatus", "a mark of success that stands in the answer")


def _answer(
    conversion: Conversion, model: Api | HttpApi, result: Result, scope: Scope, here: Place
) -> Value:
    if not isinstance(model, Api) or model.response is None or model.response.data is None:
        return result
    inner = Scope(scope.generation, data=result)
    return of_json(conversion, model.response.data, inner, here / "response" / "json")


def _upstream(authority: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in authority.rpartition("@")[2])

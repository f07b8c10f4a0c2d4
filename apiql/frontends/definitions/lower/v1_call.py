"""An api of the first generation -> the call that it is, and what its answer is turned into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from apiql.errors import ValueRefused
from apiql.frontends.definitions.lower import sent
from apiql.frontends.definitions.lower.caching import cache_rule, cookie_attribute, seconds_left
from apiql.frontends.definitions.lower.lowered import HEADERS
from apiql.frontends.definitions.lower.v1_sources import (
    PANIC,
    STATE,
    Sight,
    json_or_text,
    panic,
    shown,
    source_value,
)
from apiql.frontends.definitions.places import beginning, places_in
from apiql.frontends.definitions.v1.api import Api, Cache, ExpectedStatus, Parameter
from apiql.gotemplate import Data, Kind, TemplateRefused
from apiql.gotemplate.json_template import JsonTemplate, compile_json
from apiql.ir.values import (
    Invoke,
    Literal,
    LocalRoot,
    ParamRoot,
    Part,
    Ref,
    ReplyRoot,
    Value,
)
from apiql.ir.works import Accepts, Media, Send

TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
REPLY = Ref(ReplyRoot())
_CONTENT_TYPE = Invoke(
    "content-type", lambda _, headers: None if headers is None else headers.get("content-type"),
    (Ref(ParamRoot(HEADERS), optional=True),),
)  # fmt: skip
Let = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call: local values, the work, what its answer is made, whether there were variables."""

    let: Let
    work: Send
    value: Value
    has_vars: bool
    numbers: Kind


@dataclass(slots=True)
class _Request:
    """A request while it is put together: its local values, the variables by their names, what goes
    where.
    """

    let: list[tuple[str, Value]] = field(default_factory=list)
    vars: dict[str, Value] = field(default_factory=dict)
    found: dict[str, list[tuple[str, Value]]] = field(default_factory=dict)

    def add(self, parameter: Parameter, value: Value) -> None:
        """A parameter; fixed ones stand where they are needed."""
        if not isinstance(value, Literal):
            value = self.local(f"vars.{parameter.name}", value)
        self.vars = {**self.vars, parameter.name: value}
        self.found.setdefault(parameter.place, []).append((parameter.name, value))

    def local(self, name: str, value: Value) -> Value:
        """As a local value: what it lacks ends the plan."""
        found, number = name, 2
        while any(found == taken for taken, _ in self.let):
            found, number = f"{name} {number}", number + 1
        self.let.append((found, value))
        return Ref(LocalRoot(found))


def api_call(api: Api, name: str, sight: Sight) -> ApiCall:
    """The call of an api whose task has its state as the local value `state`."""
    request = _Request()
    if sight.keys.name and not sight.keys.there:
        request.let.append(("private", panic(f"there is no private file {sight.keys.name}")))
    for parameter in api.parameters:
        within = replace(sight, vars=request.vars)
        request.add(parameter, given_value(parameter, within))
    sight = replace(sight, vars=request.vars if api.parameters else None)
    url, headers, body = _url(api, request, sight), _headers(api, request), _body(api, request)
    send = Send(
        (api.method or "GET").lower(), name, url, headers, body, sight.home,
        sight.ground.pinned, _trusted(api, sight), sight.ground.permits, Accepts.ANY, Media.JSON,
        cache=cache_rule(
            sight.ground, name, api.cache.scope if api.cache else "", sight.keys.name
        ),
        expires=None if api.cache is None else _expires(api, api.cache, sight),
        shown=api.url or (shown(api.dynamic_url.name) if api.dynamic_url else ""),
    )  # fmt: skip
    value = _answered(api, replace(sight, answered=True))
    numbers = Kind.FLOAT if api.response and api.response.data is not None else Kind.NUMBER
    return ApiCall(tuple(request.let), send, value, bool(api.parameters), numbers)


def given_value(given: Any, sight: Sight) -> Value:
    """A fixed value, or that of a source; nothing where neither is said."""
    if given.value:
        return Literal(given.value)
    return Literal("") if given.source is None else source_value(given.source, sight)


def _url(api: Api, request: _Request, sight: Sight) -> Value:
    pairs, values = _numbered(request.found.get("query", ()))
    sorted_in = pairs if api.parameters else None
    if api.url:
        try:
            written = sent.url_writer(api.url, sorted_in)
        except ValueRefused as refused:
            return request.local("url", panic(refused.message, refused.hint))
        if not values:
            return Literal(written())
        return Invoke("url", lambda _, *texts: written(*texts), values)
    if api.dynamic_url is None:
        return request.local("url", panic("there is no URL"))
    base = source_value(api.dynamic_url, sight)
    made = Invoke("url", lambda _, url, *t: sent.url_writer(url, sorted_in)(*t), (base, *values))
    return request.local("url", made)


def _trusted(api: Api, sight: Sight) -> frozenset[str] | None:
    """The places that may see what is private, where requests say which one is called."""
    sources = [parameter.source for parameter in api.parameters if not parameter.value]
    is_private = any(source is not None and source.kind == "private" for source in sources)
    if api.url or api.dynamic_url is None or not is_private:
        return None
    return places_in((beginning(api.dynamic_url.name), *sight.keys.values.values()))


def _numbered(found: Any, first: int = 0) -> tuple[list[sent.Pair], tuple[Value, ...]]:
    """Pairs for a writer, with the values that it is given."""
    pairs: list[sent.Pair] = []
    values: list[Value] = []
    for name, value in found:
        if isinstance(value, Literal) and isinstance(value.value, str):
            pairs.append((name, value.value))
        else:
            pairs.append((name, first + len(values)))
            values.append(value)
    return pairs, tuple(values)


def _headers(api: Api, request: _Request) -> Value:
    """The content type first, so that a parameter may take its place."""
    own: list[tuple[str, Value]] = []
    kind = api.request_content_type
    if kind == "origin":
        own = [("Content-Type", _CONTENT_TYPE)]
    elif kind and kind != "none":
        own = [("Content-Type", Literal(TYPES.get(kind, kind)))]
    pairs, values = _numbered((*own, *request.found.get("header", ())))
    if not pairs:
        return Literal(None)
    written = sent.header_writer(pairs)
    return Invoke("headers", lambda _, *texts: written(*texts), values)


def _body(api: Api, request: _Request) -> Value:
    kind = api.request_content_type
    if api.method != "POST" or kind in ("", "none"):
        return Literal(None)
    if kind == "origin":
        origin = Ref(LocalRoot(STATE), ("origin",))
        return Invoke("json", lambda _, found: json_or_text(found), (origin,))
    given = request.found.get("body", [])
    if kind == "form":
        pairs, values = _numbered(given)
        written = sent.encoder(pairs)
        return Invoke("form", lambda _, *texts: written(*texts), values)
    if not given:
        return Literal(None)
    return request.local("body", Invoke("body", _not_null, (given[0][1],)))


def _not_null(_: object, text: str) -> str:
    if text == "null":
        hint = "look at what its template reads"
        raise ValueRefused("the body of the request came to null", hint, status=PANIC)
    return text


def _answered(api: Api, sight: Sight) -> Value:
    """What an answer is turned into: checked, then rewritten."""
    value: Value = REPLY
    if api.resp_status is not None:
        value = _expected(api.resp_status, sight)
    if api.response is not None and api.response.data is not None:
        value = _rewritten(api.response.data, value, sight)
    return value


def _expected(status: ExpectedStatus, sight: Sight) -> Value:
    expected = status.expected

    def checked(_: object, found: str, reply: Any) -> Any:
        if found != expected:
            message = f"the answer says {shown(found)!r} where {shown(expected)!r} is expected"
            raise ValueRefused(message)
        return reply

    return Invoke(f"expect {shown(expected)}", checked, (source_value(status.source, sight), REPLY))


def _rewritten(rules: Any, value: Value, sight: Sight) -> Value:
    try:
        template = compile_json(rules, sight.functions, sight.ground.strict)
    except TemplateRefused as refused:
        return panic(f"the template of the response does not parse: {refused}")
    return Invoke(f"json {shown(json_or_text(rules))}", _rendering(template), (value,))


def _rendering(template: JsonTemplate) -> Callable[[object, Any], Any]:
    def rendered(_: object, reply: Any) -> Any:
        found = template.render(Data(reply, Kind.NUMBER))
        if found.fault is not None:
            raise ValueRefused(f"the response came to nothing: {found.fault}")
        return found.value

    return rendered


def _expires(api: Api, cache: Cache, sight: Sight) -> Value:
    answer = _answered(api, replace(sight, answered=True))
    return seconds_left(_expiry(cache, sight), cache.format, answer)


def _expiry(cache: Cache, sight: Sight) -> Value:
    source = cache.source
    if source.kind != "header":
        return source_value(source, replace(sight, answered=True))
    name, dot, attribute = source.name.partition(".")
    if not (dot and name.lower() == "set-cookie"):
        return Ref(ReplyRoot(), (source.name.lower(),), optional=True, part=Part.HEADERS)
    cookies = Ref(ReplyRoot(), ("set-cookie",), optional=True, part=Part.HEADERS)
    return Invoke(
        f"cookie {attribute}", lambda _, text: cookie_attribute(text, attribute), (cookies,)
    )

"""A request to /query/… -> a stored query with its parameters. Nothing is run here.

In a URL every value is a text: it is what the parameter's declared type makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apiql.engine import Engine, Query
from apiql.errors import Code, RequestRefused, nearest
from apiql.ir.parameters import fits
from apiql.ir.plan import Parameter, Plan
from apiql.server.body import body_of
from apiql.server.envelope import decode_json
from apiql.server.media import JSON, media_type
from apiql.server.read import Asked, Headers, check_head, form_in, patience_in, url_pairs
from apiql.server.sight import Sight
from apiql.server.visit import Scope, Visit
from apiql.settings import Limits
from apiql.stored import StoredQuery

PREFIX = "/query/"
MOST_PAIRS = 1000
IN_JSON = (("application/json", "utf-8"), ("application/json", "utf8"))
AS_IT_IS = frozenset({"string", "any"})


async def read_stored(visit: Visit, engine: Engine) -> Asked:
    """The stored query that a request asks for, of those that are there for its caller.

    Raises:
        RequestRefused: there is none, or the request cannot be read.
    """
    return await read_named(visit.scope["path"].removeprefix(PREFIX), visit, engine)


async def read_named(path: str, visit: Visit, engine: Engine) -> Asked:
    """The stored query at a path, asked for as `read_stored` has it."""
    stored, scope, fields = _found(path, engine, visit.sight), visit.scope, visit.fields
    method, plan = scope["method"], stored.executable.plan
    allowed = ("POST",) if stored.executable.writes else ("GET", "POST")
    if method not in allowed:
        why = "this query writes: POST it" if method == "GET" else f"{method} is no way to ask"
        raise RequestRefused(Code.METHOD_NOT_ALLOWED, why, {"Allow": ", ".join(allowed)})
    raw, limits = scope["headers"], engine.settings.limits
    check_head(raw, limits.header_bytes)
    given = _in_url(scope, plan.parameters, limits)
    if method == "POST":
        given |= _posted(await body_of(visit, limits.body_bytes), fields, plan, limits)
    shown = text_shown(stored, engine)
    query = Query(shown, given, Headers(raw, fields), None, patience_in(fields))
    form, reads, executable = form_in(fields), method == "GET", stored.executable
    return Asked(query, form, False, reads, executable=executable, name=stored.name)


def text_shown(stored: StoredQuery, engine: Engine) -> str:
    """The text that refusals may show lines of: none where clients are not to see its URLs."""
    return stored.text if engine.settings.answer.details == "full" else ""


def _found(path: str, engine: Engine, sight: Sight | None) -> StoredQuery:
    """The stored query at a path; what else there is, is told only where it is described too."""
    stored = engine.stored(path)
    if stored is not None and (sight is None or sight.stored(stored)):
        return stored
    queries = engine.catalog.queries
    if sight is not None:
        sight.miss()
        queries = {path: query for path, query in queries.items() if sight.stored(query)}
    message = "there is no stored query of this name and revision"
    meant = nearest(path, queries) if engine.settings.server.docs else None
    hint = f"; did you mean {PREFIX}{meant}?" if meant else ""
    raise RequestRefused(Code.QUERY_NOT_FOUND, message + hint)


def _in_url(scope: Scope, declared: Iterable[Parameter], limits: Limits) -> dict[str, Any]:
    """Names that are not declared too, as texts: one may be nearly that of a parameter."""
    types = {parameter.name: parameter.type for parameter in declared}
    pairs = url_pairs(scope, MOST_PAIRS)
    return {name: _value(types.get(name, "any"), texts, limits) for name, texts in pairs.items()}


def _posted(
    body: bytes, fields: Mapping[bytes, bytes], plan: Plan, limits: Limits
) -> dict[str, Any]:  # fmt: skip
    found = posted_object(body, fields, limits)
    within = found.get("params")
    if isinstance(within, dict) and all(each.name != "params" for each in plan.parameters):
        names = "{" + ", ".join(f'"{name[:64]}": …' for name in [*within][:1]) + "}"
        message = f"the body is the object of parameters itself, without `params`: {names}"
        raise RequestRefused(Code.VALIDATION, message)
    return found


def _value(kind: str, texts: list[str], limits: Limits) -> Any:
    """What a type makes of the texts of a name. What does not fit stays as it is and is refused
    with all other parameters that are wrong.
    """
    if kind == "array" and (len(texts) > 1 or not texts[0].startswith("[")):
        return texts
    if len(texts) > 1:
        return texts
    text = texts[0]
    if kind in AS_IT_IS or text != text.strip():
        return text
    try:
        value = decode_json(text.encode(), limits)
    except RequestRefused as refused:
        if refused.code is Code.LIMIT_EXCEEDED:
            raise
        return text
    return value if fits(kind, value) else text


def posted_object(body: bytes, fields: Mapping[bytes, bytes], limits: Limits) -> dict[str, Any]:
    """The object in a body; there need not be one."""
    if not body:
        return {}
    content_type = fields.get(b"content-type", b"")
    if content_type != JSON and media_type(content_type) not in IN_JSON:
        message = "send the parameters as application/json, in UTF-8"
        raise RequestRefused(
            Code.UNSUPPORTED_MEDIA_TYPE, message, {"Accept-Post": "application/json"}
        )
    found = decode_json(body, limits)
    if not isinstance(found, dict):
        raise RequestRefused(Code.VALIDATION, 'expected an object of parameters: {"id": 7}')
    return found

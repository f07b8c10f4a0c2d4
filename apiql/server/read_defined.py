"""A request to /httpapi/…, /flow/… or /schedule/… -> a definition and its inputs; runs nothing.

Any method asks for one; its body is JSON whatever its Content-Type says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from apiql.defined import Defined
from apiql.engine import Engine, Query
from apiql.errors import Code, RequestRefused, nearest
from apiql.ir.reach import Kind
from apiql.server.body import body_of
from apiql.server.client_address import client_address
from apiql.server.envelope import decode_json
from apiql.server.read import Asked, Headers, check_head, form_in, patience_in, url_pairs
from apiql.server.sight import Sight
from apiql.server.visit import Scope, Visit

PREFIXES: Mapping[str, Kind] = {
    "/api/": Kind.HTTPAPI, "/httpapi/": Kind.HTTPAPI, "/flow/": Kind.FLOW,
    "/schedule/": Kind.SCHEDULE,
}  # fmt: skip
GLUED = ("/flow", "/schedule")
"""Before the name of a bucket in the paths of old: `/flowacme/weather` is `/flow/acme/weather`."""
MOST_PAIRS = 1000
READS = frozenset({"GET", "HEAD"})


def read_defined(visit: Visit, engine: Engine) -> Awaitable[Asked]:
    """The definition that a request asks for, of those that are there for its caller.

    Raises:
        RequestRefused: there is none, it is broken, or the request cannot be read.
    """
    return read_at(visit.scope["path"], visit, engine)


async def read_glued(visit: Visit, engine: Engine) -> Asked:
    """The same at a path of old, whose first folder ends with the name of a bucket."""
    path: str = visit.scope["path"]
    word = next(word for word in GLUED if path.startswith(word))
    inside = f"{word}/{path.removeprefix(word)}"
    return await read_at(inside, visit, engine)


def glued_paths(engine: Engine) -> dict[str, Kind]:
    """The first folders of such paths, where the settings say that there are buckets."""
    if not engine.settings.legacy.buckets:
        return {}
    found = engine.definitions
    names = [*found.found, *found.broken]
    return {
        f"{word}{name.partition('/')[0]}/": kind
        for word in GLUED
        for kind, name in names
        if PREFIXES[f"{word}/"] is kind and "/" in name
    }


async def read_at(path: str, visit: Visit, engine: Engine) -> Asked:
    """The definition at a path, asked for as `read_defined` has it."""
    scope, fields, prefix = visit.scope, visit.fields, path[: path.find("/", 1) + 1]
    found = _found(PREFIXES[prefix], path.removeprefix(prefix), engine, visit.sight)
    raw, limits = scope["headers"], engine.settings.limits
    check_head(raw, limits.header_bytes)
    body = await body_of(visit, limits.body_bytes)
    headers = Headers(raw, fields)
    params = {
        "origin": _origin(body, found, engine),
        "query": _query(scope) if scope["query_string"] else {},
        "headers": headers,
        "base": _base(found, scope, engine),
    }
    query = Query("", params, headers, None, patience_in(fields))
    reads = scope["method"] in READS and not found.executable.writes
    name = found.name if found.named else ""
    return Asked(query, form_in(fields), False, reads, name=name, defined=found)


def _query(scope: Scope) -> dict[str, str]:
    """The first value of each name."""
    return {name: values[0] for name, values in url_pairs(scope, MOST_PAIRS).items()}


def _found(kind: Kind, path: str, engine: Engine, sight: Sight | None) -> Defined:
    """The definition at a path: `weather`, or `weather/v2`, which is `weather_v2`."""
    catalog = engine.definitions
    found = catalog.found.get((kind, path))
    if found is not None and (sight is None or sight.defined(kind, path)):
        return found
    for name in dict.fromkeys((path, "_".join(path.split("/", 1)))):
        there = sight is None or sight.defined(kind, name)
        found = catalog.found.get((kind, name))
        if found is not None and there:
            return found
        if (kind, name) in catalog.broken and there:
            message = f"the {kind} is there, and broken: what is wrong was told as it was loaded"
            raise RequestRefused(Code.BROKEN_DEFINITION, message)
    if sight is not None:
        sight.miss()
    if kind in catalog.nowhere:
        return replace(catalog.nowhere[kind], name="_".join(path.split("/", 1)))
    names = [name for of, name in catalog.found if of is kind and (
        sight is None or sight.defined(of, name))]  # fmt: skip
    meant = nearest(path, names) if engine.settings.server.docs else None
    hint = f"; did you mean {meant}?" if meant else ""
    message = f"there is no {kind} of this name{hint}"
    raise RequestRefused(Code.QUERY_NOT_FOUND, message, status=catalog.unknown)


def _origin(body: bytes, found: Defined, engine: Engine) -> Any:
    """The body as JSON; without one, and where the generation minds no other, `{}`."""
    if not body.strip():
        return {}
    try:
        origin = decode_json(body, engine.settings.limits)
    except RequestRefused as refused:
        if refused.code is Code.LIMIT_EXCEEDED:
            raise
        if found.lowered.any_body:
            return {}
        status = engine.definitions.no_json
        raise RequestRefused(refused.code, refused.detail, refused.headers, "", status) from None
    return {} if origin is None else origin


def _base(found: Defined, scope: Scope, engine: Engine) -> dict[str, str]:
    """What the second generation knows of a request."""
    client = client_address(scope, engine.settings.clients)
    root = found.lowered.name or found.name  # the bucket is none of its name
    return {"root": root, "type": str(found.kind), "src": client}

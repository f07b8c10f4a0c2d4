"""A configuration as written -> the gateway: with defaults, with what endpoints inherit, and with
modifiers made into functions. What it is given has been read without an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apiql.frontends.endpoints.answer import Notation, Shape
from apiql.frontends.endpoints.caching import CacheRules, caching_of
from apiql.frontends.endpoints.dynamic import dynamic_of
from apiql.frontends.endpoints.gateway import (
    DEFAULT_BODY,
    DEFAULT_EVERY,
    DEFAULT_HEADER,
    DEFAULT_MULTIPART,
    DEFAULT_TIMEOUT,
    Backend,
    Call,
    Cors,
    Endpoint,
    Gateway,
    Limits,
    Rate,
    Redis,
    Role,
    part_of,
)
from apiql.frontends.endpoints.json_path import NoPath, Path, path_of
from apiql.frontends.endpoints.modifier import Action, Modifier, Side, Target
from apiql.frontends.endpoints.modify import changes_of
from apiql.frontends.endpoints.written import (
    HeaderModifier,
    WrittenBackend,
    WrittenEndpoint,
    WrittenGateway,
    WrittenLimiter,
    WrittenModifier,
    WrittenModifiers,
)


def gateway_of(
    written: WrittenGateway,
    file: str,
    settings: Mapping[str, object],
    rules: CacheRules = CacheRules.DOCUMENTED,
) -> Gateway:
    """The gateway of a file; `settings` is what may be shown of it."""
    middlewares = {name: backend_of(backend) for name, backend in written.middlewares.items()}
    endpoints = (_endpoint(written, own, middlewares, rules) for own in written.endpoints)
    store, cors = written.store, written.security_cors
    return Gateway(
        file,
        written.port,
        tuple(endpoints),
        written.version,
        written.hot_reload,
        Redis(store.redis.address, store.redis.password) if store is not None else None,
        Cors(cors.allow_origins, cors.allow_methods, cors.allow_headers) if cors else Cors(),
        middlewares,
        settings,
    )


def _endpoint(
    root: WrittenGateway,
    own: WrittenEndpoint,
    middlewares: dict[str, Backend],
    rules: CacheRules,
) -> Endpoint:
    calls = (
        *_named(own.beforewares, middlewares, Role.BEFORE),
        *(Call(Role.BACKEND, backend_of(backend)) for backend in own.backends),
        *_named(own.afterwares, middlewares, Role.AFTER),
    )
    abort_if = own.abort_if_status_codes
    return Endpoint(
        own.method,
        own.path,
        calls,
        _shape(own, calls),
        own.timeout or root.timeout or DEFAULT_TIMEOUT,
        caching_of(root.cache, own.cache, rules),
        limits_of(own.limiter, root.limiter),
        None if abort_if is None else frozenset(abort_if),
        tuple(n for n in (*own.beforewares, *own.afterwares) if n not in middlewares),
        own.comment,
    )


def _shape(own: WrittenEndpoint, calls: tuple[Call, ...]) -> Shape:
    return Shape(
        tuple(map(part_of, calls)),
        len(own.beforewares) + len(own.backends) + len(own.afterwares),
        own.aggregate_responses,
        Notation(own.response_encode) if own.response_encode else None,
    )


def _named(names: Iterable[str], middlewares: dict[str, Backend], role: Role) -> Iterator[Call]:
    for name in names:
        if name in middlewares:
            yield Call(role, middlewares[name], name)


def limits_of(*limiters: WrittenLimiter | None) -> Limits:
    """The first that says something counts, member by member."""
    said = [limiter for limiter in limiters if limiter is not None]
    header = next((s.max_header_size for s in said if s.max_header_size is not None), None)
    body = next((s.max_body_size for s in said if s.max_body_size is not None), None)
    multipart = next(
        (s.max_multipart_memory_size for s in said if s.max_multipart_memory_size is not None), None
    )
    rate = next((s.rate for s in said if s.rate is not None), None)
    return Limits(
        DEFAULT_HEADER if header is None else header,
        DEFAULT_BODY if body is None else body,
        DEFAULT_MULTIPART if multipart is None else multipart,
        None if rate is None else Rate(rate.capacity, rate.every or DEFAULT_EVERY),
    )


def backend_of(written: WrittenBackend) -> Backend:
    """A call, its modifiers made into functions."""
    extra, said = written.extra_config, written.modifiers
    modifiers = tuple(modifiers_of(said)) if said is not None else ()
    status = said.status_code if said is not None else 0
    request = written.request
    return Backend(
        written.name,
        written.hosts,
        written.path,
        written.method,
        written.forward_headers,
        written.forward_queries,
        modifiers,
        status,
        changes_of(modifiers, status),
        extra is not None and extra.omit_request_body,
        extra is not None and extra.group_response,
        extra is not None and extra.omit_response,
        (request.concurrent if request is not None else None) or 1,
        written.comment,
    )


def modifiers_of(written: WrittenModifiers) -> Iterator[Modifier]:
    """All modifiers in the order in which they are made."""
    lists: tuple[tuple[Target, Iterable[Any]], ...] = (
        (Target.HEADER, written.header),
        (Target.PARAM, written.param),
        (Target.QUERY, written.query),
        (Target.BODY, written.body),
    )
    for target, listed in lists:
        for modifier in listed:
            yield _modifier(target, modifier, modifier.action)


def _modifier(target: Target, written: WrittenModifier, action: str) -> Modifier:
    value = None if written.value is None else dynamic_of(written.value)
    scope = written.scope if isinstance(written, HeaderModifier) else None
    is_body = target is Target.BODY
    is_static = is_body and action == "REN" and value is not None and value.is_constant
    return Modifier(
        target,
        Action(action),
        written.key,
        value,
        Side(written.context) if written.context else None,
        Side(scope) if scope else None,
        written.propagate,
        _path(written.key) if is_body else None,
        _path(written.value or "") if is_static else None,
    )


def _path(text: str) -> Path | None:
    try:
        return path_of(text) if text else None
    except NoPath:
        return None

"""A conf folder's named things -> what texts are lowered against; all checked at load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from apiql.errors import ApiqlError
from apiql.frontends.call_templates.around import Around
from apiql.frontends.text.surroundings import PlanLimits, Surroundings
from apiql.ir.caching import CacheRule
from apiql.ir.policy import Retry
from apiql.ir.push import Kind, Member, Push, Style
from apiql.ir.request import CREDENTIALS, Binding, Endpoint, Place, Slot
from apiql.ir.secret import Secret
from apiql.ir.source import Bulk, Source
from apiql.ir.template import Template, TemplateRefused, parse_template
from apiql.ir.values import Items, Literal, Value
from apiql.plugins import Registry
from apiql.settings import Cache, Limits, PrivateText, Settings, Upstream
from apiql.settings import Push as PushSettings
from apiql.settings import Retry as RetrySettings
from apiql.settings import Source as SourceSettings
from apiql.sources.addresses import AllowList
from apiql.sources.call import Origin
from apiql.sources.loops import own_places

NAMES: Mapping[Style, Mapping[str, str]] = {
    Style.POSTGREST: {"limit": "limit", "offset": "offset", "order": "order", "fields": "select"},
    Style.ODATA: {"limit": "$top", "offset": "$skip", "order": "$orderby", "filter": "$filter",
                  "fields": "$select"},
    Style.JSONAPI: {"limit": "page[limit]", "offset": "page[offset]", "order": "sort"},
    Style.GOOGLE: {"limit": "maxResults", "fields": "fields"},
    Style.PARAM: {"limit": "limit", "offset": "offset", "order": "sort", "fields": "fields"},
}  # fmt: skip
"""What the styles call the parameters of their abilities."""
ROWS = {Style.ODATA: "value", Style.JSONAPI: "data", Style.GOOGLE: "items"}
"""Where their rows are."""


class CatalogError(ApiqlError):
    """A source of the configuration that cannot be called, with its place."""


def surroundings(settings: Settings, functions: Registry) -> Surroundings:
    """Sources, permissions and limits of these settings.

    Raises:
        CatalogError: a source whose path, or that of its bulk form, cannot be used.
    """
    credentials, endpoints = credentials_of(settings), _endpoints(settings)
    sources: dict[str, Source] = {}
    for name, upstream in settings.upstreams.items():
        for source in _sources(name, upstream, endpoints[name], credentials):
            sources[source.name] = source
    permits = _permits(settings)
    methods = frozenset(settings.security.allow_methods)
    limits = plan_limits(settings.limits)
    return Surroundings(
        functions, endpoints.get("default"), sources, permits, limits, methods,
        credentials=credentials,
    )  # fmt: skip


def template_surroundings(settings: Settings) -> Around:
    """Upstreams, permissions and limits of these settings, for call templates."""
    limits = settings.limits
    return Around(
        _endpoints(settings), _permits(settings), frozenset(settings.security.allow_methods),
        credentials_of(settings), limits.tasks, limits.params_per_task, limits.path_segments,
        limits.call_timeout,
    )  # fmt: skip


def _endpoints(settings: Settings) -> dict[str, Endpoint]:
    credentials = credentials_of(settings)
    return {name: _endpoint(name, found, credentials) for name, found in settings.upstreams.items()}


def credentials_of(settings: Settings) -> frozenset[str]:
    """The headers of a request that say who asks: they go to nobody who does not list them."""
    return CREDENTIALS | {settings.access.key_header}


def _permits(settings: Settings) -> Callable[[Origin, str], bool]:
    """Whether a query may call a target of an origin: a host that is allowed, and not this very
    server.
    """
    allowed, own = AllowList.parse(settings.security.allow_hosts), own_places(settings)
    return lambda origin, target: allowed.permits(origin, target) and not own.named_by(origin)


def plan_limits(limits: Limits) -> PlanLimits:
    """The limits of a program."""
    return PlanLimits(
        tasks=limits.tasks,
        depth=limits.depth,
        aliases_depth=limits.aliases_depth,
        calls=limits.calls,
        fields=limits.fields,
        params_per_task=limits.params_per_task,
        path_segments=limits.path_segments,
        nesting=limits.nesting,
        query_timeout=limits.query_timeout,
        call_timeout=limits.call_timeout,
        retries=limits.retries,
    )


def _endpoint(name: str, upstream: Upstream, credentials: frozenset[str]) -> Endpoint:
    """The upstream itself: its base and, as the path, the prefix of its URL."""
    scheme, _, rest = upstream.url.partition("://")
    authority, slash, prefix = rest.partition("/")
    path = (slash + prefix).rstrip("/")
    base = f"{scheme}://{authority}"
    return Endpoint(
        name,
        base,
        (path,) if path else (),
        list_style=upstream.list_style,
        headers=_texts(upstream.headers, f"upstreams.{name}", base),
        timeout=upstream.timeout,
        concurrency=upstream.concurrency,
        retry=_retry(upstream.retry),
        on_timeout=upstream.on_timeout,
        cache=_rule(upstream, upstream.cache, f"upstream:{name}"),
        forward=upstream.forward,
        withheld=credentials.difference(upstream.forward),
    )


def _rule(upstream: Upstream, cache: Cache | None, *tags: str, bodies: bool = False) -> CacheRule:
    """How answers are kept: as the table says, and with the tags that they have by themselves."""
    found = cache or Cache()
    place = tuple(found.expires.split(".")) if found.expires else ()
    return CacheRule(
        (*tags, *found.tags),
        upstream.http_cache,
        found.keep,
        found.negative or 0.0,
        found.stale_if_error or 0.0,
        found.stale_while_revalidate or 0.0,
        place,
        found.early or 0.0,
        bodies and (found.keep is not None or bool(place)),
    )


def _sources(
    name: str, upstream: Upstream, base: Endpoint, credentials: frozenset[str]
) -> Iterator[Source]:
    for source_name, source in upstream.sources.items():
        where = f"upstreams.{name}.sources.{source_name}"
        template = _template(source.path, f"[{where}] path")
        tags = (f"source:{source_name}", f"upstream:{name}")
        own, sends, listed = source.cache, source.method == "post", source.forward
        forward = base.forward if listed is None else listed
        endpoint = replace(
            base,
            path=(*base.path, *template.path), query=template.query,
            list_style=source.list_style or base.list_style,
            headers=(*base.headers, *_texts(source.headers, where, base.base)),
            timeout=source.timeout or base.timeout,
            concurrency=source.concurrency or base.concurrency,
            retry=base.retry if source.retry is None else _retry(source.retry),
            on_timeout=source.on_timeout or base.on_timeout,
            push=_push(source.push),
            cache=_rule(upstream, own or upstream.cache, *tags, bodies=sends and own is not None),
            source=source_name,
            forward=forward, withheld=credentials.difference(forward),
        )  # fmt: skip
        bulk = _bulk(source, endpoint, base, f"[{where}]")
        yield Source(source_name, source.method, endpoint, _defaults(source, where, base), bulk)


def _retry(found: RetrySettings) -> Retry:
    return Retry(
        found.times,
        found.backoff,
        found.doubles,
        found.longest,
        found.on,
        found.each,
        found.retry_after,
    )


def _bulk(source: SourceSettings, own: Endpoint, base: Endpoint, place: str) -> Bulk | None:
    found = source.bulk
    if found is None:
        return None
    endpoint = own
    if found.path is not None:
        template = _template(found.path, f"{place} bulk.path")
        path = (*base.path, *template.path)
        endpoint = replace(own, path=path, query=template.query)
    slots = [part.name for part in endpoint.path if isinstance(part, Slot) and not part.optional]
    if slots:
        message = f"bulk: nothing fills {{{slots[0]}}} in a call for several elements"
        raise CatalogError(f"{place} {message}; set bulk.path to a path without placeholders")
    key, rows = tuple(found.key.split(".")), tuple(found.rows.split(".")) if found.rows else ()
    return Bulk(endpoint, found.param, found.style, found.max, key, rows)


def _push(found: PushSettings | None) -> Push | None:
    if found is None:
        return None
    style = Style(found.style)
    rows = ROWS.get(style, "") if found.rows is None else found.rows
    return Push(
        style,
        frozenset(found.can),
        tuple(rows.split(".")) if rows else (),
        {name: _member(kind) for name, kind in found.members.items()},
        found.key,
        found.max_limit,
        {**NAMES[style], **{str(ability): name for ability, name in found.names.items()}},
        frozenset(found.paging),
        found.descending == "-name",
    )


def _member(kind: str) -> Member:
    return Member(Kind(kind.removesuffix("?")), kind.endswith("?"))


def _template(path: str, place: str) -> Template:
    try:
        return parse_template(path)
    except TemplateRefused as refused:
        raise CatalogError(f"{place}: {refused.message}; {refused.hint}") from None


def _defaults(source: SourceSettings, where: str, base: Endpoint) -> tuple[Binding, ...]:
    return tuple(
        Binding(Place.QUERY, (name,), _value(value, f"{where}.query.{name}", base.base))
        for name, value in source.query.items()
    )


def _value(value: Any, place: str, home: str) -> Value:
    if isinstance(value, tuple) and any(isinstance(item, PrivateText) for item in value):
        return Items(tuple(_value(item, f"{place}[{i}]", home) for i, item in enumerate(value)))
    if isinstance(value, PrivateText):
        return Secret(place, home, str(value))
    return Literal(_constant(value))


def _constant(value: Any) -> Any:
    """A setting as the constants of a query are."""
    if isinstance(value, tuple):
        return [_constant(each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


def _texts(
    headers: Mapping[str, str], where: str, home: str
) -> tuple[tuple[str, str | Secret], ...]:
    """Headers of the configuration; what holds a private value is a secret of its host."""
    return tuple(
        (str(name), Secret(f"{where}.headers.{name}", home, str(value)))
        if isinstance(value, PrivateText)
        else (str(name), str(value))
        for name, value in headers.items()
    )

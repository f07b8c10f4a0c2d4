"""A conf folder's named things -> what texts are lowered against; all checked at load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from apiql.errors import ApiqlError
from apiql.frontends.text.surroundings import PlanLimits, Surroundings
from apiql.ir.caching import CacheRule
from apiql.ir.policy import Retry
from apiql.ir.push import Kind, Member, Push, Style
from apiql.ir.request import Binding, Endpoint, Place, Slot
from apiql.ir.source import Bulk, Source
from apiql.ir.template import Template, TemplateRefused, parse_template
from apiql.ir.values import Literal
from apiql.plugins import Registry
from apiql.settings import Cache, Limits, Settings, Upstream
from apiql.settings import Push as PushSettings
from apiql.settings import Retry as RetrySettings
from apiql.settings import Source as SourceSettings
from apiql.sources.addresses import AllowList

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
    endpoints = {name: _endpoint(name, found) for name, found in settings.upstreams.items()}
    sources: dict[str, Source] = {}
    for name, upstream in settings.upstreams.items():
        for source in _sources(name, upstream, endpoints[name]):
            sources[source.name] = source
    allowed = AllowList.parse(settings.security.allow_hosts)
    methods = frozenset(settings.security.allow_methods)
    limits = plan_limits(settings.limits)
    return Surroundings(
        functions, endpoints.get("default"), sources, allowed.permits, limits, methods
    )


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


def _endpoint(name: str, upstream: Upstream) -> Endpoint:
    """The upstream itself: its base and, as the path, the prefix of its URL."""
    scheme, _, rest = upstream.url.partition("://")
    authority, slash, prefix = rest.partition("/")
    path = (slash + prefix).rstrip("/")
    return Endpoint(
        name,
        f"{scheme}://{authority}",
        (path,) if path else (),
        list_style=upstream.list_style,
        headers=_texts(upstream.headers),
        timeout=upstream.timeout,
        concurrency=upstream.concurrency,
        retry=_retry(upstream.retry),
        on_timeout=upstream.on_timeout,
        cache=_rule(upstream, upstream.cache, f"upstream:{name}"),
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


def _sources(name: str, upstream: Upstream, base: Endpoint) -> Iterator[Source]:
    for source_name, source in upstream.sources.items():
        place = f"[upstreams.{name}.sources.{source_name}]"
        template = _template(source.path, f"{place} path")
        tags = (f"source:{source_name}", f"upstream:{name}")
        own, sends = source.cache, source.method == "post"
        endpoint = Endpoint(
            name,
            base.base,
            (*base.path, *template.path),
            template.query,
            list_style=source.list_style or base.list_style,
            headers=(*base.headers, *_texts(source.headers)),
            timeout=source.timeout or base.timeout,
            concurrency=source.concurrency or base.concurrency,
            retry=base.retry if source.retry is None else _retry(source.retry),
            on_timeout=source.on_timeout or base.on_timeout,
            push=_push(source.push),
            cache=_rule(upstream, own or upstream.cache, *tags, bodies=sends and own is not None),
        )
        bulk = _bulk(source, endpoint, base, place)
        yield Source(source_name, source.method, endpoint, _defaults(source), bulk)


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


def _defaults(source: SourceSettings) -> tuple[Binding, ...]:
    return tuple(
        Binding(Place.QUERY, (name,), Literal(_constant(value)))
        for name, value in source.query.items()
    )


def _constant(value: Any) -> Any:
    """A setting as the constants of a query are."""
    if isinstance(value, tuple):
        return [_constant(each) for each in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


def _texts(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), str(value)) for name, value in headers.items())

"""A fetch as a closure that makes its call: what is constant is encoded once, with the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from apiql.errors import Code, ValueRefused
from apiql.ir.forwarding import AS_SENT
from apiql.ir.request import Endpoint, Place, Slot
from apiql.ir.secret import Secret
from apiql.ir.values import Literal, ResultRoot, Value, refs
from apiql.ir.works import Fetch
from apiql.plugins import Registry
from apiql.runtime import encode
from apiql.runtime.filled import Filled, fill
from apiql.runtime.json_values import plain_text
from apiql.runtime.outcome import MISSING, Unmet, unmet
from apiql.runtime.pushed import Pairs, compile_pushed
from apiql.runtime.scope import Reads, Scope
from apiql.sources.addresses import parse_url
from apiql.sources.call import Caching, Call, Headers, Origin

CONSTANT = Literal | Secret
Build = Callable[[Scope, float], Call]
"""Makes the call of a task, with its deadline on the loop's clock."""


@lru_cache(maxsize=1024)
def origin_of(base: str, pinned: bool) -> Origin:
    """Where the calls of an endpoint go; the same object for the same place."""
    origin, _ = parse_url(base)
    return Origin(origin.scheme, origin.host, origin.port, pinned)


def reads_results(value: Value) -> bool:
    """Whether a value depends on what an upstream answers."""
    return any(isinstance(ref.root, ResultRoot) for ref in refs(value))


def compile_request(fetch: Fetch, functions: Registry, reads: Reads) -> Build:
    """The closure that makes the call of a fetch."""
    filled = fill(fetch, functions, reads)
    origin = origin_of(fetch.endpoint.base, fetch.endpoint.pinned)
    method = fetch.method.upper()
    pushed = compile_pushed(fetch.pushed, functions, reads)
    target = _compile_target(fetch.endpoint, filled, pushed)
    headers = _compile_headers(fetch.endpoint, filled)
    body = _compile_body(fetch, filled)
    last = (_kept(fetch.endpoint), 0, (), fetch.endpoint.service)
    if body is None and isinstance(headers, tuple):
        return lambda scope, until: Call(method, origin, target(scope), headers, None, until, *last)
    made = headers if callable(headers) else lambda scope: headers
    if body is None:
        return lambda scope, until: Call(
            method, origin, target(scope), made(scope), None, until, *last
        )

    def build(scope: Scope, deadline: float) -> Call:
        sent, media = body(scope)
        found = made(scope)
        if media and not any(name.lower() == "content-type" for name, _ in found):
            found = (*found, ("Content-Type", media))
        return Call(method, origin, target(scope), found, sent, deadline, *last)

    return build


def _kept(endpoint: Endpoint) -> Caching | None:
    """What the configuration says of keeping its answers."""
    return Caching(rule=endpoint.cache) if endpoint.cache else None


def _at(filled: Iterable[Filled], place: Place) -> tuple[Filled, ...]:
    return tuple(item for item in filled if item.binding.place is place)


# -- the target ---------------------------------------------------------------------------------


def _compile_target(
    endpoint: Endpoint, filled: tuple[Filled, ...], pushed: tuple[Pairs, ...]
) -> Callable[[Scope], str]:
    by_name = {item.binding.name[0]: item for item in _at(filled, Place.PATH)}
    path = [part if isinstance(part, str) else _segment(part, by_name) for part in endpoint.path]
    pairs = [*_compile_pairs(endpoint, by_name, _at(filled, Place.QUERY)), *pushed]
    static_path = all(isinstance(part, str) for part in path)
    hollow = any(isinstance(part, Slot) and part.optional for part in endpoint.path[:-1])
    if static_path and not hollow and all(isinstance(pair, str) for pair in pairs):
        text = _joined("".join(map(str, path)), [str(pair) for pair in pairs])
        return lambda scope: text
    match path, pairs:
        case [str(before), slot], [] if callable(slot):
            return lambda scope: before + slot(scope)

    def target(scope: Scope) -> str:
        made = "".join([p if isinstance(p, str) else p(scope) for p in path])
        if hollow and "//" in made:
            raise ValueRefused("the path would have an empty segment", "fill its placeholders")
        return _joined(made, [p if isinstance(p, str) else p(scope) for p in pairs])

    return target


def _compile_pairs(
    endpoint: Endpoint, by_name: dict[str, Filled], query: tuple[Filled, ...]
) -> list[Pairs]:
    style = endpoint.list_style
    pairs: list[Pairs] = []
    for name, part in endpoint.query:
        if isinstance(part, str):
            pairs.append(f"{name}={part}")
        elif part.name in by_name:
            pairs.append(_pair(unquote(name), by_name[part.name], style))
    return pairs + [_pair(item.binding.name[0], item, style) for item in query]


def _joined(path: str, pairs: list[str]) -> str:
    query = "&".join([pair for pair in pairs if pair])
    return f"{path}?{query}" if query else path


def _segment(slot: Slot, by_name: dict[str, Filled]) -> Callable[[Scope], str] | str:
    item = by_name.get(slot.name)
    if item is None:
        return ""
    name = slot.name

    def segment(scope: Scope) -> str:
        value = item.value(scope)
        if value is MISSING:
            if slot.optional:
                return ""
            raise _unfilled(name, item.binding.value)
        if item.binding.style is not None and isinstance(value, list):
            texts = [encode.segment(name, part) for part in value]
            return ",".join(texts) if texts else encode.segment(name, "")
        return encode.segment(name, value)

    return segment if not isinstance(item.binding.value, CONSTANT) else _constant(segment)


def _unfilled(name: str, value: Value) -> Unmet:
    shown = str(value).removesuffix("?")
    message = f"{shown} is missing, and nothing else fills {{{name}}}"
    if reads_results(value):
        return unmet(Code.MISSING_DEPENDENCY, f"not called: {message}")
    return unmet(Code.MISSING_PARAMETER, message)


def _constant(made: Callable[[Scope], str]) -> str:
    return made(None)  # type: ignore[arg-type]  # a literal looks at no scope


def _pair(name: str, item: Filled, usual: str) -> Callable[[Scope], str] | str:
    style = item.binding.style or usual

    def pair(scope: Scope) -> str:
        value = item.value(scope)
        return "" if value is MISSING else encode.query_text(encode.pairs(name, value, style))

    return pair if not isinstance(item.binding.value, CONSTANT) else _constant(pair)


# -- headers and bodies -------------------------------------------------------------------------


def _compile_headers(
    endpoint: Endpoint, filled: tuple[Filled, ...]
) -> Headers | Callable[[Scope], Headers]:
    own, cookies = _at(filled, Place.HEADER), _at(filled, Place.COOKIE)
    named = {item.binding.name[0].lower() for item in own}
    fixed = _fixed_headers(endpoint, named)
    if not own and not cookies:
        return fixed
    written = tuple((item.binding.name[0], item.value, _writer(item)) for item in own)

    def headers(scope: Scope) -> Headers:
        found = []
        for name, evaluate, write in written:
            value = evaluate(scope)
            if value is not MISSING:
                found.append((name, write(name, value)))
        crumbs = [encode.cookie(name, value) for name, value in _present(cookies, scope)]
        if crumbs:
            found.append(("Cookie", "; ".join(crumbs)))
        return (*fixed, *found)

    return headers


def _writer(item: Filled) -> Callable[[str, Any], str]:
    return encode.passed_on if item.binding.style == AS_SENT else encode.header


def _fixed_headers(endpoint: Endpoint, named: set[str]) -> Headers:
    """Those of the configuration that the call has no others for."""
    fixed = tuple(
        (name, value.for_host(endpoint.base) if isinstance(value, Secret) else value)
        for name, value in endpoint.headers
        if name.lower() not in named
    )
    if any(name.lower() == "accept" for name, _ in fixed) or "accept" in named:
        return fixed
    return (*fixed, ("Accept", "application/json, */*;q=0.5"))


def _compile_body(
    fetch: Fetch, filled: tuple[Filled, ...]
) -> Callable[[Scope], tuple[bytes | None, str]] | None:
    whole, form = _at(filled, Place.BODY), _at(filled, Place.FORM)
    members = _at(filled, Place.MEMBER)
    if whole:
        return lambda scope: _whole(_written(whole[0], whole[0].value(scope)))
    if form:
        own = [item.binding.style for item in form if item.binding.style]
        style = own[0] if own else fetch.endpoint.list_style
        return lambda scope: encode.form(
            _present(form, scope), style, f"apiql-{scope.moment.random_bits(96):024x}"
        )
    if members:
        return lambda scope: encode.body(_nested(members, scope))
    return None


def _whole(value: Any) -> tuple[bytes | None, str]:
    return (None, "") if value is MISSING else encode.body(value)


def _written(item: Filled, value: Any) -> Any:
    """A batch in a JSON body: a list, or with `as csv` one text."""
    if item.binding.style == "csv" and isinstance(value, list):
        return ",".join(map(plain_text, value))
    return value


def _present(items: tuple[Filled, ...], scope: Scope) -> list[tuple[str, Any]]:
    found = ((item.binding.name[0], item.value(scope)) for item in items)
    return [(name, value) for name, value in found if value is not MISSING]


def _nested(items: tuple[Filled, ...], scope: Scope) -> dict[str, Any]:
    """`user.id = 3` as `{"user": {"id": 3}}`."""
    root: dict[str, Any] = {}
    for item in items:
        value = item.value(scope)
        if value is MISSING:
            continue
        below = root
        *parents, last = item.binding.name
        for name in parents:
            below = below.setdefault(name, {})
        below[last] = _written(item, value)
    return root

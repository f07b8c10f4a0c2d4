"""The `Url` of a resource --lower--> the endpoint it calls, and what fills its path and query.

Where it goes is known when it is loaded: no path stands in a scheme, a host or a port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

from apiql.errors import Code
from apiql.frontends.call_templates.around import Around
from apiql.frontends.call_templates.naming import Naming
from apiql.frontends.call_templates.path import Path, Piece
from apiql.frontends.call_templates.values import address_value
from apiql.ir.request import Binding, Endpoint, Place, Slot, TemplatePart
from apiql.ir.template import Template, TemplateRefused, parse_template
from apiql.json_nodes import Keys
from apiql.sources.addresses import BadUrl, is_below, parse_url
from apiql.sources.call import Origin

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)(.*)", re.DOTALL)
_SCHEME = re.compile(r"[^/?#]*:")
NOWHERE = Endpoint("", "", ())
_SLOT = re.compile(r"\{(s[0-9]+)\}")


@dataclass
class _Url:
    """An address in which slots stand for paths; `filled` are their pieces by their names."""

    naming: Naming
    keys: Keys
    filled: dict[str, tuple[Piece, ...]] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    def slot(self, *pieces: Piece) -> str:
        name = f"s{len(self.filled)}"
        self.filled[name] = pieces
        match pieces:
            case (Path() as path,):
                self.shown[name] = path.text
            case _:
                texts = (piece if isinstance(piece, str) else piece.written for piece in pieces)
                self.shown[name] = "".join(texts)
        return "{" + name + "}"

    def refuse(self, code: Code, wrong: str, hint: str, at: int | None = None) -> None:
        self.naming.findings.add(code, self.keys, wrong, hint, at)


def located(
    text: str, keys: Keys, naming: Naming, around: Around
) -> tuple[Endpoint, tuple[Binding, ...]]:
    """The endpoint of an address and its bindings; `NOWHERE` where a problem was noted."""
    url = _Url(naming, keys)
    marked = _marked(text, url)
    found = _URL.fullmatch(marked)
    base, rest = (found[1], found[2]) if found else ("", marked)
    if _SLOT.search(base) or (not base and _SLOT.match(rest)):
        wrong = "a path stands where the host is, which must be known before the call"
        url.refuse(Code.FORBIDDEN_UPSTREAM, wrong, "write the host, or a path that begins with /")
        return NOWHERE, ()
    if not base and _SCHEME.match(rest):
        wrong = "this is neither a path nor a whole URL"
        url.refuse(Code.FORBIDDEN_UPSTREAM, wrong, "begin it with http://, https:// or /")
        return NOWHERE, ()
    template = _template(rest if rest.startswith("/") else f"/{rest}", url, around)
    if template is None:
        return NOWHERE, ()
    endpoint = _endpoint(base, template, url, around)
    return _filled(endpoint, url) if endpoint is not None else (NOWHERE, ())


def _marked(text: str, url: _Url) -> str:
    """The address with a slot for each path, or for each value of the query string with some."""
    marked = [
        p.replace("{", "%7B").replace("}", "%7D") if isinstance(p, str) else url.slot(p)
        for p in url.naming.pieces(text, url.keys)
    ]
    path, mark, query = "".join(marked).partition("?")
    return path + mark + "&".join(_pair(pair, url) for pair in query.split("&"))


def _pair(pair: str, url: _Url) -> str:
    name, mark, value = pair.partition("=")
    found = _SLOT.search(name)
    if found is not None:
        piece = url.filled[found[1]][0]
        assert isinstance(piece, Path)
        wrong = "a path stands for a value of the query string, not for a name"
        url.refuse(Code.VALIDATION, wrong, f"write name={piece.written}", piece.at)
        return ""
    if not _SLOT.search(value) or _SLOT.fullmatch(value):
        return pair
    pieces: list[Piece] = []
    for number, part in enumerate(_SLOT.split(value)):
        if number % 2:
            pieces.append(url.filled[part][0])
        elif part:
            pieces.append(unquote_plus(part))
    return f"{name}{mark}{url.slot(*pieces)}"


def _template(text: str, url: _Url, around: Around) -> Template | None:
    try:
        return parse_template(text, around.segments)
    except TemplateRefused as refused:
        code = Code.FORBIDDEN_UPSTREAM if refused.forbidden else Code.VALIDATION
        if "limit" in refused.message:
            code = Code.LIMIT_EXCEEDED
        url.refuse(code, refused.message, refused.hint)
        return None


def _endpoint(base: str, template: Template, url: _Url, around: Around) -> Endpoint | None:
    if not base:
        return _default(template, url, around)
    try:
        origin, _ = parse_url(base)
    except BadUrl as refused:
        url.refuse(Code.FORBIDDEN_UPSTREAM, str(refused), "write a URL that can be called")
        return None
    known = _configured(origin, template, around)
    if known is not None:
        return replace(known, path=template.path, query=template.query)
    if not around.permits(origin, template.prefix):
        wrong = f"templates may not call {origin.authority}"
        hint = "configure it as an upstream, or list it in [security] allow_hosts"
        url.refuse(Code.FORBIDDEN_UPSTREAM, wrong, hint)
        return None
    return Endpoint(
        origin.host, str(origin), template.path, template.query, pinned=False,
        withheld=around.credentials,
    )  # fmt: skip


def _default(template: Template, url: _Url, around: Around) -> Endpoint | None:
    default = around.upstreams.get("default")
    if default is None:
        wrong = "a path has nowhere to go: there is no default upstream"
        hint = "configure [upstreams.default] url, or write the whole URL"
        url.refuse(Code.UNKNOWN_SOURCE, wrong, hint)
        return None
    return replace(default, path=(*default.path, *template.path), query=template.query)


def _configured(origin: Origin, template: Template, around: Around) -> Endpoint | None:
    """The upstream whose place this is: of several that with the longest path."""
    found = [
        endpoint
        for endpoint in around.upstreams.values()
        if str(parse_url(endpoint.base)[0]) == str(origin)
        and is_below(template.prefix, _prefix(endpoint))
    ]
    return max(found, key=lambda endpoint: len(_prefix(endpoint)), default=None)


def _prefix(endpoint: Endpoint) -> str:
    return "".join(map(str, endpoint.path))


def _filled(endpoint: Endpoint, url: _Url) -> tuple[Endpoint, tuple[Binding, ...]]:
    """The endpoint with slots that are called as the paths are, and their bindings."""

    def named(part: TemplatePart) -> TemplatePart:
        return part if isinstance(part, str) else replace(part, name=url.shown[part.name])

    path = tuple(map(named, endpoint.path))
    query = tuple((name, named(part)) for name, part in endpoint.query)
    in_path = {part.name for part in path if isinstance(part, Slot)}
    kept = in_path | {part.name for _, part in query if isinstance(part, Slot)}
    pieces = {url.shown[name]: found for name, found in url.filled.items()}
    bindings = tuple(
        Binding(Place.PATH, (name,), address_value(found, url.naming, name in in_path))
        for name, found in pieces.items()
        if name in kept
    )
    return replace(endpoint, path=path, query=query), bindings
